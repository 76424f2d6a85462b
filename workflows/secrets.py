"""Credentials at rest: AES-256-GCM, bound by associated data to the one row and field that they belong to.

A ciphertext copied into another row does not open there. The key ring comes from the environment: the first key
encrypts, all decrypt. A key that is missing or wrong raises; nothing is ever sent in the place of a secret.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_VERSION = b"v1"
_NONCE_BYTES = 12


class SecretUnreadable(Exception):
    """The ciphertext does not open: unknown key, other row, or altered. The message holds no secret."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A credential in clear, for as short as possible; it cannot be printed by mistake."""

    value: str

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


def binding(kind: str, key: object, name: str) -> bytes:
    """The associated data of one field of one row."""
    return f"{kind}:{key}:{name}".encode()


def secret_binding(request_id: UUID) -> bytes:
    """The associated data of a request's stored credential."""
    return binding("request", request_id, "authorization")


def encrypt(secret: Secret, bound_to: bytes) -> bytes:
    """`v1:<key id>:<nonce><ciphertext>` under the first key of the ring."""
    key_id, key = next(iter(settings.FIELD_ENCRYPTION_KEYS.items()))
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, secret.value.encode(), bound_to)
    return _VERSION + b":" + key_id.encode() + b":" + nonce + sealed


def decrypt(stored: bytes, bound_to: bytes) -> Secret:
    """Open what `encrypt` made for the same row and field.

    Raises:
        SecretUnreadable: see there.
    """
    version, _, rest = bytes(stored).partition(b":")
    key_id, _, sealed = rest.partition(b":")
    key = settings.FIELD_ENCRYPTION_KEYS.get(key_id.decode("ascii", "replace"))
    if version != _VERSION or key is None:
        raise SecretUnreadable("the credential was encrypted with a key that is not in FIELD_ENCRYPTION_KEYS")
    try:
        clear = AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError):
        raise SecretUnreadable("the credential was altered or belongs to another row") from None
    return Secret(clear.decode())


def is_current(stored: bytes) -> bool:
    """Whether it is sealed under the first key of the ring."""
    return stored.split(b":", 2)[1].decode("ascii", "replace") == next(iter(settings.FIELD_ENCRYPTION_KEYS))

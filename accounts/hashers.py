"""A fast hasher for generated secrets only; people's passwords keep Django's slow ones."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from django.contrib.auth.hashers import BasePasswordHasher
from django.utils.crypto import constant_time_compare

GENERATED_SECRET_BYTES = 32


def generate_secret() -> str:
    """256 random bits, with a prefix that secret scanners and our own redaction recognise."""
    return f"gws_{secrets.token_urlsafe(GENERATED_SECRET_BYTES)}"


def digest(secret: str) -> str:
    """SHA-256 of a generated secret, hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


class GeneratedSecretHasher(BasePasswordHasher):
    """For OAuth client secrets, which are generated: 256 bits of entropy need no key stretching.

    django-oauth-toolkit takes it by name (`CLIENT_SECRET_HASHER`); it is never the first of PASSWORD_HASHERS, so no
    password of a person is ever encoded with it.
    """

    algorithm = "sha256_generated"

    def salt(self) -> str:
        return "generated"

    def encode(self, password: str, salt: str) -> str:
        return f"{self.algorithm}${digest(password)}"

    def decode(self, encoded: str) -> dict[str, Any]:
        algorithm, hashed = encoded.split("$", 1)
        return {"algorithm": algorithm, "hash": hashed, "salt": "generated"}

    def verify(self, password: str, encoded: str) -> bool:
        return constant_time_compare(encoded, self.encode(password, ""))

    def safe_summary(self, encoded: str) -> Any:
        return {"algorithm": self.algorithm}

    def must_update(self, encoded: str) -> bool:
        return False

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Nothing to even out: the hash costs a microsecond."""

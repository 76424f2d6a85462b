"""UI tokens: a JWT that names the person who acts. It proves who somebody is and never what they may do."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings
from jwt.utils import base64url_decode
from uuid6 import uuid7

from accounts.actors import Actor
from accounts.errors import NotAuthenticated, PermissionDenied

MAX_TOKEN_BYTES = 4096
MAX_LIFETIME_SECONDS = 3600
LEEWAY_SECONDS = 10
_REQUIRED = ["sub", "email", "org_id", "perms", "iat", "exp", "jti", "iss", "aud", "ver"]
_ALLOWED_HEADERS = {"alg", "typ", "kid"}


@dataclass(frozen=True, slots=True)
class UIToken:
    """A verified token: the person's id, the organisation, when it was issued, and the person's token version then."""

    user_id: int
    organisation_id: int
    version: int
    issued_at: int


def issue(actor: Actor) -> tuple[str, int]:
    """A signed token for a person and its lifetime in seconds.

    Raises:
        PermissionDenied: the person may neither make nor check requests (contract section 2), or is a service account.
    """
    permissions = actor.membership.permissions
    if not permissions or actor.user.is_service_account:
        raise PermissionDenied("A UI token is for people who may make or check requests in this organisation.")
    lifetime: int = settings.UI_TOKEN_TTL_SECONDS
    now = int(time.time())
    key_id, key = next(iter(settings.UI_TOKEN_KEYS.items()))
    claims = {
        "sub": str(actor.user.pk), "email": actor.user.email, "org_id": actor.organisation.pk, "perms": permissions,
        "iat": now, "exp": now + lifetime, "jti": str(uuid7()), "ver": actor.user.ui_token_version,
        "iss": settings.UI_TOKEN_ISSUER, "aud": settings.UI_TOKEN_AUDIENCE,
    }  # fmt: skip
    return jwt.encode(claims, key, settings.UI_TOKEN_ALGORITHM, headers={"kid": key_id}), lifetime


def verify(token: str) -> UIToken:
    """Read a token that this service issued.

    The algorithm is the configured one and never the token's; the key is looked up by `kid` in the ring and nowhere
    else. PyJWT 2.15 leaves open what is checked here by hand: size, unknown header fields, a lifetime without end.

    Raises:
        NotAuthenticated: for every cause the same.
    """
    if len(token) > MAX_TOKEN_BYTES or token.count(".") != 2 or "=" in token:
        raise NotAuthenticated
    try:
        key = _key_for(_header_of(token))
        claims = jwt.decode(
            token, _verifying_key(key), algorithms=[settings.UI_TOKEN_ALGORITHM],
            issuer=settings.UI_TOKEN_ISSUER, audience=settings.UI_TOKEN_AUDIENCE, leeway=LEEWAY_SECONDS,
            options={"require": _REQUIRED, "strict_aud": True},
        )  # fmt: skip
        return _from_claims(claims)
    except (jwt.PyJWTError, ValueError, KeyError, TypeError, RecursionError):
        raise NotAuthenticated from None


def _header_of(token: str) -> Any:
    """Which key it names, and nothing that is believed: PyJWT reads and verifies all of it with that key."""
    return json.loads(base64url_decode(token.partition(".")[0]))


def _key_for(header: Any) -> bytes:
    if not isinstance(header, dict):
        raise NotAuthenticated
    if not set(header) <= _ALLOWED_HEADERS or not isinstance(header.get("kid"), str):
        raise NotAuthenticated
    if header.get("typ", "JWT") != "JWT":
        raise NotAuthenticated
    return settings.UI_TOKEN_KEYS[header["kid"]]


def _from_claims(claims: dict[str, Any]) -> UIToken:
    expiry, issued = claims["exp"], claims["iat"]
    if type(expiry) is not int or type(issued) is not int or expiry - issued > MAX_LIFETIME_SECONDS:
        raise NotAuthenticated
    subject, organisation_id = claims["sub"], claims["org_id"]
    if not (isinstance(subject, str) and subject.isascii() and subject.isdigit() and len(subject) < 19):
        raise NotAuthenticated
    if type(organisation_id) is not int or type(claims["ver"]) is not int:
        raise NotAuthenticated
    return UIToken(
        user_id=int(subject), organisation_id=organisation_id, version=claims["ver"], issued_at=issued
    )  # fmt: skip


@cache
def _public_half(pem: bytes) -> Any:
    return load_pem_private_key(pem, password=None).public_key()


def _verifying_key(key: bytes) -> Any:
    """HS256 verifies with the same key; RS256 with the public half of the private key that is configured."""
    return _public_half(key) if settings.UI_TOKEN_ALGORITHM == "RS256" else key  # noqa: S105

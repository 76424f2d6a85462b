"""Making UI tokens by hand, right ones and wrong ones."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

from tests.api.gateway import Gateway
from tests.house import House

DROPPED: Any = object()


def claims_of(house: House, **changes: Any) -> dict[str, Any]:
    """The claims of a good token of the maker, with changes; DROPPED takes one out."""
    now = int(time.time())
    claims = {
        "sub": str(house.maker.pk), "email": house.maker.email, "org_id": house.organisation.pk,
        "perms": ["CanMakeRequest"], "iat": now, "exp": now + 600, "jti": "0198f0c2-1111-7000-8000-000000000000",
        "ver": house.maker.ui_token_version, "iss": settings.UI_TOKEN_ISSUER, "aud": settings.UI_TOKEN_AUDIENCE,
    } | changes  # fmt: skip
    return {name: value for name, value in claims.items() if value is not DROPPED}


def key_of_the_house() -> tuple[str, bytes]:
    return next(iter(settings.UI_TOKEN_KEYS.items()))


def signed(claims: dict[str, Any], **header: Any) -> str:
    """A token under the service's own key; `header` changes its header, and DROPPED takes a field out."""
    key_id, key = key_of_the_house()
    return raw(claims, {"alg": "HS256", "typ": "JWT", "kid": key_id} | header, key)


def raw(claims: Any, header: dict[str, Any], key: bytes) -> str:
    """A token of any header and any claims, with an HMAC over them: of the header's kind, else SHA-256."""
    kept = {name: value for name, value in header.items() if value is not DROPPED}
    signing_input = f"{_part(kept)}.{_part(claims)}"
    kind = {"HS384": "sha384", "HS512": "sha512"}.get(str(kept.get("alg")), "sha256")
    signature = hmac.digest(key, signing_input.encode(), kind)
    return f"{signing_input}.{_encoded(signature)}"


def _part(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return _encoded(text.encode())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def private_key() -> bytes:
    """A new RSA key, as it stands in UI_TOKEN_KEYS."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def holding(outside: Gateway, token: str) -> Gateway:
    """The same caller with a UI token."""
    return outside.having(X_CAP_UI_AUTH_TOKEN=token)

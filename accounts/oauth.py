"""OAuth 2 client credentials, bound to a service account: a token acts as the account that its client belongs to."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application, set_token_value
from oauthlib.common import generate_token

from accounts import attempts
from accounts.errors import NotAuthenticated
from accounts.models import User, UserKind
from wire.kept_queries import Given, KeptQuery

MAX_TOKEN_LENGTH = 255


def issue_token(*, key: str, secret: str, address: str) -> tuple[str, int]:
    """Exchange a client's key and secret for an access token (contract E6).

    Returns:
        The token, which is stored as a checksum only, and its lifetime in seconds.

    Raises:
        NotAuthenticated: unknown client, wrong secret, or its service account is switched off.
        TooManyAttempts: see `accounts.attempts`.
    """
    attempts.check(key, address)
    client = Application.objects.select_related("user").filter(client_id=key).first()
    if client is None or not check_password(secret, client.client_secret) or not _may_act(client.user):
        attempts.note_failure(key, address)
        raise NotAuthenticated("The key or the secret is wrong.")
    attempts.note_success(key, address)
    lifetime: int = settings.OAUTH_TOKEN_TTL_SECONDS
    raw: str = generate_token()
    token = AccessToken(application=client, scope="gateway", expires=timezone.now() + timedelta(seconds=lifetime))
    set_token_value(token, raw)
    token.save()
    return raw, lifetime


_TOKEN = KeptQuery(
    lambda: AccessToken.objects.select_related("application__user").filter(
        token_checksum=Given("checksum"), expires__gt=Given("now")
    )
)


def user_by_token(token: str) -> User | None:
    """The service account for which this access token stands, or None where it is unknown or expired."""
    checksum = checksum_of(token)
    found = None if checksum is None else _TOKEN.first(checksum=checksum, now=timezone.now())
    if found is None or found.application is None:
        return None
    user: User | None = found.application.user
    return user if _may_act(user) else None


def checksum_of(token: str) -> str | None:
    """What is stored of an access token; None for what is none."""
    if not token or len(token) > MAX_TOKEN_LENGTH:
        return None
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _may_act(user: User | None) -> bool:
    return user is not None and user.is_active and user.kind == UserKind.SERVICE

"""The one who acts, found by one statement: for whoever sends a credential and names the organisation, as most do.

Nobody is remembered: credential, rights and whether they are active are read each time. Every function returns None
for whatever it does not find; `credentials`, `oauth`, `ui_tokens` and `actors` then say what is wrong, one by one.
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from accounts import credentials, oauth, second_factor
from accounts.actors import Actor, actor_of_member, members
from accounts.hashers import digest
from accounts.models import ActiveMembershipQuerySet, UserKind
from accounts.ui_tokens import UIToken
from wire.kept_queries import Given, KeptQuery


def _member(**asked_for: Any) -> ActiveMembershipQuerySet:
    return members("user", "organisation", **asked_for)


_BY_SECRET = KeptQuery(
    lambda: _member(
        user__username=Given("username"), user__secrets__digest=Given("digest"), user__secrets__revoked_at=None
    )
)
_BY_TOKEN = KeptQuery(
    lambda: _member(
        user__kind=UserKind.SERVICE,
        user__oauth2_provider_application__accesstoken__token_checksum=Given("checksum"),
        user__oauth2_provider_application__accesstoken__expires__gt=Given("now"),
    )
)
_BY_ID = KeptQuery(lambda: _member(user=Given("user"), user__kind=UserKind.PERSON))
_BY_NAME = KeptQuery(
    lambda: _member(user__username=Given("username"), user__kind=UserKind.PERSON).exclude(
        second_factor.needed_by("user_id")
    )
)


def by_basic(username: str, secret: str, organisation_id: int) -> Actor | None:
    """A service account by its secret; a person by a password that was found to be theirs within the last minute."""
    if secret.startswith(credentials.SECRET_PREFIX):
        found = _BY_SECRET.first(username=username, digest=digest(secret), organisation=organisation_id)
        return actor_of_member(found)
    found = _BY_NAME.first(username=username, organisation=organisation_id)
    return actor_of_member(found) if found is not None and credentials.is_remembered(found.user, secret) else None


def by_oauth(token: str, organisation_id: int) -> Actor | None:
    """The service account for which this access token stands."""
    checksum = oauth.checksum_of(token)
    if checksum is None:
        return None
    return actor_of_member(_BY_TOKEN.first(checksum=checksum, now=timezone.now(), organisation=organisation_id))


def by_ui_token(claimed: UIToken) -> Actor | None:
    """The person of a verified token, in the organisation that it was issued for."""
    found = _BY_ID.first(user=claimed.user_id, organisation=claimed.organisation_id)
    return actor_of_member(found) if found is not None and found.user.ui_token_version == claimed.version else None

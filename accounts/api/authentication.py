"""Who is asking, from the headers of contract section 2."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import cast

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts import at_once, freshness, oauth, ui_tokens
from accounts.actors import Actor, actor_of_user, sole_organisation_id
from accounts.credentials import user_by_basic
from accounts.errors import (
    ConflictingCredentials,
    NotAuthenticated,
    OrganisationHeaderInvalid,
    OrganisationHeaderMissing,
    PermissionDenied,
)
from accounts.freshness import FreshProof
from accounts.models import Membership, User
from wire.addresses import client_address
from wire.kept_queries import Given, KeptQuery

ORGANISATION_HEADER = "X-CAP-API-AUTH-ORG-ID"
UI_TOKEN_HEADER = "X-CAP-UI-AUTH-TOKEN"  # noqa: S105 - a header's name
OAUTH_HEADER = "X-CAP-API-OAUTH-TOKEN"
MAX_BASIC_LENGTH = 1024
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Proof:
    """What the credentials prove beside the user.

    Attributes:
        organisation_id: the one that a UI token was issued for, if one was sent.
        fresh: that the user has only just proved who they are; None for a UI token that is not new.
        actor: who acts in the organisation that the request names; None where that is still to be found out.
    """

    organisation_id: int | None
    fresh: FreshProof | None
    actor: Actor | None = None


@dataclass(frozen=True, slots=True)
class _Basic:
    """Name and secret or password."""

    username: str
    secret: str


@dataclass(frozen=True, slots=True)
class _Bearer:
    """An access token."""

    token: str


class GatewayAuthentication(BaseAuthentication):
    """Basic, OAuth 2 or UI token. A UI token beside another credential: both must hold, and its person acts."""

    def authenticate(self, request: Request) -> tuple[User, Proof] | None:
        sent, token = _sent(request), request.headers.get(UI_TOKEN_HEADER)
        if token is not None:
            return _person(token, sent, request)
        if sent is None:
            return None
        actor = _member(sent, _named(request))
        user = _account(sent, request) if actor is None else actor.user
        return user, Proof(None, freshness.by_credential(user), actor)

    def authenticate_header(self, request: Request) -> str:
        return 'Basic realm="goodwill", charset="UTF-8"'


_ACTIVE_USER = KeptQuery(lambda: User.objects.filter(pk=Given("user"), is_active=True))


def _person(token: str, sent: _Basic | _Bearer | None, request: Request) -> tuple[User, Proof]:
    account = None if sent is None else _account(sent, request)
    claimed = ui_tokens.verify(token)
    actor = at_once.by_ui_token(claimed)
    person = _ACTIVE_USER.first(user=claimed.user_id) if actor is None else actor.user
    if person is None or person.is_service_account or person.ui_token_version != claimed.version:
        raise NotAuthenticated
    if account is not None and not _belongs(account, claimed.organisation_id):
        raise ConflictingCredentials
    fresh = (
        freshness.by_credential(person)
        if account == person
        else freshness.by_token(person, issued_at=claimed.issued_at)
    )
    return person, Proof(claimed.organisation_id, fresh, actor)


def _belongs(account: User, organisation_id: int) -> bool:
    return Membership.objects.active().filter(user=account, organisation_id=organisation_id).exists()


def _sent(request: Request) -> _Basic | _Bearer | None:
    """What stands in the Authorization or OAuth header; None where neither was sent."""
    authorization = request.headers.get("Authorization")
    token = request.headers.get(OAUTH_HEADER)
    if authorization is not None and token is not None:
        raise ConflictingCredentials
    if token is not None:
        return _Bearer(token.strip())
    if authorization is None:
        return None
    if "," in authorization:  # every server joins a repeated header with a comma
        raise ConflictingCredentials
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return _Bearer(value.strip())
    if scheme.lower() == "basic":
        return _Basic(*_basic_pair(value.strip()))
    raise NotAuthenticated


def _account(sent: _Basic | _Bearer, request: Request) -> User:
    """The user whom the credential proves."""
    if isinstance(sent, _Bearer):
        return _known(oauth.user_by_token(sent.token))
    return _known(user_by_basic(sent.username, sent.secret, client_address(request)))


def _member(sent: _Basic | _Bearer, organisation_id: int | None) -> Actor | None:
    """Whom the credential proves, if they belong to the organisation."""
    if organisation_id is None:
        return None
    if isinstance(sent, _Bearer):
        return at_once.by_oauth(sent.token, organisation_id)
    return at_once.by_basic(sent.username, sent.secret, organisation_id)


def _known(user: User | None) -> User:
    if user is None:
        raise NotAuthenticated
    return user


def _basic_pair(value: str) -> tuple[str, str]:
    if len(value) > MAX_BASIC_LENGTH:
        raise NotAuthenticated
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise NotAuthenticated from None
    username, colon, secret = text.partition(":")
    if not colon or "\0" in text:  # the database knows no text with a zero in it
        raise NotAuthenticated
    return username, secret


def fresh_proof_of(request: Request) -> FreshProof | None:
    """That the authenticated user has only just proved who they are; None where the proof is older."""
    return cast("Proof", request.auth).fresh


def organisation_header(request: Request) -> int | None:
    """The organisation id of the header; None where it is absent.

    Raises:
        OrganisationHeaderInvalid: anything but one positive whole number in ASCII digits.
    """
    value = request.headers.get(ORGANISATION_HEADER)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 19 and 0 < int(value) <= _LARGEST_ID):
        raise OrganisationHeaderInvalid(reference=ORGANISATION_HEADER)
    return int(value)


def _named(request: Request) -> int | None:
    """The organisation of a good header, else None: who asks is looked at before what they ask."""
    try:
        return organisation_header(request)
    except OrganisationHeaderInvalid:
        return None


def actor_of(request: Request, *, header_required: bool) -> Actor:
    """The actor of a request: the authenticated user in the organisation that the request is about.

    Args:
        header_required: E1 and E2 need the header; elsewhere a member of exactly one organisation may leave it out.

    Raises:
        OrganisationHeaderMissing, OrganisationHeaderInvalid: the header.
        PermissionDenied: no member, or a UI token of another organisation.
    """
    named = organisation_header(request)
    if named is None and header_required:
        raise OrganisationHeaderMissing(reference=ORGANISATION_HEADER)
    proof = cast("Proof", request.auth)
    if proof.actor is not None and named in (None, proof.actor.organisation.pk):
        return proof.actor
    user = cast("User", request.user)
    wanted = named or proof.organisation_id or sole_organisation_id(user.pk)
    if wanted is None:
        raise OrganisationHeaderMissing(reference=ORGANISATION_HEADER)
    if proof.organisation_id is not None and proof.organisation_id != wanted:
        raise PermissionDenied
    return actor_of_user(user, wanted)

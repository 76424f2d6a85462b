"""The writers of organisations, users and memberships. Each is idempotent: the same call again changes nothing more."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from oauth2_provider.models import Application

from accounts import access, set_up_phase
from accounts.hashers import digest, generate_secret
from accounts.models import Membership, Organisation, ServiceAccountSecret, User, UserKind


@dataclass(frozen=True, slots=True)
class Roles:
    """What a membership grants."""

    maker: bool = False
    checker: bool = False
    auditor: bool = False
    operator: bool = False
    one_step: bool = False
    supervisor: bool = False
    administrator: bool = False


@dataclass(frozen=True, slots=True)
class IssuedSecret:
    """A generated secret in clear: shown once and stored nowhere. None where one existed already."""

    owner: User
    key: str
    secret: str | None


@transaction.atomic
def create_organisation(*, organisation_id: int, name: str, time_zone: str = "UTC") -> tuple[Organisation, bool]:
    """Create or rename the organisation with the incumbent's id.

    Raises:
        ValidationError: a wrong value; or another time zone, which moves the days of all limits, once it is set up or
            in use.
    """
    wanted = Organisation(id=organisation_id, name=name, time_zone=time_zone)
    wanted.clean_fields()
    wanted.validate_constraints()
    known = Organisation.objects.filter(pk=organisation_id).first()
    if known is not None and known.time_zone != time_zone:
        set_up_phase.check_open(known)
    return Organisation.objects.update_or_create(id=organisation_id, defaults={"name": name, "time_zone": time_zone})


@transaction.atomic
def create_user(*, username: str, kind: UserKind, user_id: int | None = None, **fields: Any) -> tuple[User, bool]:
    """Create a user, or update the one with this username.

    Args:
        user_id: the incumbent's id, where the person had one there.
        fields: any other field of `User`.

    Raises:
        ValidationError: a wrong value, or a person where a service account is asked for or the other way round.
    """
    user = User.objects.filter(username=username).first()
    created = user is None
    if user is None:
        user = User(username=username, kind=kind, **({"id": user_id} if user_id else {}))
        user.set_unusable_password()
    if user.kind != kind:
        raise ValidationError(f"{username} is a {UserKind(user.kind).label}, and stays one.")
    for name, value in fields.items():
        setattr(user, name, value)
    user.full_clean(exclude=["password"])
    user.save()
    if user_id:
        _step_over_given_ids(User._meta.db_table)
    return user, created


def _step_over_given_ids(table: str) -> None:
    """Keep the identity sequence above every id that was given by hand."""
    with connection.cursor() as cursor:
        quoted = connection.ops.quote_name(table)
        largest = f"(SELECT max(id) FROM {quoted})"  # noqa: S608 - the name is a model's own
        cursor.execute(f"SELECT setval(pg_get_serial_sequence(%s, 'id'), {largest})", [table])


@transaction.atomic
def set_membership(
    *, user: User, organisation: Organisation, roles: Roles, scope: dict[str, list[str]] | None = None,
    decides_up_to: Decimal | None = None,
) -> tuple[Membership, bool]:  # fmt: skip
    """Give a user exactly these roles in an organisation; `scope` has the keys concepts, zones, stores, tills.

    Raises:
        ValidationError: a contradiction; or the organisation is set up or in use, and this would change something.
    """
    values: dict[str, Any] = {
        "is_maker": roles.maker, "is_checker": roles.checker, "is_auditor": roles.auditor,
        "is_operator": roles.operator, "is_supervisor": roles.supervisor, "is_administrator": roles.administrator,
        "may_issue_in_one_step": roles.one_step, "decides_up_to": decides_up_to, "is_active": True, **(scope or {}),
    }  # fmt: skip
    existing = Membership.objects.filter(user=user, organisation=organisation).first()
    if existing is not None and all(getattr(existing, name) == value for name, value in values.items()):
        return existing, False
    set_up_phase.check_open(organisation)
    candidate = Membership(user=user, organisation=organisation, **values)
    candidate.full_clean(validate_unique=False, validate_constraints=False)
    candidate.validate_constraints(exclude={"user", "organisation"})  # all but "one per user and organisation"
    membership, created = Membership.objects.update_or_create(user=user, organisation=organisation, defaults=values)
    set_up_phase.membership_set.send(sender=Membership, membership=membership, actor=None)
    return membership, created


@transaction.atomic
def ensure_service_secret(user: User, *, rotate: bool = False) -> IssuedSecret:
    """A service account's secret: made if there is none; `rotate` revokes the old ones and makes a new one."""
    live = ServiceAccountSecret.objects.select_for_update().filter(user=user, revoked_at=None)
    if rotate:
        live.update(revoked_at=timezone.now())
    elif live.exists():
        return IssuedSecret(owner=user, key=user.username, secret=None)
    secret = generate_secret()
    ServiceAccountSecret.objects.create(user=user, digest=digest(secret))
    return IssuedSecret(owner=user, key=user.username, secret=secret)


@transaction.atomic
def ensure_oauth_client(user: User, *, name: str, rotate: bool = False) -> IssuedSecret:
    """An OAuth client bound to a service account; its secret is shown once and hashed in the database."""
    existing = Application.objects.select_for_update().filter(user=user, name=name).first()
    if existing is not None and not rotate:
        return IssuedSecret(owner=user, key=existing.client_id, secret=None)
    secret = generate_secret()
    client = existing or Application(
        user=user, name=name, client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
    )  # fmt: skip
    client.client_secret = secret
    client.save()
    return IssuedSecret(owner=user, key=client.client_id, secret=secret)


@transaction.atomic
def set_password(person: User, password: str) -> None:
    """Set the password as whoever runs commands; it ends what anybody else was given, and every UI token."""
    is_first = not person.has_usable_password()
    person.set_password(password)
    person.save(update_fields=["password"])
    if not is_first:
        access.note_set_by_command(person)


def revoke_ui_tokens(user: User) -> None:
    """End every UI token of a person, wherever it is; the next request with one is refused."""
    User.objects.filter(pk=user.pk).update(ui_token_version=F("ui_token_version") + 1)

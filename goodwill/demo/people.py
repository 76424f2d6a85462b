"""The accounts of the demo organisation."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accounts import services, ui_tokens
from accounts.actors import actor_in
from accounts.errors import PermissionDenied
from accounts.models import Organisation, User, UserKind
from accounts.services import Roles
from goodwill.demo.kept_secrets import KeptSecrets

SERVICE_ACCOUNT = "demo-crm"
OAUTH_CLIENT = "demo"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the organisation; `what` is said to whoever logs in as them, and None keeps them out."""

    username: str
    email: str
    name: str
    what: str | None = None
    roles: Roles = field(default_factory=Roles)
    user_id: int | None = None
    is_superuser: bool = False


PEOPLE = (
    Person("maker", "tomswayer@tipent.com", "Tom Swayer", "submits requests", Roles(maker=True), 232134),
    Person("checker", "checker@example.com", "Asha Rao", "approves and rejects them", Roles(checker=True), 233253),
    Person("checker2", "checker2@example.com", "Ben Okafor", "so does this one", Roles(checker=True)),
    Person(
        "supervisor", "supervisor@example.com", "Farah Haddad", "and this one, a supervisor: large requests need one",
        Roles(checker=True, supervisor=True),
    ),
    Person("supervisor2", "supervisor2@example.com", "Hugo Lind", roles=Roles(checker=True, supervisor=True)),
    Person("auditor", "auditor@example.com", "Carla Díaz", "reads everything", Roles(auditor=True)),
    Person("agent1", "agent1@example.com", "Deepa Nair", roles=Roles(maker=True)),
    Person("agent2", "agent2@example.com", "Emil Berg", roles=Roles(maker=True)),
    # Last: with the second administrator the organisation is set up, and nothing is changed directly any more.
    Person(
        "admin", "admin@example.com", "Admin", "proposes settings, and runs the platform: users, organisations",
        Roles(administrator=True), is_superuser=True,
    ),
    Person(
        "admin2", "admin2@example.com", "Grace Lind", "approves changes of settings", Roles(administrator=True)
    ),
)  # fmt: skip


def ensure_people(organisation: Organisation, secrets_file: Path) -> dict[str, Any]:
    """Make every account, or find it made, and return all credentials.

    A UI token is issued anew to whoever may have one; `people` are those who can log in to the admin.
    """
    kept = KeptSecrets(secrets_file)
    found: dict[str, Any] = {"people": []}
    account, _ = services.create_user(username=SERVICE_ACCOUNT, kind=UserKind.SERVICE, name="Demo CRM")
    if not account.memberships.filter(organisation=organisation).exists():
        services.set_membership(user=account, organisation=organisation, roles=Roles(maker=True))
    for person in PEOPLE:
        user = _ensure(person, organisation)
        if person.what is None:
            continue
        password = kept.password(user)
        found[person.username] = {"username": person.username, "password": password, "ui_token": None}
        if person.roles.maker or person.roles.checker:
            found[person.username]["ui_token"] = _ui_token(user, organisation)
        found["people"].append({"username": person.username, "password": password, "what": person.what})
    found["service_account"] = kept.service_secret(account)
    found["oauth"] = kept.oauth_client(account, OAUTH_CLIENT)
    kept.save()
    return found


def _ensure(person: Person, organisation: Organisation) -> User:
    """Somebody who is there already stays as an administrator has left them."""
    user = User.objects.filter(username=person.username).first()
    if user is None:
        user, _ = services.create_user(
            username=person.username, kind=UserKind.PERSON, user_id=person.user_id, email=person.email,
            name=person.name, is_staff=person.what is not None, is_superuser=person.is_superuser,
        )  # fmt: skip
        services.set_membership(user=user, organisation=organisation, roles=person.roles)
    return user


def _ui_token(user: User, organisation: Organisation) -> str | None:
    """None for somebody whose rights an administrator has taken away."""
    try:
        token, _ = ui_tokens.issue(actor_in(user_id=user.pk, organisation_id=organisation.pk))
    except PermissionDenied:
        return None
    return token

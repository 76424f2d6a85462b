"""Who is named in the history: people with the incumbent's ids, who can do nothing here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from django.contrib.auth.hashers import make_password

from accounts.models import Membership, Organisation, User
from goodwill.backfill.columns import NULL, PEOPLE, PLACES, as_told
from goodwill.backfill.rows import Row
from goodwill.backfill.sequences import step_over

_TEXTS: Final = {"code": ("code", 200), "description": ("description", 500), "name": ("name", 200),
                 "type": ("user_type", 40), "adminType": ("admin_type", 40)}  # fmt: skip
_NUMBERS: Final = {"referenceId": "reference_id", "timeZoneId": "time_zone_id", "currencyId": "currency_id",
                   "languageId": "language_id"}  # fmt: skip
_BOOLEANS: Final = {"isActive": "is_active", "isOuEnabled": "is_ou_enabled", "default": "is_default"}
_LARGEST = 2**31 - 1


class People:
    """Who is named in the history of an organisation.

    Attributes:
        strangers: ids that belong to people of ours who have nothing to do with the organisation: neither members, nor
            made by an import. Its history must not name them, as it shows who they are.
    """

    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation
        self.strangers: set[int] = set()

    def ensure(self, people: Mapping[int, Mapping[str, str]]) -> None:
        """Make whoever is missing, with a password that fits nothing and without a membership; nobody is changed."""
        known = set(User.objects.filter(pk__in=list(people)).values_list("pk", flat=True))
        missing = [_person(user_id, details) for user_id, details in people.items() if user_id not in known]
        User.objects.bulk_create(missing, ignore_conflicts=True)
        if missing:
            step_over(f"{User._meta.db_table}_id_seq", max(people))
        self.look_at(people)

    def look_at(self, people: Collection[int]) -> None:
        """Find the strangers among them."""
        rows = User.objects.filter(pk__in=list(people)).values_list("pk", "username")
        others = {user_id for user_id, username in rows if username != _username(user_id)}
        if others:
            members = Membership.objects.filter(organisation=self._organisation, user__in=others)
            self.strangers |= others.difference(members.values_list("user_id", flat=True))

    def stranger_in(self, row: Row) -> str:
        """The first of its columns that names a stranger, and whom; empty where none does."""
        if not self.strangers:
            return ""
        cells = row.text.decode().split("\t")
        for name in (f"{who}.id" for who in PEOPLE):
            cell = cells[PLACES[name]]
            if cell != NULL and int(cell) in self.strangers:
                return f"{name} {cell}"
        return ""


def _username(user_id: int) -> str:
    return f"imported-{user_id}"


def _person(user_id: int, details: Mapping[str, str]) -> User:
    fields: dict[str, Any] = {}
    for name, (column, most) in _TEXTS.items():
        if name in details:
            fields[column] = as_told(details[name], most)
    fields |= _read(details, _NUMBERS, _whole)
    fields |= _read(details, _BOOLEANS, lambda cell: cell.lower() == "true")
    return User(id=user_id, username=_username(user_id), password=make_password(None), **fields)


def _read(details: Mapping[str, str], columns: Mapping[str, str], read: Callable[[str], Any]) -> dict[str, Any]:
    return {column: read(details[name]) for name, column in columns.items() if name in details}


def _whole(cell: str) -> int:
    """The number, or that of somebody who has none."""
    try:
        number = int(cell)
    except ValueError:
        return -1
    return number if -_LARGEST <= number <= _LARGEST else -1

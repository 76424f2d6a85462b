"""Means to log in that somebody else has had in their hands, and how they become the person's own again.

Whoever sets another one's password, takes their second factor away or makes a machine's secret could act as them. So
the account decides nothing from then on, and whoever gave the access decides nothing that the account asks for, until
another administrator has confirmed that it is its owner's again. Whoever confirms has access that nobody else gave: an
account that one administrator made for themselves is nobody else.
"""

from __future__ import annotations

from enum import StrEnum, auto

from django.db import transaction
from django.db.models import F
from django.dispatch import Signal
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.errors import PermissionDenied
from accounts.models import User


class Change(StrEnum):
    """What was done to somebody's access; the audit trail calls it `person.<value>`."""

    PASSWORD_SET = auto()
    PASSWORD_CHOSEN = auto()
    SECRET_MADE = auto()
    SECOND_FACTOR_REMOVED = auto()
    ACCESS_CONFIRMED = auto()
    SESSIONS_ENDED = auto()


# Sent in the transaction of the change: `person`, `actor` (a User; None for a command) and `what`, a `Change`.
access_changed = Signal()


class AccessUnconfirmed(PermissionDenied):
    """Somebody else has had this account's means to log in in their hands, and nobody has confirmed it since."""

    message = gettext_lazy(
        "An administrator gave you your access. Until another administrator has confirmed it, you can decide nothing."
    )


def note_given(person: User, *, by: User, what: Change) -> None:
    """Note in the transaction of the change that `by` has had the means to log in as this account in their hands.

    A new password or secret ends what anybody had before; taking the second factor away does not.
    """
    found = _locked(person.pk, by.pk)
    owner, giver = found[person.pk], found[by.pk]
    if what == Change.SECOND_FACTOR_REMOVED:
        owner.access_given_by = sorted({*owner.access_given_by, by.pk})
    else:
        _take_back(owner)
        owner.access_given_by = [by.pk]
        owner.must_choose_password = not owner.is_service_account
    giver.gave_access_to = sorted({*giver.gave_access_to, owner.pk})
    giver.save(update_fields=["gave_access_to"])
    owner.save(update_fields=["access_given_by", "must_choose_password"])
    _end(owner)
    access_changed.send(sender=User, person=owner, actor=by, what=what)


def note_chosen(person: User) -> None:
    """Note in the transaction of the change that somebody has chosen their own password in the admin."""
    User.objects.filter(pk=person.pk).update(must_choose_password=False)
    access_changed.send(sender=User, person=person, actor=person, what=Change.PASSWORD_CHOSEN)


@transaction.atomic
def note_set_by_command(person: User) -> None:
    """Note that the password was set by whoever runs commands, who is believed: nobody else's access is left."""
    owner = _locked(person.pk)[person.pk]
    _own_again(owner)
    access_changed.send(sender=User, person=owner, actor=None, what=Change.PASSWORD_SET)


def givers_of(person: User) -> list[str]:
    """The names of those who have had the means to log in as this account in their hands."""
    givers = User.objects.filter(pk__in=person.access_given_by).order_by("pk")
    return [giver.display_name for giver in givers]


def why_not_confirm(person: User, by: User) -> str | None:
    """Why `by` may not confirm that the account is its owner's again; None where they may."""
    if not person.access_given_by:
        return _("Nobody else has given this account its access.")
    if not by.is_superuser or person.pk == by.pk or by.pk in person.access_given_by:
        return _("Another platform administrator has to confirm this.")
    if by.access_given_by:
        return _("Your own access has to be confirmed first.")
    if person.must_choose_password:
        return _("The person has not chosen a password of their own yet.")
    return None


@transaction.atomic
def confirm(person_id: int, *, by: User) -> None:
    """Confirm that the account is its owner's again: it may decide, and whoever gave the access may for it.

    Raises:
        PermissionDenied: see `why_not_confirm`.
    """
    found = _locked(person_id, by.pk)
    owner = found[person_id]
    reason = why_not_confirm(owner, found[by.pk])
    if reason is not None:
        raise PermissionDenied(reason)
    _own_again(owner)
    access_changed.send(sender=User, person=owner, actor=by, what=Change.ACCESS_CONFIRMED)


@transaction.atomic
def end_sessions(person: User, *, by: User) -> None:
    """End every session and every UI token of a person, wherever they are."""
    _end(person)
    access_changed.send(sender=User, person=person, actor=by, what=Change.SESSIONS_ENDED)


def _locked(*ids: int) -> dict[int, User]:
    """The users by id, locked in the order of their ids; what is read here holds until the end of the transaction."""
    return {user.pk: user for user in User.objects.select_for_update().filter(pk__in=ids).order_by("pk")}


def _own_again(owner: User) -> None:
    _take_back(owner)
    owner.access_given_by, owner.must_choose_password = [], False
    owner.save(update_fields=["access_given_by", "must_choose_password"])


def _take_back(owner: User) -> None:
    for giver in _locked(*owner.access_given_by).values():
        giver.gave_access_to = [pk for pk in giver.gave_access_to if pk != owner.pk]
        giver.save(update_fields=["gave_access_to"])


def _end(person: User) -> None:
    User.objects.filter(pk=person.pk).update(
        ui_token_version=F("ui_token_version") + 1, session_version=F("session_version") + 1
    )

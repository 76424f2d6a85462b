"""When what somebody may do has changed, the requests that wait for people are looked at again.

A hint after the commit; the nightly check makes up for one that is lost, and for what was written past the models.
"""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_save

from accounts.models import Membership, Organisation, User
from workflows.models import AdminTask
from workflows.queue import announce_people

_WHAT_COUNTS = {"is_active", "access_given_by", "gave_access_to"}


def watch() -> None:
    """Begin; once per process."""
    post_save.connect(_membership_saved, sender=Membership, dispatch_uid="people_watch.membership")
    post_save.connect(_user_saved, sender=User, dispatch_uid="people_watch.user")
    post_save.connect(_organisation_saved, sender=Organisation, dispatch_uid="people_watch.organisation")


def _membership_saved(instance: Membership, **_: Any) -> None:
    _changed([instance.organisation_id])


def _user_saved(instance: User, created: bool, update_fields: frozenset[str] | None = None, **_: Any) -> None:
    # Whoever logs in is saved as well, and may decide no more and no less for that.
    if not created and (update_fields is None or _WHAT_COUNTS & update_fields):
        _changed(list(instance.memberships.values_list("organisation_id", flat=True)))


def _organisation_saved(instance: Organisation, created: bool, **_: Any) -> None:
    if not created:
        _changed([instance.pk])


def _changed(organisation_ids: list[int]) -> None:
    waiting = AdminTask.objects.filter(organisation__in=organisation_ids, decision=None)
    for organisation_id in waiting.order_by().values_list("organisation_id", flat=True).distinct():
        announce_people(organisation_id)

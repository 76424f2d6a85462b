"""Requests that nobody can decide any more: noted on the request and told, and what they need is never lowered.

Eligible different people are matched to the open level and to all that are still to come, by the very function that
lets somebody decide (`policies.why_not_decide`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from itertools import islice
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts.actors import Actor
from workflows import audit, policies
from workflows.errors import PermissionDenied
from workflows.models import AdminTask, WorkflowRequest
from workflows.rules import levels, people
from workflows.states import State
from workflows.terms.matching import unfilled

BATCH: Final = 500
MOST_NAMED: Final = 5


def empty_levels(request: WorkflowRequest, task: AdminTask, deciders: Sequence[Actor]) -> list[int]:
    """Numbers of the levels, open or still to come, for which no different people can be found."""
    places = [task, *levels.still_to_come(request, task)]
    # A place of more candidates than there are places can always be filled: no more of them are looked for.
    found = [list(islice(_able(request, place, deciders), len(places))) for place in places]
    return sorted({places[index].stage for index in unfilled(found)})


def _able(request: WorkflowRequest, place: AdminTask, deciders: Sequence[Actor]) -> Iterator[int]:
    return (actor.user.pk for actor in deciders if policies.why_not_decide(actor, request, place) is None)


def better_deciders(actor: Actor, request: WorkflowRequest, task: AdminTask) -> list[str]:
    """Names of those who could approve the open level and leave people for all that follow; the actor would not.

    None where the actor would, and where nobody could: then it makes no difference. Whom the task was handed to makes
    none either, for a supervisor can hand it on. One query where a level follows, else none.
    """
    later = levels.still_to_come(request, task)
    if not later:
        return []
    deciders = people.deciders(request.organisation_id)
    # One more than there are places, so that each can be left out of them in turn.
    able = [list(islice(_able(request, place, deciders), len(later) + 1)) for place in later]
    if not _unfilled_without(actor.user.pk, able):
        return []
    free = copy(task)
    free.assigned_to_id = None
    others = (other for other in deciders if policies.why_not_decide(other, request, free) is None)
    return [other.name for other in others if not _unfilled_without(other.user.pk, able)]


def _unfilled_without(user_id: int, able: Sequence[Sequence[int]]) -> list[int]:
    return unfilled([[candidate for candidate in place if candidate != user_id] for place in able])


def check_leaves_enough(actor: Actor, request: WorkflowRequest, task: AdminTask) -> None:
    """Raises PermissionDenied where the actor's approval would make a later level impossible, and another's would not.

    Whoever has approved one level approves no other.
    """
    better = better_deciders(actor, request, task)
    if better:
        named = ", ".join(better[:MOST_NAMED]) + (" …" if len(better) > MOST_NAMED else "")
        raise PermissionDenied(
            _("You are needed for a later level of this request: leave this one to %(who)s.") % {"who": named}
        )


def look(request: WorkflowRequest) -> bool:
    """Note whether the waiting request can still be decided, and tell when that has changed; True where it has.

    The caller has locked the request.
    """
    task = AdminTask.objects.filter(request=request, decision=None).first()
    if task is None:
        return False
    empty = empty_levels(request, task, people.deciders(request.organisation_id))
    if bool(empty) == (request.stuck_at is not None):
        return False
    WorkflowRequest.objects.filter(pk=request.pk).update(stuck_at=Now() if empty else None)
    request.refresh_from_db(fields=["stuck_at"])
    if empty:
        audit.record("request.stuck", request=request, actor=None, levels=empty)
    else:
        audit.record("request.unstuck", request=request, actor=None)
    return True


def check_organisation(organisation_id: int) -> int:
    """Look at every waiting request of an active organisation; how many got stuck, or can be decided again.

    Its members are read once, its requests in batches. What seems to have changed is looked at again under its lock,
    with the members of that moment.
    """
    deciders = people.deciders(organisation_id)
    changed = last = 0
    while tasks := _open_tasks(organisation_id, after=last):
        last = tasks[-1].pk
        for task in tasks:
            if bool(empty_levels(task.request, task, deciders)) != (task.request.stuck_at is not None):
                changed += _look_again(task.request_id)
    return changed


def _open_tasks(organisation_id: int, *, after: int) -> list[AdminTask]:
    # Where an organisation is switched off nobody decides anything, and nobody is to be alarmed at it.
    tasks = AdminTask.objects.filter(
        organisation_id=organisation_id, organisation__is_active=True, decision=None, pk__gt=after
    )
    lean = tasks.select_related("request").defer("request__payload", "request__result", "request__secret")
    return list(lean.order_by("pk")[:BATCH])


@transaction.atomic(durable=True)
def _look_again(request_id: UUID) -> bool:
    locked = WorkflowRequest.objects.select_for_update(of=("self",)).filter(pk=request_id, state=State.WAITING).first()
    return locked is not None and look(locked)


def check_all() -> int:
    """`check_organisation` for each that has anything waiting."""
    waiting = AdminTask.objects.filter(decision=None).order_by().values_list("organisation_id", flat=True).distinct()
    return sum(check_organisation(organisation_id) for organisation_id in sorted(waiting))

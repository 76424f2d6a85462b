"""What the desk shows: which tasks wait for whom, what a search finds, what else concerns a customer.

Every function takes the actors that one person is (`accounts.actors.actors_of`) and reads within their organisations
only, with a fixed number of queries that counts no big table to its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from accounts.actors import Actor
from workflows import registry
from workflows.models import AdminTask, Decision, Pause, TargetBreaker, WorkflowRequest
from workflows.models.tasks import CLAIM_LASTS
from workflows.policies import roles_of
from workflows.states import State

MOST_COUNTED = 99
FEW = 5
_LARGEST = 2**63 - 1

Actors = Mapping[int, Actor]


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are; from `MOST_COUNTED` on only that there are more."""

    number: int

    def __bool__(self) -> bool:
        return self.number > 0

    def __str__(self) -> str:
        return str(self.number) if self.number <= MOST_COUNTED else f"{MOST_COUNTED}+"


@dataclass(frozen=True, slots=True)
class Summary:
    """The first page after log-in: the oldest of what waits for the person, and what else they should know."""

    oldest: list[AdminTask]
    mine: list[AdminTask]
    unknown: Count
    pauses: list[Pause]
    may_check: bool
    may_make: bool


def count(rows: QuerySet[Any]) -> Count:
    return Count(rows.order_by()[: MOST_COUNTED + 1].count())


def decidable_by(actors: Actors) -> Q:
    """Open tasks that the person may decide: `policies.why_not_decide`, said to the database."""
    found, user_id, others = Q(pk__in=[]), None, [0]
    for actor in actors.values():
        if roles_of(actor.membership) and not actor.user.access_given_by:
            found |= _in_scope(actor) & _asked(actor)
            user_id = actor.user.pk
            others = [user_id, *actor.user.gave_access_to]
    barred = Q(barred__contains=[user_id or 0])
    return found & Q(decision=None) & ~Q(maker__in=others) & ~Q(opened_by__in=others) & ~barred


def _asked(actor: Actor) -> Q:
    """Tasks whose level asks for this member, or whose backup does once they were escalated."""
    membership, user_id, roles = actor.membership, actor.user.pk, roles_of(actor.membership)
    asked = Q(role__in=roles) & (Q(users=[]) | Q(users__contains=[user_id]))
    for name in ("concepts", "zones", "stores", "tills"):
        own = getattr(membership, name)
        asked &= Q(**{name: []}) | Q(**{f"{name}__contains": own}) if own else Q(**{name: []})
    asked |= Q(escalated_at__isnull=False, backup_role__in=roles) & (
        Q(backup_users=[]) | Q(backup_users__contains=[user_id])
    )
    if membership.decides_up_to is not None:
        asked &= Q(amount=None) | Q(amount__lte=membership.decides_up_to)
    if not membership.is_supervisor:
        asked &= Q(assigned_to=None) | Q(assigned_to=user_id)
    return asked


def _in_scope(actor: Actor) -> Q:
    membership = actor.membership
    scope = Q(organisation_id=actor.organisation.pk)
    for name, ids in (
        ("concept", membership.concepts),
        ("zone", membership.zones),
        ("store", membership.stores),
        ("till", membership.tills),
    ):
        if ids:
            scope &= Q(**{f"request__{name}_id__in": ids})
    return scope


def waiting_for(actors: Actors) -> QuerySet[AdminTask]:
    """The tasks that the person may decide, oldest first."""
    return AdminTask.objects.filter(decidable_by(actors), organisation__in=list(actors)).order_by("id")


def tasks_within(actors: Actors) -> QuerySet[AdminTask]:
    """Every task of the person's organisations."""
    return AdminTask.objects.filter(organisation__in=list(actors))


def undecided(actors: Actors) -> QuerySet[AdminTask]:
    """Every open task; they have an index of their own and are few."""
    return tasks_within(actors).filter(decision=None)


def requests_within(actors: Actors) -> QuerySet[WorkflowRequest]:
    """Every request of the person's organisations."""
    return WorkflowRequest.objects.filter(organisation__in=list(actors))


def made_by(actor: Actor) -> QuerySet[WorkflowRequest]:
    """What the actor has asked for in this organisation."""
    return WorkflowRequest.objects.filter(organisation=actor.organisation, maker=actor.user)


def decided_for_maker(actors: Actors) -> QuerySet[AdminTask]:
    """What was decided of the person's own requests, the latest first."""
    makers = {actor.user.pk for actor in actors.values()}
    return tasks_within(actors).filter(maker__in=makers, decision__isnull=False).order_by("-id")


def said_to_maker(requests: Iterable[UUID]) -> dict[UUID, str]:
    """What the last checker of each of these requests wrote; one query, and none without requests."""
    decided = AdminTask.objects.filter(request__in=list(requests), decision__in=(Decision.APPROVED, Decision.REJECTED))
    return dict(decided.order_by("level").values_list("request", "message"))


def pauses(actors: Actors) -> QuerySet[Pause]:
    """What is paused, and by whom."""
    return Pause.objects.filter(organisation__in=list(actors)).select_related("organisation", "paused_by")


def find_pause(actors: Actors, key: str) -> Pause | None:
    """The pause with this key, as a form has sent it; None for what is no key, too."""
    number = _whole_number(key)
    return pauses(actors).filter(pk=number).first() if number is not None else None


def open_breakers(actors: Actors) -> QuerySet[TargetBreaker]:
    """Targets that are left alone for the moment."""
    found = TargetBreaker.objects.filter(target__organisation__in=list(actors), open_until__gt=timezone.now())
    return found.select_related("target__organisation")


def count_waiting(actors: Actors) -> Count:
    """How many tasks the person may decide; without a query for somebody who checks nothing."""
    if not any(roles_of(actor.membership) for actor in actors.values()):
        return Count(0)
    return count(waiting_for(actors))


def next_after(actors: Actors, task: AdminTask) -> AdminTask | None:
    """The task to go on with: the next younger one that waits for the person, else the oldest.

    What somebody else is looking at is passed over.
    """
    return around(actors, task)[1]


def around(actors: Actors, task: AdminTask) -> tuple[AdminTask | None, AdminTask | None]:
    """The next older task that waits for the person, and the one to go on with (`next_after`)."""
    waiting = waiting_for(actors).exclude(_claimed_by_others(actors))
    older, younger = waiting.filter(pk__lt=task.pk).order_by("-pk")[:1], waiting.filter(pk__gt=task.pk)[:1]
    found = {near.pk > task.pk: near for near in older.union(younger, all=True)}
    return found.get(False), found.get(True) or waiting.exclude(pk=task.pk).first()


def is_all_claimed(actors: Actors, task: AdminTask) -> bool:
    """Whether others are looking at everything else that waits for the person; asked where there is no next task."""
    return waiting_for(actors).exclude(pk=task.pk).exists()


def _claimed_by_others(actors: Actors) -> Q:
    people = {actor.user.pk for actor in actors.values()}
    return Q(claimed_at__gt=Now() - CLAIM_LASTS, claimed_by__isnull=False) & ~Q(claimed_by__in=people)


def stuck(actors: Actors) -> QuerySet[WorkflowRequest]:
    """Requests that nobody can decide, those first that have been so for the longest time."""
    found = WorkflowRequest.objects.filter(organisation__in=list(actors), state=State.WAITING, stuck_at__isnull=False)
    return for_list(found).order_by("stuck_at", "id")


def summary(actors: Actors) -> Summary:
    user_id = next(iter(actors.values())).user.pk
    rights = [actor.membership for actor in actors.values()]
    organisations = list(actors)
    unknown = WorkflowRequest.objects.filter(organisation__in=organisations, state=State.UNKNOWN)
    return Summary(
        oldest=list(with_request(waiting_for(actors))[:FEW]),
        mine=list(with_request(undecided(actors)).filter(maker=user_id).order_by("id")[:FEW]),
        unknown=count(unknown),
        pauses=list(pauses(actors)),
        may_check=any(roles_of(right) for right in rights),
        may_make=any(right.is_maker for right in rights),
    )


def with_request(tasks: QuerySet[AdminTask]) -> QuerySet[AdminTask]:
    """Tasks with what a list shows of their requests; credentials and long texts are not read."""
    return tasks.select_related("request__organisation").defer("request__secret", "request__payload", "request__result")


def for_list(requests: QuerySet[WorkflowRequest]) -> QuerySet[WorkflowRequest]:
    """Requests with what a list shows of them; credentials and long texts are not read."""
    return requests.select_related("organisation").defer("secret", "payload", "result")


def matching(actors: Actors, text: str) -> QuerySet[WorkflowRequest]:
    """Requests with this customer, reference, request id, or number that their type knows; each by an index."""
    organisations = list(actors)
    wanted = Q(reference_id=text, request_type__in=[kind.slug for kind in registry.all_types()])
    number, request_id = _whole_number(text), _uuid(text)
    if number is not None:
        wanted |= Q(customer_id=number) | Q(pk__in=_known_to_types(organisations, number))
    if request_id is not None:
        wanted |= Q(pk=request_id)
    return WorkflowRequest.objects.filter(wanted, organisation__in=organisations)


def _known_to_types(organisations: list[int], number: int) -> list[UUID]:
    return [found for kind in registry.all_types() for found in kind.find(organisations, number)]


def _whole_number(text: str) -> int | None:
    if text.isascii() and text.isdigit() and len(text) <= 19:
        number = int(text)
        return number if number <= _LARGEST else None
    return None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None


def others_of_customer(request: WorkflowRequest) -> list[WorkflowRequest]:
    """What else was asked for the same customer lately, newest first."""
    if request.customer_id is None:
        return []
    others = WorkflowRequest.objects.filter(organisation=request.organisation_id, customer_id=request.customer_id)
    return list(for_list(others.exclude(pk=request.pk)).order_by("-created_at", "-id")[:FEW])

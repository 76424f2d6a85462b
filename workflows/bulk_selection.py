"""Choosing many tasks for one decision: as many queries for five tasks as for five thousand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.db import transaction
from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from workflows import desk_filters
from workflows.desk import Actors
from workflows.errors import CannotChoose
from workflows.models import AdminTask, BulkItem, BulkOutcome, BulkPhase, BulkRun

MOST_CHOSEN: Final = 5000
DRAFT_HOURS: Final = 24


def choose_rows(actors: Actors, digests: Mapping[int, str]) -> BulkRun:
    """Keep a choice of tasks by their ids, each with the digest that the page showed.

    Raises:
        CannotChoose: no task, or of several organisations.
    """
    tasks = AdminTask.objects.filter(organisation__in=list(actors), pk__in=list(digests))
    return _keep(actors, tasks, digests, "")


def choose_all(actors: Actors, query: Mapping[str, str]) -> BulkRun:
    """Keep all open tasks that the list at this address shows, the oldest `MOST_CHOSEN` of them, as they are now.

    Raises:
        CannotChoose: no task, or of several organisations, or the address is too long to be kept.
    """
    address = urlencode(sorted(desk_filters.address_of(query).items()))
    if len(address) > desk_filters.MOST_ADDRESS:
        raise CannotChoose(desk_filters.TOO_LONG)
    tasks = desk_filters.tasks_for(actors, query).filter(decision=None)
    return _keep(actors, tasks, {}, address)


def choose_again(actors: Actors, run: BulkRun) -> BulkRun:
    """Keep what an ended run has not decided as a new choice, as it is now.

    Raises:
        CannotChoose: it has decided all.
    """
    missed = run.items.exclude(outcome=BulkOutcome.DECIDED).values("task")
    return _keep(actors, AdminTask.objects.filter(organisation__in=list(actors), pk__in=missed), {}, run.filter)


def _keep(actors: Actors, tasks: QuerySet[AdminTask], digests: Mapping[int, str], shown_filter: str) -> BulkRun:
    columns = ("pk", "organisation_id", "request_id", "request__digest")
    found = list(tasks.order_by("pk").values_list(*columns)[: MOST_CHOSEN + 1])
    rows = found[:MOST_CHOSEN]
    organisations = {organisation for _pk, organisation, _request, _digest in rows}
    if not rows:
        raise CannotChoose(_("Choose at least one request."))
    if len(organisations) > 1:
        raise CannotChoose(_("Choose requests of one organisation: a bulk decision is one organisation's."))
    actor = actors[organisations.pop()]
    with transaction.atomic(durable=True):
        run = BulkRun.objects.create(
            organisation=actor.organisation, person=actor.user, person_name=actor.name, filter=shown_filter,
            total=len(rows), is_cut=len(found) > len(rows),
        )  # fmt: skip
        BulkItem.objects.bulk_create(
            BulkItem(run=run, organisation_id=of, task_id=pk, request_id=about, digest=digests.get(pk, digest))
            for pk, of, about, digest in rows
        )
    return run


def items_of(run: BulkRun) -> QuerySet[BulkItem]:
    """The items with their tasks and requests; credentials and long texts are not read."""
    items = run.items.select_related("task", "request")
    return items.defer("request__secret", "request__payload", "request__result", "request__judgement")


def by_outcome(run: BulkRun) -> QuerySet[BulkItem]:
    """The items, failures first, then what was left out, what waits still, and what is done."""
    order = (BulkOutcome.REFUSED, BulkOutcome.LEFT_OUT)
    rank = Case(
        *(When(outcome=outcome, then=Value(place)) for place, outcome in enumerate(order)),
        When(outcome=None, then=Value(len(order))), default=Value(len(order) + 1), output_field=IntegerField(),
    )  # fmt: skip
    return items_of(run).order_by(rank, "pk")


def runs_of(actors: Actors) -> QuerySet[BulkRun]:
    """The person's own runs, and for auditors those of everybody in their organisations."""
    rows: QuerySet[Any] = BulkRun.objects.filter(organisation__in=list(actors))
    audited = [key for key, actor in actors.items() if actor.membership.is_auditor]
    user_ids = {actor.user.pk for actor in actors.values()}
    return rows.filter(person__in=user_ids) | rows.filter(organisation__in=audited).exclude(phase=BulkPhase.CHOSEN)


def forget_drafts() -> int:
    """Delete choices that nobody confirmed: nothing was decided by them."""
    old = timezone.now() - timedelta(hours=DRAFT_HOURS)
    deleted, _by_model = BulkRun.objects.filter(phase=BulkPhase.CHOSEN, created_at__lt=old).delete()
    return deleted

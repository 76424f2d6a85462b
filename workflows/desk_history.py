"""What a checker should know before deciding: what the customer already got, what else is asked for them, who asks.

A fixed number of queries, each of which reads one end of an index: of a customer or a maker with more rows than
`MOST_READ`, the latest ones count, and the page says so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db.models import (
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Value,
)
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone

from workflows import registry
from workflows.models import WorkflowRequest
from workflows.registry import Credit
from workflows.rules.levels import terms_of_request
from workflows.states import OPEN, State
from workflows.terms.document import Terms

MOST_READ: Final = 500
MOST_SHOWN: Final = 3
WINDOWS: Final = (30, 90, 365)
MAKER_DAYS: Final = 90
MOST_PARTS: Final = 10
MOST_SPLITTING: Final = timedelta(days=90)

Readings = Sequence[tuple[Any, Callable[[WorkflowRequest], Any]]]

_APPROVED = (State.EXECUTING, State.UNKNOWN, State.CREDITED, State.FAILED)


@dataclass(frozen=True, slots=True)
class Window:
    """What a customer was credited within the last `days`; `same_*` for the very reason of the request."""

    days: int
    number: int
    amount: Decimal
    same_number: int
    same_amount: Decimal


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """`others` are the latest of the customer's other requests, `pending` those that may still be credited."""

    windows: list[Window]
    pending: list[WorkflowRequest]
    pending_number: int
    others: list[WorkflowRequest]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class MakerRecord:
    """What a maker asked for within `days`, and what checkers made of it. What no checker saw counts as neither."""

    days: int
    requests: int
    approved: int
    rejected: int
    is_cut: bool

    @property
    def approval_rate(self) -> int | None:
        """Per cent of what was decided; None before anything was."""
        decided = self.approved + self.rejected
        return round(100 * self.approved / decided) if decided else None


def _light(requests: QuerySet[WorkflowRequest]) -> QuerySet[WorkflowRequest]:
    return requests.select_related("organisation").defer("secret", "payload", "result")


def of_customer(request: WorkflowRequest) -> CustomerRecord | None:
    """One query, and one of the request's type; None where the request concerns no customer."""
    if request.customer_id is None:
        return None
    mine = WorkflowRequest.objects.filter(organisation=request.organisation_id, customer_id=request.customer_id)
    latest = list(_light(mine).order_by("-created_at", "-id")[: MOST_READ + 1])
    others = [row for row in latest[:MOST_READ] if row.pk != request.pk]
    pending = [row for row in others if row.state in OPEN]
    return CustomerRecord(
        windows=_windows(request, [*_credits(others), *_earlier_credits(request)]),
        pending=pending[:MOST_SHOWN],
        pending_number=len(pending),
        others=[row for row in others if row.state not in OPEN][:MOST_SHOWN],
        is_cut=len(latest) > MOST_READ,
    )


def _credits(requests: Iterable[WorkflowRequest]) -> list[Credit]:
    return [
        Credit(row.ended_at, row.amount or Decimal(0), row.reason)
        for row in requests
        if row.state == State.CREDITED and row.ended_at is not None
    ]


def _earlier_credits(request: WorkflowRequest) -> list[Credit]:
    since = timezone.now() - timedelta(days=max(WINDOWS))
    return list(registry.get(request.request_type).earlier_credits(request, since, MOST_READ))


def _windows(request: WorkflowRequest, credits_: list[Credit]) -> list[Window]:
    now = timezone.now()
    return [_window(days, request, [row for row in credits_ if row.at >= now - timedelta(days)]) for days in WINDOWS]


def _window(days: int, request: WorkflowRequest, credits_: list[Credit]) -> Window:
    same = [row for row in credits_ if row.reason == request.reason]
    return Window(days, len(credits_), _sum(credits_), len(same), _sum(same))


def _sum(credits_: list[Credit]) -> Decimal:
    return sum((row.amount for row in credits_), Decimal(0))


def of_maker(request: WorkflowRequest) -> MakerRecord:
    """One query."""
    since = timezone.now() - timedelta(days=MAKER_DAYS)
    theirs = WorkflowRequest.objects.filter(
        organisation=request.organisation_id, maker=request.maker_id, created_at__gte=since
    )
    latest = theirs.order_by("-created_at", "-id")[: MOST_READ + 1]
    by_checkers = Q(auto_approved=False, one_step=False)
    counts = latest.aggregate(
        requests=Count("pk"),
        approved=Count("pk", filter=by_checkers & Q(state__in=_APPROVED)),
        rejected=Count("pk", filter=Q(state=State.REJECTED)),
    )
    is_cut = counts["requests"] > MOST_READ
    counts["requests"] = min(counts["requests"], MOST_READ)
    return MakerRecord(days=MAKER_DAYS, **counts, is_cut=is_cut)


@dataclass(frozen=True, slots=True)
class LookAlikes:
    """The latest few requests that look like one, and how many there are; of very many the latest count."""

    shown: list[WorkflowRequest]
    number: int

    @property
    def unshown(self) -> int:
        return self.number - len(self.shown)


def look_alikes(request: WorkflowRequest) -> LookAlikes:
    """Of the same customer the same amount, asked for before or after within the days of the policy; one query.

    A checker also wants to see those that give another reason, which a rule of a policy does not ask about.
    """
    if request.customer_id is None:
        return LookAlikes([], 0)
    near = timedelta(days=terms_of_request(request).look_alike.days)
    alike = _of_same_customer(request, near).filter(amount=request.amount)
    found = list(_light(alike).order_by("-created_at", "-id")[:MOST_READ])
    return LookAlikes(found[:MOST_SHOWN], len(found))


def with_look_alikes(request_ids: Collection[UUID]) -> set[UUID]:
    """Those of the requests that `look_alikes` finds others for; one query, which looks up each customer by itself."""
    if not request_ids:
        return set()
    said = KeyTextTransform("days", KeyTransform("look_alike", "policy_version__document"))
    days = Coalesce(Cast(said, IntegerField()), Terms().look_alike.days)
    near = ExpressionWrapper(days * Value(timedelta(days=1)), output_field=DurationField())
    same = ("organisation", "request_type", "customer_id", "amount")
    others = WorkflowRequest.objects.filter(
        **{name: OuterRef(name) for name in same},
        created_at__gte=OuterRef("created_at") - OuterRef("near"),
        created_at__lte=OuterRef("created_at") + OuterRef("near"),
    ).exclude(pk=OuterRef("pk"))
    asked = WorkflowRequest.objects.filter(pk__in=request_ids).annotate(near=near)
    return set(asked.filter(Exists(others)).order_by().values_list("pk", flat=True))


def split_with(request: WorkflowRequest) -> list[WorkflowRequest]:
    """The requests with which this one passes the threshold for splitting, oldest first; one query.

    Those that it was judged with, and those that were judged with it.
    """
    if request.customer_id is None:
        return []
    named = Q(pk__in=request.judgement.get("split_with", ())) | Q(judgement__split_with__contains=[str(request.pk)])
    parts = _of_same_customer(request, MOST_SPLITTING).filter(named, maker=request.maker_id)
    return list(_light(parts).order_by("created_at", "id")[:MOST_PARTS])


def _of_same_customer(request: WorkflowRequest, near: timedelta) -> QuerySet[WorkflowRequest]:
    return WorkflowRequest.objects.filter(
        organisation=request.organisation_id, request_type=request.request_type, customer_id=request.customer_id,
        created_at__range=(request.created_at - near, request.created_at + near),
    ).exclude(pk=request.pk)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    value: Any
    differs: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """One thing about a request, and the same about each of its look-alikes."""

    label: Any
    value: Any
    others: list[Cell]


def compare(request: WorkflowRequest, others: list[WorkflowRequest], readings: Readings) -> list[Comparison]:
    """The requests side by side; what differs from the one to be decided says so."""
    return [
        Comparison(label, read(request), [Cell(read(other), read(other) != read(request)) for other in others])
        for label, read in readings
    ]

"""Numbers for the home page: what waits, what a person decided today, and thirty days of an organisation.

What waits is counted as it is at this moment. Of the days that are over each is counted once (`close_days`, by beat)
and read from then on; today, and a day that nobody has closed yet, is counted at every visit. Nothing that is counted
is ever taken back, so the numbers are those of the lists behind their links.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import transaction
from django.db.models import Aggregate, Count, F, FloatField, Min, Q, QuerySet, Sum
from django.db.models.functions import Extract, TruncDate
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.models import Organisation
from workflows import desk
from workflows.desk import Actors
from workflows.desk_filters import ME, RequestFilters, TaskFilters
from workflows.models import AdminTask, DayCredits, DayFigures, Decision, WorkflowRequest
from workflows.states import State

DAYS: Final = 30
MOST_SUMMED: Final = 100_000
# A decision is written with the time at which it was taken and seen when its transaction ends.
_SETTLED_AFTER: Final = timedelta(minutes=10)
# Bounds in hours, as the filter offers them; a task is in the first group that it is young enough for.
AGES: Final = (
    (_("under 1 hour"), None, 1), (_("1 to 4 hours"), 1, 4), (_("4 to 24 hours"), 4, 24), (_("1 to 3 days"), 24, 72),
    (_("3 to 7 days"), 72, 168), (_("over a week"), 168, None),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a person: among the oldest `MOST_SUMMED` of what waits at all, and `is_capped` where that is
    not all of it."""

    number: int
    points: Decimal
    money: Decimal
    oldest: datetime | None
    ages: list[int]
    is_capped: bool


@dataclass(slots=True)
class Day:
    """What happened in an organisation on one day of its own."""

    day: date
    approved: int = 0
    rejected: int = 0
    automatic: int = 0
    failed: int = 0
    median_seconds: float | None = None
    p95_seconds: float | None = None


@dataclass(slots=True)
class Credits:
    """What a program credited."""

    program_id: int
    program_name: str
    number: int = 0
    points: Decimal = Decimal(0)
    money: Decimal = Decimal(0)


@dataclass(slots=True)
class Month:
    """The last thirty days, today included, oldest first; the programs with most points first."""

    days: list[Day]
    programs: list[Credits] = field(default_factory=list)


class _Percentile(Aggregate):
    """The time from the opening of a task to its decision that so many of them stayed under."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()

    def __init__(self, share: float, **extra: Any) -> None:
        super().__init__(Extract(F("decided_at") - F("opened_at"), "epoch"), share=share, **extra)


def waiting_among(tasks: QuerySet[AdminTask], actors: Actors) -> Waiting:
    """Of these open tasks, in two queries; the first one reads an index alone."""
    now = timezone.now()
    oldest_first = desk.undecided(actors).order_by("id").values_list("pk", flat=True)
    beyond = list(oldest_first[MOST_SUMMED : MOST_SUMMED + 1])
    if beyond:
        tasks = tasks.filter(pk__lt=beyond[0])
    ages = {
        f"age_{place}": Count("opened_at", filter=_aged(now, *bounds)) for place, (_name, *bounds) in enumerate(AGES)
    }
    # The bound holds whatever has come in between the two; without an order nothing is sorted for it.
    every = tasks.order_by().values("opened_at", "amount", "money")[:MOST_SUMMED]
    found = every.aggregate(
        number=Count("opened_at"), all_points=Sum("amount"), all_money=Sum("money"), oldest=Min("opened_at"), **ages
    )
    return Waiting(
        number=found["number"], points=found["all_points"] or Decimal(0),
        money=found["all_money"] or Decimal(0),
        oldest=found["oldest"], ages=[found[name] for name in ages], is_capped=bool(beyond),
    )  # fmt: skip


def _aged(now: datetime, least: int | None, most: int | None) -> Q:
    found = Q()
    if least is not None:
        found &= Q(opened_at__lte=now - timedelta(hours=least))
    if most is not None:
        found &= Q(opened_at__gt=now - timedelta(hours=most))
    return found


def decided_by(actors: Actors, day: date) -> int:
    """How many decisions the person took on this day, where each organisation is."""
    mine = {"by": ME, "decided_from": str(day), "decided_to": str(day)}
    tasks = desk.tasks_within(actors).filter(decision__isnull=False)
    return TaskFilters.from_query(mine).apply(tasks, actors).count()


def made_by(actors: Actors, since: date) -> dict[State, int]:
    """The requests that the person has made since this day, by state."""
    mine = RequestFilters.from_query({"made_by": ME, "made_from": str(since)})
    requests = mine.apply(desk.requests_within(actors), actors)
    rows = requests.order_by().values_list("state").annotate(number=Count("pk"))
    return {State(state): number for state, number in rows}


def today_of(organisation: Organisation) -> date:
    return timezone.now().astimezone(organisation.zone).date()


def month_of(actor: Actor) -> Month:
    """Thirty days of the actor's organisation; a fixed number of queries."""
    organisation = actor.organisation
    today = today_of(organisation)
    wanted = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    closed = {row.day: row for row in DayFigures.objects.filter(organisation=organisation, day__gte=wanted[0])}
    first_open = next(day for day in wanted if day not in closed or day == today)
    counted = _count(organisation, first_open, today)
    days = [counted.days.get(day) or _of_row(day, closed.get(day)) for day in wanted]
    _add_failed(organisation, days)
    stored = DayCredits.objects.filter(organisation=organisation, day__gte=wanted[0], day__lt=first_open)
    by_program = _sum_up([*stored, *(credit for found in counted.credits.values() for credit in found)])
    return Month(days, by_program)


def _of_row(day: date, row: DayFigures | None) -> Day:
    if row is None:
        return Day(day)
    return Day(
        day, approved=row.approved, rejected=row.rejected, automatic=row.automatic,
        median_seconds=row.median_seconds, p95_seconds=row.p95_seconds,
    )  # fmt: skip


def _sum_up(rows: Iterable[Any]) -> list[Credits]:
    found: dict[int, Credits] = {}
    for row in rows:
        total = found.setdefault(row.program_id, Credits(row.program_id, row.program_name))
        total.number += row.number
        total.points += row.points
        total.money += row.money
    return sorted(found.values(), key=lambda credit: credit.points, reverse=True)


def _add_failed(organisation: Organisation, days: list[Day]) -> None:
    """Counted at every visit, by an index of the few that failed: another try takes one of them back."""
    rows = WorkflowRequest.objects.filter(organisation=organisation, state=State.FAILED)
    by_day = {day.day: day for day in days}
    for day, number in _by_day(
        _between(rows, "ended_at", organisation, days[0].day, days[-1].day), "ended_at", organisation
    ):
        if day in by_day:
            by_day[day].failed = number


@dataclass(slots=True)
class _Counted:
    days: dict[date, Day]
    credits: dict[date, list[Credits]]


def _count(organisation: Organisation, first: date, last: date) -> _Counted:
    """Count these days, from the rows themselves; three queries."""
    days = {day: Day(day) for day in _each(first, last)}
    for row in _decisions(organisation, first, last):
        day = days[row["day"]]
        day.approved, day.rejected = row["approved"], row["rejected"]
        day.median_seconds, day.p95_seconds = row["median"], row["p95"]
    automatic = WorkflowRequest.objects.filter(organisation=organisation, auto_approved=True)
    for found, number in _by_day(
        _between(automatic, "created_at", organisation, first, last), "created_at", organisation
    ):
        days[found].automatic = number
    by_program: dict[date, list[Credits]] = {day: [] for day in days}
    for row in _credited(organisation, first, last):
        by_program[row.pop("day")].append(Credits(**row))
    return _Counted(days, by_program)


def _each(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _between(rows: QuerySet[Any], column: str, organisation: Organisation, first: date, last: date) -> QuerySet[Any]:
    begins, ends = (
        datetime.combine(day, datetime.min.time(), tzinfo=organisation.zone)
        for day in (first, last + timedelta(days=1))
    )
    return rows.filter(**{f"{column}__gte": begins, f"{column}__lt": ends}).order_by()


def _by_day(rows: QuerySet[Any], column: str, organisation: Organisation) -> QuerySet[Any, Any]:
    day = TruncDate(column, tzinfo=organisation.zone)
    found: QuerySet[Any, Any] = rows.annotate(day=day).values_list("day").annotate(number=Count("pk"))
    return found


def _decisions(organisation: Organisation, first: date, last: date) -> QuerySet[AdminTask, dict[str, Any]]:
    tasks = AdminTask.objects.filter(organisation=organisation, decision__isnull=False)
    by_people = Q(decision__in=(Decision.APPROVED, Decision.REJECTED))
    found: QuerySet[AdminTask, dict[str, Any]] = (
        _between(tasks, "decided_at", organisation, first, last)
        .annotate(day=TruncDate("decided_at", tzinfo=organisation.zone))
        .values("day")
        .annotate(
            approved=Count("pk", filter=Q(decision=Decision.APPROVED)),
            rejected=Count("pk", filter=Q(decision=Decision.REJECTED)),
            median=_Percentile(0.5, filter=by_people),
            p95=_Percentile(0.95, filter=by_people),
        )
    )
    return found


def _credited(organisation: Organisation, first: date, last: date) -> QuerySet[WorkflowRequest, dict[str, Any]]:
    credited = WorkflowRequest.objects.filter(organisation=organisation, state=State.CREDITED, program_id__isnull=False)
    found: QuerySet[WorkflowRequest, dict[str, Any]] = (
        _between(credited, "ended_at", organisation, first, last)
        .annotate(day=TruncDate("ended_at", tzinfo=organisation.zone))
        .values("day", "program_id", "program_name")
        .annotate(number=Count("pk"), points=Sum("amount", default=0), money=Sum("money", default=0))
    )
    return found


def close_days() -> int:
    """Count the days that are over and were not counted yet, of every active organisation; how many they were."""
    return sum(_close(organisation) for organisation in Organisation.objects.filter(is_active=True))


def _close(organisation: Organisation) -> int:
    now = (timezone.now() - _SETTLED_AFTER).astimezone(organisation.zone)
    over = _each(now.date() - timedelta(days=DAYS), now.date() - timedelta(days=1))
    closed = set(DayFigures.objects.filter(organisation=organisation, day__gte=over[0]).values_list("day", flat=True))
    missing = [day for day in over if day not in closed]
    if not missing:
        return 0
    counted = _count(organisation, missing[0], missing[-1])
    with transaction.atomic():
        DayCredits.objects.bulk_create(
            [_credit_row(organisation, day, credit) for day in missing for credit in _sum_up(counted.credits[day])],
            ignore_conflicts=True,
        )
        DayFigures.objects.bulk_create(
            [_figures_row(organisation, counted.days[day]) for day in missing], ignore_conflicts=True
        )
    return len(missing)


def _credit_row(organisation: Organisation, day: date, credit: Credits) -> DayCredits:
    return DayCredits(
        organisation=organisation, day=day, program_id=credit.program_id, program_name=credit.program_name,
        number=credit.number, points=credit.points, money=credit.money,
    )  # fmt: skip


def _figures_row(organisation: Organisation, day: Day) -> DayFigures:
    return DayFigures(
        organisation=organisation, day=day.day, approved=day.approved, rejected=day.rejected, automatic=day.automatic,
        median_seconds=day.median_seconds, p95_seconds=day.p95_seconds,
    )  # fmt: skip

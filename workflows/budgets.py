"""How full the limits of a policy are, by their counters: what was given or promised so far, day by day.

What a request adds to a limit is counted in `workflows.rules.usage`; here it is only read.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db.models import QuerySet, Sum

from accounts.actors import Actor
from accounts.models import User
from workflows import registry
from workflows.models import LimitUse, WorkflowPolicy
from workflows.rules.usage import first_day
from workflows.terms.document import Limit, Per, Window

MOST_SUBJECTS: Final = 20
NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Use:
    """What counts for one subject of a limit; `name` is what people call it."""

    subject: str
    name: str
    used: Decimal
    most: Decimal

    @property
    def left(self) -> Decimal:
        return max(self.most - self.used, NOTHING)

    @property
    def per_cent(self) -> int:
        """Rounded down, so that only a full limit says 100."""
        return int(100 * self.used / self.most) if self.most else 100


@dataclass(frozen=True, slots=True)
class BurnDown:
    """What is left of a monthly budget at the end of each of its days; None for those that are still to come."""

    use: Use
    days: list[tuple[date, Decimal | None]]


@dataclass(frozen=True, slots=True)
class LimitUses:
    """A limit, and its fullest subjects; `burn_downs` where it is a monthly budget of programs."""

    limit: Limit
    since: date
    uses: list[Use]
    burn_downs: list[BurnDown]


def policies_of(actors: Mapping[int, Actor]) -> QuerySet[WorkflowPolicy]:
    """The policies of the actors' organisations, which are the keys."""
    return WorkflowPolicy.objects.filter(organisation__in=list(actors)).select_related("organisation", "active")


def of_policy(policy: WorkflowPolicy, today: date) -> list[LimitUses]:
    """Every limit that is in force; two to four queries for each."""
    return [_of_limit(policy, limit, today) for limit in policy.terms.limits]


def has_program_budget(policy: WorkflowPolicy) -> bool:
    return any(limit.per == Per.PROGRAM for limit in policy.terms.limits)


def _of_limit(policy: WorkflowPolicy, limit: Limit, today: date) -> LimitUses:
    since = first_day(limit.window, today)
    counted = _counted(policy, limit, since, today)
    uses = _of_programs(policy, limit, counted) if limit.per == Per.PROGRAM else _fullest(policy, limit, counted)
    is_monthly = limit.per == Per.PROGRAM and limit.window == Window.CALENDAR_MONTH
    return LimitUses(limit, since, uses, _burn_downs(limit, counted, uses, today) if is_monthly else [])


def _counted(policy: WorkflowPolicy, limit: Limit, since: date, today: date) -> QuerySet[LimitUse]:
    return LimitUse.objects.filter(
        organisation=policy.organisation_id, request_type=policy.request_type, per=str(limit.per),
        day__range=(since, today),
    )  # fmt: skip


def _of_programs(policy: WorkflowPolicy, limit: Limit, counted: QuerySet[LimitUse]) -> list[Use]:
    """All programs that the limit holds for, those of which nothing is used as well."""
    names = dict(registry.get(policy.request_type).programs([policy.organisation_id]))
    used = dict(counted.values_list("subject").annotate(used=Sum(limit.measure)))
    uses = [
        Use(str(number), names.get(number, str(number)), Decimal(used.get(str(number), 0)), limit.most)
        for number in limit.programs or names
    ]
    return sorted(uses, key=lambda use: -use.used)[:MOST_SUBJECTS]


def _fullest(policy: WorkflowPolicy, limit: Limit, counted: QuerySet[LimitUse]) -> list[Use]:
    found = counted.values_list("subject").annotate(used=Sum(limit.measure)).filter(used__gt=0)
    rows = list(found.order_by("-used", "subject")[:MOST_SUBJECTS])
    names = _makers([subject for subject, _used in rows]) if limit.per == Per.MAKER else {}
    return [Use(subject, names.get(subject, subject), Decimal(used), limit.most) for subject, used in rows]


def _makers(subjects: Collection[str]) -> Mapping[str, str]:
    return {str(user.pk): user.display_name for user in User.objects.filter(pk__in=[int(each) for each in subjects])}


def _burn_downs(limit: Limit, counted: QuerySet[LimitUse], uses: Sequence[Use], today: date) -> list[BurnDown]:
    by_day: dict[str, dict[date, Any]] = {use.subject: {} for use in uses}
    rows = counted.filter(subject__in=list(by_day)).values_list("subject", "day", limit.measure)
    for subject, day, used in rows:
        by_day[subject][day] = used
    return [BurnDown(use, _left_by_day(limit.most, by_day[use.subject], today)) for use in uses]


def _left_by_day(most: Decimal, used: Mapping[date, Any], today: date) -> list[tuple[date, Decimal | None]]:
    first, left = today.replace(day=1), most
    days: list[tuple[date, Decimal | None]] = []
    for place in range(monthrange(today.year, today.month)[1]):
        day = first + timedelta(days=place)
        left -= used.get(day, NOTHING)
        days.append((day, max(left, NOTHING) if day <= today else None))
    return days

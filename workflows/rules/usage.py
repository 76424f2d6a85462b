"""How full the limits are, exactly, however many requests come at once.

Whoever counts for a customer, maker, program or store first takes a lock of that name, and reads and adds behind it;
there is no read-then-write between two of them. Locks are taken in one order, so that nobody waits in a circle.
What has ended without a credit is taken off again. Sums run over days of the organisation's calendar, so that they
cost the same for a store with ten requests and one with ten million.

What is counted for a request is written down nowhere else, because it follows from what is: a request counts, on its
day, for every kind that the policy's row names (`counted`), as long as it has not ended without a credit. Whoever
changes either has written the request's row first, which no change of `counted` to more kinds goes beside
(`versions`); so both are read as they will stay until the transaction ends.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from accounts.models import Organisation
from wire.messages import Statement, send
from workflows import audit
from workflows.models import WorkflowRequest
from workflows.terms.document import Limit, Per, Terms, Window

logger = logging.getLogger(__name__)

FREED: Final = ("failed", "rejected", "withdrawn", "expired")
# A rebuild counts so many days; later changes reach back a little less, so that they meet no day that a rebuild has
# left out. The longest window has 365 days.
REBUILT_DAYS: Final = 400
KEPT_DAYS: Final = 390


def subjects_of(
    per: Iterable[Per], *, customer_id: int | None, maker_id: int, program_id: int | None, store_id: str
) -> dict[Per, str]:
    """Whose counters a request of these touches, of the kinds that are asked for; sorted."""
    known = {Per.CUSTOMER: customer_id, Per.MAKER: maker_id, Per.PROGRAM: program_id, Per.STORE: store_id or None}
    return {kind: str(known[kind]) for kind in sorted(per) if known[kind] is not None}


def subjects_of_request(request: WorkflowRequest, per: Iterable[Per]) -> dict[Per, str]:
    """The same for one that is stored."""
    return subjects_of(
        per, customer_id=request.customer_id, maker_id=request.maker_id, program_id=request.program_id,
        store_id=request.store_id,
    )  # fmt: skip


def locked(organisation_id: int, request_type: str, subjects: Mapping[Per, str]) -> Statement[datetime]:
    """Waits for the others of these subjects; until the transaction ends nobody else counts for them.

    Brings the time by the database's clock after the wait, so that days never run backwards between two of them.
    """
    names = (f"{organisation_id}|{request_type}|{per}|{subject}" for per, subject in subjects.items())
    numbers = sorted(_lock_number(name) for name in names)
    return Statement(_LOCK, [numbers], lambda cursor: cursor.fetchone()[1])


_LOCK = "SELECT count(pg_advisory_xact_lock(k)), clock_timestamp() FROM unnest(%s::bigint[]) AS k"


def _lock_number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)


_ADD = """
WITH added AS (
    INSERT INTO workflows_limituse (organisation_id, request_type, per, subject, day, points, requests)
    SELECT %(organisation)s, %(type)s, k.per, k.subject, %(day)s, %(points)s, 1
      FROM unnest(%(add_per)s::text[], %(add_subject)s::text[]) AS k(per, subject)
    ON CONFLICT (organisation_id, request_type, per, subject, day)
    DO UPDATE SET points = workflows_limituse.points + excluded.points,
                  requests = workflows_limituse.requests + excluded.requests
)
"""

# The sums do not see what the same statement adds.
_SUMS = """
SELECT array_agg(s.points ORDER BY s.n), array_agg(s.requests ORDER BY s.n)
  FROM (SELECT k.n, coalesce(sum(u.points), 0) AS points, coalesce(sum(u.requests), 0) AS requests
          FROM unnest(%(per)s::text[], %(subject)s::text[], %(since)s::date[])
               WITH ORDINALITY AS k(per, subject, since, n)
          LEFT JOIN workflows_limituse u
            ON u.organisation_id = %(organisation)s AND u.request_type = %(type)s
           AND u.per = k.per AND u.subject = k.subject AND u.day >= k.since
         GROUP BY k.n) AS s
"""

_CUSTOMER = """
SELECT coalesce(sum(amount) FILTER (WHERE created_at > %(now)s - interval '30 days'), 0),
       count(*) FILTER (WHERE created_at > %(now)s - interval '30 days'),
       coalesce(sum(amount) FILTER (WHERE created_at > %(now)s - interval '90 days'), 0),
       count(*) FILTER (WHERE created_at > %(now)s - interval '90 days'),
       coalesce(sum(amount), 0),
       count(*),
       array_agg(id ORDER BY created_at) FILTER (WHERE amount = %(amount)s AND reason = %(reason)s
           AND created_at > %(now)s - %(alike)s * interval '1 day'),
       array_agg(id ORDER BY created_at) FILTER (WHERE maker_id = %(maker)s
           AND created_at > %(now)s - %(split)s * interval '1 day'),
       coalesce(sum(amount) FILTER (WHERE maker_id = %(maker)s
           AND created_at > %(now)s - %(split)s * interval '1 day'), 0)
  FROM workflows_workflowrequest
 WHERE organisation_id = %(organisation)s AND request_type = %(type)s AND customer_id = %(customer)s
   AND created_at > %(now)s - interval '365 days' AND state <> ALL (%(freed)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, as limits and rules see it.

    Attributes:
        counts_for: what is counted for this policy; the locks may be more.
    """

    organisation_id: int
    request_type: str
    subjects: Mapping[Per, str]
    counts_for: frozenset[Per]
    maker_id: int
    customer_id: int | None
    amount: Decimal | None
    reason: str
    now: datetime
    today: date


@dataclass(frozen=True, slots=True)
class SoFar:
    """What counts already: for the limits, by their names, and for the customer."""

    used: Mapping[str, Decimal]
    customer: Mapping[int, tuple[Decimal, int]]
    look_alikes: tuple[UUID, ...] = ()
    split_with: tuple[UUID, ...] = ()
    split_sum: Decimal = Decimal(0)


def read(asked: Asked, terms: Terms, *, adds: bool) -> SoFar:
    """Everything that the terms ask about this request, in one statement; none where they ask nothing.

    Exact behind `lock`.

    Args:
        adds: count the request as well; the sums leave it out.
    """
    limits = [limit for limit in terms.limits if limit.per in asked.subjects]
    about_customer = terms.asks_about_customer and asked.customer_id is not None
    if not limits and not about_customer:
        return SoFar({}, {})
    parts = ([f"({_SUMS}) AS sums"] if limits else []) + ([f"({_CUSTOMER}) AS customer"] if about_customer else [])
    adding = [(str(per), subject) for per, subject in asked.subjects.items() if adds and per in asked.counts_for]
    (row,) = send(
        Statement(
            f"{_ADD if adding else ''} SELECT * FROM {', '.join(parts)}",  # noqa: S608 - constants of this module
            {
                "organisation": asked.organisation_id, "type": asked.request_type, "day": asked.today,
                "points": asked.amount or Decimal(0),
                "add_per": [per for per, _ in adding], "add_subject": [subject for _, subject in adding],
                "per": [str(limit.per) for limit in limits],
                "subject": [asked.subjects[limit.per] for limit in limits],
                "since": [first_day(limit.window, asked.today) for limit in limits],
                "now": asked.now, "amount": asked.amount, "reason": asked.reason, "alike": terms.look_alike.days,
                "split": terms.splitting.days, "maker": asked.maker_id, "customer": asked.customer_id,
                "freed": list(FREED),
            },
            lambda cursor: list(cursor.fetchone()),
        )
    )  # fmt: skip
    used = _used_of(limits, row.pop(0), row.pop(0)) if limits else {}
    return _with_customer(used, row) if about_customer else SoFar(used, {})


def _used_of(limits: list[Limit], points: list[Decimal], requests: list[Decimal]) -> dict[str, Decimal]:
    return {
        limit.name: points[index] if limit.measure == "points" else Decimal(requests[index])
        for index, limit in enumerate(limits)
    }


def _with_customer(used: dict[str, Decimal], row: list[Any]) -> SoFar:
    points30, requests30, points90, requests90, points365, requests365, alike, split, split_sum = row
    return SoFar(
        used=used,
        customer={30: (points30, requests30), 90: (points90, requests90), 365: (points365, requests365)},
        look_alikes=tuple(alike or ()), split_with=tuple(split or ()), split_sum=split_sum,
    )  # fmt: skip


def first_day(window: Window, today: date) -> date:
    if window == Window.DAY:
        return today
    if window == Window.CALENDAR_MONTH:
        return today.replace(day=1)
    return today - timedelta(days=int(window) - 1)


def count_again(
    request: WorkflowRequest, subjects: Mapping[Per, str], limits: Sequence[Limit], today: date
) -> list[Decimal]:
    """What counts already for each of these limits; adds the request, on the day it counted on before.

    The caller has locked the subjects and written the request's row, which counts from then on.
    """
    adding = subjects if _is_kept(request.counted_on, today) else {}
    values = {
        "organisation": request.organisation_id, "type": request.request_type,
        "day": request.counted_on, "points": request.amount or Decimal(0),
        "add_per": [str(per) for per in adding], "add_subject": list(adding.values()),
        "per": [str(limit.per) for limit in limits], "subject": [subjects[limit.per] for limit in limits],
        "since": [first_day(limit.window, today) for limit in limits],
    }  # fmt: skip
    ((points, requests),) = send(Statement(f"{_ADD} {_SUMS}", values, lambda cursor: cursor.fetchone()))
    return [
        points[index] if limit.measure == "points" else Decimal(requests[index]) for index, limit in enumerate(limits)
    ]


def _is_kept(day: date | None, today: date) -> bool:
    return day is not None and day > today - timedelta(days=KEPT_DAYS)


# Rows are locked in the order in which `_ADD` locks them; the others of their day are left alone.
_FREE = """
WITH asked AS (
    SELECT k.per, k.subject FROM unnest(%(per)s::text[], %(subject)s::text[]) AS k(per, subject)
     WHERE k.per = ANY ((SELECT counted FROM workflows_workflowpolicy
                          WHERE organisation_id = %(organisation)s AND request_type = %(type)s)::text[])
), locked AS (
    SELECT u.id, u.per, u.points < %(points)s OR u.requests < 1 AS is_short
      FROM workflows_limituse u
     WHERE u.organisation_id = %(organisation)s AND u.request_type = %(type)s AND u.day = %(day)s
       AND (u.per, u.subject) IN (SELECT per, subject FROM asked)
     ORDER BY u.per FOR UPDATE
), freed AS (
    UPDATE workflows_limituse u
       SET points = greatest(u.points - %(points)s, 0), requests = greatest(u.requests - 1, 0)
      FROM locked WHERE u.id = locked.id
)
SELECT asked.per FROM asked LEFT JOIN locked USING (per) WHERE locked.id IS NULL OR locked.is_short
"""


def freed(request: WorkflowRequest) -> list[Statement[None]]:
    """The statement that takes a request that ended without a credit off the day it counted on; sent behind what writes
    its state.

    A counter that holds less than the request, which nothing here leaves behind, keeps no request from ending: it goes
    to zero, and the log and the audit say that the limits are to be counted anew (`recount_limits`).
    """
    if not _is_kept(request.counted_on, timezone.now().date()):
        return []
    subjects = subjects_of_request(request, Per)

    def read(cursor: Any) -> None:
        short = [per for (per,) in cursor.fetchall()]
        if short:
            logger.error("a limit counted less than it should", extra={"request_id": str(request.pk), "per": short})
            audit.record("limits.out_of_step", request=request, actor=None, per=short, day=str(request.counted_on))

    values = {
        "points": request.amount or Decimal(0), "organisation": request.organisation_id,
        "type": request.request_type, "day": request.counted_on,
        "per": [str(per) for per in subjects], "subject": list(subjects.values()),
    }  # fmt: skip
    return [Statement(_FREE, values, read)]


def today_of(organisation: Organisation, now: datetime) -> date:
    return now.astimezone(ZoneInfo(organisation.time_zone)).date()

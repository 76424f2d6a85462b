"""How full the limits are, exactly, however many requests come at once.

Whoever counts for a customer, maker, program or store first takes a lock of that name, and reads and adds behind it;
there is no read-then-write between two of them. Locks are taken in one order, so that nobody waits in a circle.
What has ended without a credit is taken off again. Sums run over days of the organisation's calendar, so that they
cost the same for a store with ten requests and one with ten million.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from accounts.models import Organisation
from workflows.models import WorkflowRequest
from workflows.terms.document import Limit, Per, Terms, Window

FREED = ("failed", "rejected", "withdrawn", "expired")


def subjects_of(
    per: Iterable[Per], *, customer_id: int | None, maker_id: int, program_id: int | None, store_id: str
) -> dict[Per, str]:
    """Whose counters a request of these touches, of the kinds that are asked for; sorted."""
    known = {Per.CUSTOMER: customer_id, Per.MAKER: maker_id, Per.PROGRAM: program_id, Per.STORE: store_id or None}
    return {kind: str(known[kind]) for kind in sorted(per) if known[kind] is not None}


def lock(organisation_id: int, request_type: str, subjects: Mapping[Per, str]) -> datetime:
    """Wait for the others of these subjects; until the transaction ends nobody else counts for them.

    Returns:
        The time by the database's clock after the wait, so that days never run backwards between two of them.
    """
    names = (f"{organisation_id}|{request_type}|{per}|{subject}" for per, subject in subjects.items())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_advisory_xact_lock(k)), clock_timestamp() FROM unnest(%s::bigint[]) AS k",
            [sorted(_lock_number(name) for name in names)],
        )
        row = cursor.fetchone()
    now: datetime = row[1]
    return now


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
    with connection.cursor() as cursor:
        cursor.execute(
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
        )  # fmt: skip
        row = list(cursor.fetchone())
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


def read_for_retry(
    request: WorkflowRequest, terms: Terms, subjects: Mapping[Per, str], today: date
) -> Mapping[str, Decimal]:
    """What counts already for each limit, by its name; counts the request again, on the day it counted on before."""
    limits = [limit for limit in terms.limits if limit.per in subjects]
    with connection.cursor() as cursor:
        cursor.execute(f"{_ADD} {_SUMS}", {
            "organisation": request.organisation_id, "type": request.request_type,
            "day": request.counted_on or today, "points": request.amount or Decimal(0),
            "add_per": [str(per) for per in subjects], "add_subject": list(subjects.values()),
            "per": [str(limit.per) for limit in limits], "subject": [subjects[limit.per] for limit in limits],
            "since": [first_day(limit.window, today) for limit in limits],
        })  # fmt: skip
        points, requests = cursor.fetchone()
    return _used_of(limits, points, requests)


_FREE = """
UPDATE workflows_limituse
   SET points = points - %(points)s, requests = requests - 1
 WHERE organisation_id = %(organisation)s AND request_type = %(type)s AND day = %(day)s
   AND (per, subject) IN (('customer', %(customer)s), ('maker', %(maker)s), ('program', %(program)s),
                          ('store', %(store)s))
   AND per = ANY ((SELECT counted FROM workflows_workflowpolicy
                    WHERE organisation_id = %(organisation)s AND request_type = %(type)s)::text[])
"""


def free(request: WorkflowRequest) -> None:
    """Take a request that ended without a credit off the day it counted on. The caller has locked the request."""
    with connection.cursor() as cursor:
        cursor.execute(_FREE, {
            "points": request.amount or Decimal(0), "organisation": request.organisation_id,
            "type": request.request_type, "day": request.counted_on, "customer": str(request.customer_id),
            "maker": str(request.maker_id), "program": str(request.program_id), "store": request.store_id,
        })  # fmt: skip


def today_of(organisation: Organisation, now: datetime) -> date:
    return now.astimezone(ZoneInfo(organisation.time_zone)).date()


_SUBJECT_COLUMNS = {
    Per.CUSTOMER: "customer_id::text", Per.MAKER: "maker_id::text", Per.PROGRAM: "program_id::text",
    Per.STORE: "nullif(store_id, '')",
}  # fmt: skip


def rebuild(organisation_id: int, request_type: str, per: Iterable[Per]) -> None:
    """Count anew, from the requests themselves, for these kinds. Nobody submits meanwhile (`versions.put_in_force`)."""
    with connection.cursor() as cursor:
        for kind in per:
            column = _SUBJECT_COLUMNS[kind]
            cursor.execute(
                "DELETE FROM workflows_limituse WHERE organisation_id = %s AND request_type = %s AND per = %s",
                [organisation_id, request_type, str(kind)],
            )
            cursor.execute(
                f"""
                INSERT INTO workflows_limituse (organisation_id, request_type, per, subject, day, points, requests)
                SELECT organisation_id, request_type, %s, {column}, counted_on, sum(coalesce(amount, 0)), count(*)
                  FROM workflows_workflowrequest
                 WHERE organisation_id = %s AND request_type = %s AND {column} IS NOT NULL
                   AND state <> ALL (%s) AND created_at > now() - interval '400 days'
                 GROUP BY 1, 2, 4, 5
                """,  # noqa: S608 - the column is one of four constants
                [str(kind), organisation_id, request_type, list(FREED)],
            )

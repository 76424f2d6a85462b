"""A year of one organisation, written by the server itself: a million requests cost two minutes and not a day.

The triggers are off while it writes; this is the benchmark's own temporary database and nobody else's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, models
from django.db.models import QuerySet

from accounts.actors import actors_of
from goodwill.models import GoodwillRequest
from tests.factories import MembershipFactory, ProgramFactory, UserFactory
from tests.house import build_house
from workflows import desk, desk_figures
from workflows.models import AdminTask, AuditEvent, WorkflowRequest

PROGRAMS = 4
MAKERS = 20
CHECKERS = 10
CUSTOMERS = 200_000

# i runs from 1, the oldest, to the number of requests. Half of the youngest requests wait; the others have ended as
# they do: credited, rejected, withdrawn, failed; one in eight was approved automatically and never had a task.
_HASHES = ", ".join(f"(hashint8extended(i, {n}) & 268435455)::int" for n in range(1, 9))
_SERIES = """
CREATE UNLOGGED TABLE bench_series AS
SELECT i, id, at, is_waiting, NOT is_waiting AND h[1] %% 8 = 0 AS is_automatic, customer, points, program,
       at + (interval '1 second') * (20 + (h[2] %% 28800)) AS decided_at, maker, checker,
       CASE WHEN is_waiting THEN 'waiting' WHEN h[1] %% 8 = 0 THEN 'credited' WHEN h[3] %% 100 < 9 THEN 'rejected'
            WHEN h[3] %% 100 < 12 THEN 'withdrawn' WHEN h[3] %% 100 < 13 THEN 'failed' ELSE 'credited' END AS state, h
FROM (
  SELECT i, at, h, i > %(all)s - 2 * %(waiting)s AND i %% 2 = 0 AS is_waiting,
         (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(i::text), 1, 3) || '8'
          || substr(md5(i::text), 4, 15))::uuid AS id,
         382000000 + h[4] %% %(customers)s AS customer,
         (ARRAY[5, 10, 20, 20, 50, 75, 100, 150, 250, 500, 900, 1200, 2500, 7500])[1 + h[5] %% 14] AS points,
         1 + h[6] %% %(programs)s AS program, 1 + h[7] %% %(makers)s AS maker, 1 + h[8] %% %(checkers)s AS checker
  FROM (
    SELECT i, now() - interval '365 days' * (1 - i::float / %(all)s) AS at,
           ARRAY[{hashes}] AS h
    FROM generate_series(1, %(all)s) AS i
    OFFSET 0 -- else the array would be made again for each of its uses
  ) AS hashed
) AS drawn
"""
_PEOPLE = "(SELECT {column} FROM bench_people AS p WHERE p.kind = '{kind}' AND p.number = s.{kind})"


class FilledHouse:
    """An organisation with somebody for each role, a year of requests, and the figures of the days that are over."""

    def __init__(self, requests: int, waiting: int) -> None:
        self.requests, self.waiting = requests, waiting
        self.people = house = build_house()
        for place in range(1, PROGRAMS):
            ProgramFactory(organisation=house.organisation, program_id=2739 + place)
        makers = [house.maker, *self._colleagues("maker", MAKERS - 1)]
        checkers = [house.checker, *self._colleagues("checker", CHECKERS - 1)]
        started = time.perf_counter()
        fill(house.submit(), makers, checkers, number=requests - 1, waiting=waiting)
        self.filled_in = time.perf_counter() - started
        desk_figures.close_days()
        self.actors = actors_of(house.checker.pk)

    def _colleagues(self, role: str, number: int) -> list[Any]:
        people = [UserFactory(username=f"{role}{place}") for place in range(number)]
        for person in people:
            MembershipFactory(user=person, organisation=self.people.organisation, **{f"is_{role}": True})
        return people

    def waiting_for_checker(self) -> QuerySet[AdminTask]:
        return desk.waiting_for(self.actors)


def fill(
    template: WorkflowRequest, makers: list[Any], checkers: list[Any], *, number: int, waiting: int,
    customers: int = CUSTOMERS,
) -> None:  # fmt: skip
    """Write the rows, and leave the tables as tidy as the server's own housekeeping would."""
    with connection.cursor() as cursor, _indexes_built_afterwards(cursor):
        write(template, makers, checkers, number=number, waiting=waiting, customers=customers)
    connection.set_autocommit(True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def write(
    template: WorkflowRequest, makers: list[Any], checkers: list[Any], *, number: int, waiting: int,
    customers: int = CUSTOMERS,
) -> None:  # fmt: skip
    """Everything that is not said here is as it is in the template's own rows."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("CREATE UNLOGGED TABLE bench_people (kind text, number int, id bigint, name text)")
        people = [("maker", makers), ("checker", checkers)]
        cursor.executemany(
            "INSERT INTO bench_people VALUES (%s, %s, %s, %s)",
            [
                (kind, place, user.pk, user.display_name)
                for kind, found in people
                for place, user in enumerate(found, 1)
            ],
        )
        cursor.execute(
            _SERIES.replace("{hashes}", _HASHES),
            {"all": number, "waiting": waiting, "customers": customers, "programs": PROGRAMS,
             "makers": MAKERS, "checkers": CHECKERS},
        )  # fmt: skip
        _copy(cursor, WorkflowRequest, template.pk, _REQUEST)
        _copy(cursor, AdminTask, template.tasks.get().pk, _TASK, where="NOT is_automatic")
        _copy(cursor, GoodwillRequest, template.goodwill.pk, _GOODWILL)
        _copy(cursor, AuditEvent, template.events.earliest("pk").pk, _EVENT)
        for model in (AdminTask, GoodwillRequest, AuditEvent):
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{model._meta.db_table}', 'id'), max(id)) FROM"
                f" {model._meta.db_table}"
            )
        cursor.execute("SELECT setval('goodwill_request_number', max(request_number)) FROM goodwill_goodwillrequest")
        cursor.execute("DROP TABLE bench_series, bench_people")
        cursor.execute("SET session_replication_role = origin")


@contextmanager
def _indexes_built_afterwards(cursor: Any) -> Iterator[None]:
    """A million rows go into the tables twice as fast without them; those of a constraint stay."""
    tables = [model._meta.db_table for model in (WorkflowRequest, AdminTask, GoodwillRequest, AuditEvent)]
    cursor.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index WHERE NOT indisunique"
        " AND indrelid = ANY (%s::regclass[])",
        [tables],
    )
    found = cursor.fetchall()
    for name, _definition in found:
        cursor.execute(f"DROP INDEX {name}")
    yield
    cursor.execute("SET maintenance_work_mem = '512MB'")
    for _name, definition in found:
        cursor.execute(definition)


def _copy(cursor: Any, model: type[models.Model], key: Any, said: dict[str, str], where: str = "true") -> None:
    columns = [field.column for field in model._meta.local_concrete_fields]
    values = ", ".join(said.get(column, f't."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    table = model._meta.db_table
    cursor.execute(
        f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} AS t, bench_series AS s"
        f" WHERE t.id = %s AND {where} ORDER BY s.i",
        [key],
    )


_ENDED = "CASE WHEN s.is_waiting THEN NULL ELSE s.decided_at + interval '2 seconds' END"
_BY_CHECKER = "s.state IN ('credited', 'failed', 'rejected')"
_PROGRAM = (
    "(SELECT {column} FROM goodwill_program AS p"
    " WHERE p.program_id = 2738 + s.program AND p.organisation_id = t.organisation_id)"
)
_REASONS = "ARRAY['Late delivery', 'Damaged item', 'Points missing', 'Long wait at the till', 'Wrong price']"
_REASON = f"({_REASONS})[1 + s.h[6] %% 5]"

_REQUEST = {
    "id": "s.id", "reference_id": "'bench-' || s.i", "maker_id": _PEOPLE.format(column="id", kind="maker"),
    "maker_name": _PEOPLE.format(column="name", kind="maker"), "state": "s.state", "auto_approved": "s.is_automatic",
    "till_id": "'till-' || s.h[2] %% 400", "store_id": "'store-' || s.h[2] %% 80", "zone_id": "'zone-' || s.h[2] %% 8",
    "customer_id": "s.customer", "amount": "s.points", "money": "s.points * 0.5", "program_id": "2738 + s.program",
    "program_name": _PROGRAM.format(column="name"), "reason": _REASON, "secret": "NULL", "created_at": "s.at",
    "updated_at": f"coalesce({_ENDED}, s.at)", "ended_at": _ENDED,
}  # fmt: skip
_TASK = {
    "id": "t.id + s.i", "request_id": "s.id", "maker_id": _PEOPLE.format(column="id", kind="maker"),
    "opened_at": "s.at", "customer_id": "s.customer", "amount": "s.points", "money": "s.points * 0.5",
    "decision": f"CASE WHEN s.is_waiting THEN NULL WHEN s.state = 'rejected' THEN 'rejected'"
                f" WHEN {_BY_CHECKER} THEN 'approved' ELSE s.state END",
    "checker_id": f"CASE WHEN {_BY_CHECKER} THEN {_PEOPLE.format(column='id', kind='checker')} END",
    "checker_name": f"CASE WHEN {_BY_CHECKER} THEN {_PEOPLE.format(column='name', kind='checker')} ELSE '' END",
    "decided_at": "CASE WHEN NOT s.is_waiting THEN s.decided_at END",
    "message": "CASE WHEN s.is_waiting THEN '' ELSE 'checked against the ticket' END",
    "digest": f"CASE WHEN {_BY_CHECKER} THEN repeat('0', 64) ELSE '' END",
}  # fmt: skip
_GOODWILL = {
    "id": "t.id + s.i", "request_number": "t.request_number + s.i", "workflow_request_id": "s.id",
    "program_id": _PROGRAM.format(column="id"), "customer_id": "s.customer", "points": "s.points", "reason": _REASON,
    "auto_approved": "s.is_automatic", "added_on": "s.at", "updated_on": f"coalesce({_ENDED}, s.at)",
    "status": "CASE s.state WHEN 'waiting' THEN 'PENDING' WHEN 'credited' THEN 'APPROVED' WHEN 'failed' THEN 'FAILURE'"
              " ELSE 'REJECTED' END",
    "added_by_id": _PEOPLE.format(column="id", kind="maker"),
    "updated_by_id": _PEOPLE.format(column="id", kind="maker"),
}  # fmt: skip
_EVENT = {
    "id": "t.id + s.i", "request_id": "s.id", "actor_id": _PEOPLE.format(column="id", kind="maker"),
    "actor_name": _PEOPLE.format(column="name", kind="maker"), "at": "s.at",
}  # fmt: skip

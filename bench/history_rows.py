"""History from before the engine, written by the server itself: ten rows for each customer, far from each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection

from accounts.models import User
from goodwill.models import GoodwillRequest, Program

FIRST_CUSTOMER, PER_CUSTOMER = 700_000_001, 10
_TABLE = GoodwillRequest._meta.db_table
# The rows of a customer are as far from each other as years of others' lie between them.
_FILL = f"""
INSERT INTO {_TABLE} (organisation_id, program_id, request_number, customer_id, goodwill_type, earning_entity_type,
                      points, status, reason, comments, updated_comments, one_step, auto_approved,
                      added_by_id, updated_by_id, added_on, updated_on)
SELECT %(organisation)s, %(program)s, i, {FIRST_CUSTOMER} + i %% %(customers)s, 'POINTS', 'CUSTOMER',
       5 * (1 + i %% 100), CASE WHEN i %% 9 = 0 THEN 'REJECTED' ELSE 'APPROVED' END, 'Late delivery of the order',
       'ticket ' || i || ': the parcel came a week late', 'ticket ' || i || '; checked against the ticket', false,
       i %% 8 = 0, (%(people)s::bigint[])[1 + i %% %(number)s], (%(people)s::bigint[])[1 + i %% 7 %% %(number)s],
       at, at + interval '20 minutes'
FROM (SELECT i, now() - interval '1500 days' + i * (interval '1000 days' / %(rows)s) AS at
      FROM generate_series(1, %(rows)s) AS i) AS numbered
"""


def fill(program: Program, people: Sequence[User], *, rows: int) -> None:
    """Write so many rows; this is the benchmark's own temporary database and nobody else's."""
    with connection.cursor() as cursor, without_triggers(), indexed_later(_TABLE):
        cursor.execute(_FILL, {
            "organisation": program.organisation_id, "program": program.pk, "rows": rows,
            "customers": max(rows // PER_CUSTOMER, 1), "people": [user.pk for user in people], "number": len(people),
        })  # fmt: skip


@contextmanager
def without_triggers() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield
        finally:
            cursor.execute("SET session_replication_role = origin")


@contextmanager
def indexed_later(*tables: str) -> Iterator[None]:
    """The indexes of these tables sleep and are then built as a whole: four times faster than row by row."""
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(
                "UPDATE pg_index SET indisready = false, indisvalid = false WHERE indrelid = %s::regclass", [table]
            )
        yield
        cursor.execute("SET maintenance_work_mem = '512MB'")
        for table in tables:
            cursor.execute(f"REINDEX TABLE {table}")
        cursor.execute("RESET maintenance_work_mem")

"""One number for the content of each table, to see what an act has changed."""

from __future__ import annotations

from django.db import connection


def checksums() -> dict[str, str]:
    """A digest over all rows of each table, whatever their order."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM \"{table}\" t")
            found[table] = cursor.fetchone()[0]
    return found


def changed(before: dict[str, str], *expected: str) -> set[str]:
    """The tables that are not what they were; sessions, and those that were expected to change, left out."""
    after = checksums()
    return {table for table in before if before[table] != after[table]} - {"django_session", *expected}

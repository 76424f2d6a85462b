"""A connection that PostgreSQL has ended meanwhile is not handed out, and no message is spent on finding that out."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection


def _backends() -> list[int]:
    """The sessions of this service's pool."""
    with psycopg.connect(_address(), autocommit=True) as other:
        found = other.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'goodwill'"
            " AND pid <> pg_backend_pid()"
        ).fetchall()
    return [number for (number,) in found]


def _address() -> str:
    given = connection.settings_dict
    return psycopg.conninfo.make_conninfo(
        host=given["HOST"], port=given["PORT"], user=given["USER"], password=given["PASSWORD"], dbname=given["NAME"]
    )


def _end(sessions: list[int]) -> None:
    with psycopg.connect(_address(), autocommit=True) as other:
        for session in sessions:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [session])


def _one() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        number: int = cursor.fetchone()[0]
    return number


def _borrowed() -> set[int]:
    """The sessions that are handed out, one after the other: more often than the pool can have any."""
    found = set()
    for _ in range(2 * connection.settings_dict["OPTIONS"]["pool"]["max_size"]):
        connection.close()
        found.add(_one())
    return found


@pytest.mark.django_db(transaction=True)
def test_a_session_that_was_ended_in_the_pool_is_replaced_before_anybody_gets_it() -> None:
    before = _one()
    connection.close()
    ended = _backends()
    assert before in ended, "it waits in the pool"
    _end(ended)
    assert _borrowed().isdisjoint(ended)


@pytest.mark.django_db(transaction=True)
def test_a_session_that_only_has_something_to_say_is_kept() -> None:
    before = _one()
    with connection.cursor() as cursor:
        cursor.execute("LISTEN something")
    connection.close()
    with psycopg.connect(_address(), autocommit=True) as other:
        other.execute("NOTIFY something")
    assert before in _borrowed()
    connection.close()
    _end([before])  # what it listens for is no later test's


@pytest.mark.django_db(transaction=True)
def test_a_borrowed_connection_is_looked_at_and_not_asked() -> None:
    before = _one()
    last_asked = "SELECT query_start FROM pg_stat_activity WHERE pid = %s"
    with psycopg.connect(_address(), autocommit=True) as other:
        last = other.execute(last_asked, [before]).fetchone()
        for _ in range(10):
            connection.close()
            connection.ensure_connection()
        assert other.execute(last_asked, [before]).fetchone() == last
    assert before in _borrowed()

"""A connection that PostgreSQL has ended meanwhile is not handed out, and no message is spent on finding that out."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.db import connection


@pytest.fixture(autouse=True)
def _one_session(transactional_db: None) -> None:
    """A pool that has only just been opened has one session, and hands that out."""
    connection.close()
    connection.close_pool()


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


def _one() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def test_a_session_that_was_ended_in_the_pool_is_replaced_before_anybody_gets_it() -> None:
    before = _one()
    connection.close()
    assert before in _backends(), "it waits in the pool"
    _end(_backends())
    assert _one() != before


def test_a_session_that_only_has_something_to_say_is_kept() -> None:
    before = _one()
    with connection.cursor() as cursor:
        cursor.execute("LISTEN something")
    connection.close()
    with psycopg.connect(_address(), autocommit=True) as other:
        other.execute("NOTIFY something")
    assert _one() == before
    with connection.cursor() as cursor:
        cursor.execute("UNLISTEN *")


def test_a_borrowed_connection_is_looked_at_and_not_asked() -> None:
    before = _one()
    connection.close()
    with psycopg.connect(_address(), autocommit=True) as other:
        last = other.execute("SELECT query_start FROM pg_stat_activity WHERE pid = %s", [before]).fetchone()
        connection.ensure_connection()
        assert other.execute("SELECT query_start FROM pg_stat_activity WHERE pid = %s", [before]).fetchone() == last
    assert _one() == before

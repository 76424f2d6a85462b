"""Another session that stands in the way: it holds rows for as long as a test wants."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import psycopg
from django.db import connection

from tests.concurrency.racing import WAIT_SECONDS


@contextlib.contextmanager
def counters_held(where: str) -> Iterator[psycopg.Connection]:
    """The counters of limits that this names are locked by another session, until its transaction ends."""
    parameters = connection.get_connection_params()
    parameters.pop("pool", None)
    parameters.pop("cursor_factory", None)
    with psycopg.connect(**{name: parameters[name] for name in ("host", "port", "user", "password", "dbname")
                            if parameters.get(name)}) as holder:  # fmt: skip
        held = holder.execute(f"SELECT 1 FROM workflows_limituse WHERE {where} FOR UPDATE").fetchall()
        assert held, "there is no such counter"
        yield holder


def wait_until_blocked(holder: psycopg.Connection, sessions: int) -> None:
    """Return as soon as so many sessions of this database wait for a lock."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        holder.execute("SELECT pg_stat_clear_snapshot()")
        waiting = holder.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
        if waiting == (sessions,):
            return
        time.sleep(0.02)
    raise AssertionError(f"{sessions} sessions were to wait")

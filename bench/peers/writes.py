"""The writes of a life, the same for every engine: two psycopg transactions besides the decision, and the call.

Runs in the environment of a peer, so it imports nothing of the project.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import psycopg
import urllib3

TABLES = """
DROP TABLE IF EXISTS peer_event, peer_call, peer_history, peer_task, peer_request;
CREATE TABLE peer_request (
    id bigserial PRIMARY KEY, maker bigint NOT NULL DEFAULT 1, state text NOT NULL DEFAULT 'waiting',
    payload jsonb NOT NULL DEFAULT '{"points": 20}', tries int NOT NULL DEFAULT 0, lease timestamptz, result jsonb);
CREATE TABLE peer_task (
    id bigserial PRIMARY KEY, request bigint NOT NULL UNIQUE REFERENCES peer_request, decision text, checker bigint,
    decided_at timestamptz);
CREATE TABLE peer_history (request bigint PRIMARY KEY REFERENCES peer_request, status text DEFAULT 'PENDING');
CREATE TABLE peer_call (
    id bigserial PRIMARY KEY, request bigint NOT NULL REFERENCES peer_request, started_at timestamptz,
    finished_at timestamptz, outcome text);
CREATE TABLE peer_event (
    id bigserial PRIMARY KEY, request bigint NOT NULL REFERENCES peer_request, action text, at timestamptz
        DEFAULT now());
"""
http = urllib3.PoolManager(maxsize=8)


def submitted(url: str, number: int) -> list[int]:
    """Fresh tables with so many requests that wait."""
    with psycopg.connect(url) as connection:
        connection.execute(TABLES)
        insert = "INSERT INTO peer_request SELECT FROM generate_series(1, %s) RETURNING id"
        ids = [row[0] for row in connection.execute(insert, [number]).fetchall()]
        connection.execute("INSERT INTO peer_task (request) SELECT id FROM peer_request")
        connection.execute("INSERT INTO peer_history (request) SELECT id FROM peer_request")
        connection.execute("ANALYZE peer_request, peer_task, peer_history")
        return ids


def decide(connection: psycopg.Connection, request: int) -> None:
    """Lock, look, decide, in the transaction of the caller."""
    locked = connection.execute("SELECT state, maker FROM peer_request WHERE id = %s FOR UPDATE", [request]).fetchone()
    assert locked == ("waiting", 1)
    decided = "UPDATE peer_task SET decision = 'approved', checker = 2, decided_at = now() WHERE request = %s"
    connection.execute(decided, [request])
    connection.execute("UPDATE peer_request SET state = 'executing' WHERE id = %s", [request])
    connection.execute("INSERT INTO peer_event (request, action) VALUES (%s, 'task.approved')", [request])


def claim(connection: psycopg.Connection, request: int) -> None:
    connection.execute(
        "UPDATE peer_request SET tries = tries + 1, lease = now() + interval '60 s' WHERE id = %s", [request]
    )
    connection.execute("INSERT INTO peer_call (request, started_at) VALUES (%s, now())", [request])


def call(stub: str) -> dict[str, Any]:
    """The credit itself, over a kept connection."""
    answer = http.request("POST", stub + "/internal/goodwill/", body=b'{"points": 20}', timeout=10)
    assert answer.status == 201
    found: dict[str, Any] = json.loads(answer.data)
    return found


def record(connection: psycopg.Connection, request: int, answer: dict[str, Any]) -> None:
    connection.execute("SELECT tries FROM peer_request WHERE id = %s FOR UPDATE", [request])
    connection.execute("UPDATE peer_call SET outcome = 'credited', finished_at = now() WHERE request = %s", [request])
    done = "UPDATE peer_request SET state = 'credited', lease = NULL, result = %s WHERE id = %s"
    connection.execute(done, [json.dumps(answer), request])
    connection.execute("UPDATE peer_history SET status = 'APPROVED' WHERE request = %s", [request])
    connection.execute("INSERT INTO peer_event (request, action) VALUES (%s, 'call.credited')", [request])


def wait_for_credits(url: str, number: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        while True:
            row = connection.execute("SELECT count(*) FROM peer_request WHERE state = 'credited'").fetchone()
            if row == (number,):
                return
            time.sleep(0.02)


def timed(drive: Callable[[], None], url: str, number: int) -> None:
    """Let it drive all lives, and print seconds of the wall clock and of this process and its children."""
    started, spent = time.perf_counter(), time.process_time()
    drive()
    wait_for_credits(url, number)
    seconds, own = time.perf_counter() - started, time.process_time() - spent
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    json.dump({"seconds": seconds, "cpu": own + ended.ru_utime + ended.ru_stime}, sys.stdout)

"""DBOS: a durable workflow per life, enqueued; every write and the call is a step."""

from __future__ import annotations

import sys
from pathlib import Path

from dbos import DBOS
from psycopg_pool import ConnectionPool

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import writes

URL, STUB, NUMBER = sys.argv[1], sys.argv[2], int(sys.argv[3])
THREADS = 4

ids = writes.submitted(URL, NUMBER)
DBOS(config={"name": "life", "system_database_url": URL, "log_level": "ERROR", "run_admin_server": False})
pool = ConnectionPool(URL, min_size=THREADS, max_size=2 * THREADS, open=True)


@DBOS.step()
def decide(request: int) -> None:
    with pool.connection() as connection:
        writes.decide(connection, request)


@DBOS.step()
def claim(request: int) -> None:
    with pool.connection() as connection:
        writes.claim(connection, request)


@DBOS.step()
def call() -> dict[str, object]:
    return writes.call(STUB)


@DBOS.step()
def record(request: int, answer: dict[str, object]) -> None:
    with pool.connection() as connection:
        writes.record(connection, request, answer)


@DBOS.workflow()
def life(request: int) -> None:
    decide(request)
    claim(request)
    record(request, call())


def drive() -> None:
    for handle in [DBOS.enqueue_workflow("lives", life, request) for request in ids]:
        handle.get_result()


DBOS.launch()
DBOS.register_queue("lives", worker_concurrency=THREADS, polling_interval_sec=0.05)
writes.timed(drive, URL, NUMBER)
sys.stdout.flush()
DBOS.destroy()

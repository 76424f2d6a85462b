"""The schema grows while requests are submitted, decided and carried out by processes that know nothing of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import psycopg
import pytest
import requests

from tests.faults.killable import wait_until
from tests.faults.service import Service
from tests.faults.test_database import is_unavailable

pytestmark = [pytest.mark.xdist_group("processes"), pytest.mark.timeout(300)]

TABLE = "workflows_workflowrequest"
# What a migration of the next release may do before its code is there (docs/operations.md).
EXPAND = [
    f"ALTER TABLE {TABLE} ADD COLUMN later text",
    f"ALTER TABLE {TABLE} ADD COLUMN later_number integer NOT NULL DEFAULT 0",
    f"ALTER TABLE {TABLE} ADD CONSTRAINT later_bound CHECK (later_number >= 0) NOT VALID",
    f"ALTER TABLE {TABLE} VALIDATE CONSTRAINT later_bound",
    f"CREATE INDEX CONCURRENTLY later_index ON {TABLE} (later_number)",
    f"CREATE TABLE workflows_later (id bigint PRIMARY KEY, request_id uuid NOT NULL REFERENCES {TABLE})",
]
CONTRACT = [
    "DROP TABLE IF EXISTS workflows_later",
    "DROP INDEX CONCURRENTLY IF EXISTS later_index",
    f"ALTER TABLE {TABLE} DROP COLUMN IF EXISTS later, DROP COLUMN IF EXISTS later_number",
]
MAKERS = 3


def migrate(service: Service, steps: list[str]) -> None:
    """Each step gives up soon where it does not get its lock, and is tried again, as the releases' page advises."""
    with psycopg.connect(service.database_url, autocommit=True) as connection:
        connection.execute("SET lock_timeout = '500ms'")
        for step in steps:
            wait_until(lambda step=step: takes(connection, step), f"the migration gets its lock for: {step}")


def takes(connection: psycopg.Connection, step: str) -> bool:
    try:
        connection.execute(step)
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def insist(call: Iterator[requests.Response]) -> requests.Response:
    """The first answer that is no honest 503."""
    return next(answer for answer in call if answer.status_code != 503 or not is_unavailable(answer))


def make(service: Service, name: str, enough: Event) -> list[str]:
    """Submit and approve one request after the other, until it is enough; their references."""
    maker, checker = service.client("maker"), service.client("checker")
    done: list[str] = []
    while not enough.is_set():
        reference = f"{name}-{len(done)}"
        submitted = insist(maker.submit(reference) for _ in range(1000))
        assert submitted.status_code == 200, submitted.text
        request_id = submitted.json()["data"]["requestId"]
        decided = insist(checker.decide(request_id) for _ in range(1000))
        assert decided.status_code in (200, 409), decided.text
        done.append(reference)
    return done


@contextlib.contextmanager
def load(service: Service, name: str) -> Iterator[list[Future[list[str]]]]:
    """Makers and checkers at work for the length of the block."""
    enough = Event()
    with ThreadPoolExecutor() as pool:
        makers = [pool.submit(make, service, f"{name}-{number}", enough) for number in range(MAKERS)]
        try:
            yield makers
        finally:
            enough.set()


def test_a_migration_under_load_loses_nothing_and_processes_of_before_go_on_with_the_new_schema(service):
    started = "SELECT count(*) FROM workflows_workflowrequest WHERE reference_id LIKE %s AND state = 'credited'"

    def credited(name: str) -> int:
        return int(service.sql(started, f"{name}-%")[0][0])

    try:
        with service.running(service.worker(), service.beat()):
            with load(service, "expand") as first:
                wait_until(lambda: credited("expand") > 5, "requests are carried out under the old schema")
                migrate(service, EXPAND)
                before = credited("expand")
                wait_until(lambda: credited("expand") > before + 5, "and under the new one")
            with load(service, "contract") as second:
                wait_until(lambda: credited("contract") > 5, "requests are carried out under the new schema")
                migrate(service, CONTRACT)
            references = [reference for maker in (*first, *second) for reference in maker.result()]
            service.wait_for_state("credited", *references)
    finally:
        migrate(service, CONTRACT)
    assert len(references) > 10
    assert {service.credits(reference) for reference in references} == {1}

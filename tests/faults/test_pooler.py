"""Between the service and PostgreSQL, somebody hands the sessions round after every transaction, and dies."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psycopg
import pytest

from tests.faults.killable import Process, free_port, listens, wait_until
from tests.faults.service import CELERY, QUICK_START, WORKER, Service
from tests.faults.test_database import is_unavailable

pytestmark = [pytest.mark.xdist_group("processes"), pytest.mark.timeout(300)]

ONCE = [("credit", "credited")]
SERVERS = 2
REQUESTS = 12


@dataclass
class Pooled:
    """A web process and a worker that reach the database through a pooler only."""

    pooler: Process
    web: Process
    url: str

    def wait_for_it(self) -> None:
        wait_until(lambda: listens(self.pooler.port), "the pooler listens")


@pytest.fixture(scope="module")
def pooled(service: Service) -> Iterator[Pooled]:
    port = free_port()
    command = [sys.executable, "-m", "tests.faults.pooler", "--port", str(port), "--servers", str(SERVERS)]
    pooler = service.process("pooler", [*command, service.database_url])
    pooler.port = port
    wait_until(lambda: listens(port), "the pooler listens")
    own_port = service.database_url.rpartition(":")[2].partition("/")[0]
    url = service.database_url.replace(f":{own_port}/", f":{port}/")
    reached = {"DATABASE_URL": url, "DATABASE_PREPARED_STATEMENTS": "false"}
    worker = service.process("worker", [*CELERY, *WORKER, *QUICK_START], **reached)
    web = service.web(shared=False, **reached)
    with service.running(worker, web, service.beat(), pooler):
        yield Pooled(pooler, web, url)


def approve(service: Service, pooled: Pooled, reference: str) -> None:
    maker, checker = service.client("maker", web=pooled.web), service.client("checker", web=pooled.web)
    submitted = maker.submit(reference)
    assert submitted.status_code == 200, submitted.text
    decided = checker.decide(submitted.json()["data"]["requestId"])
    assert decided.status_code == 200, decided.text


def test_sessions_that_are_handed_round_after_every_transaction_do_no_harm(service, pooled):
    references = [f"pooled-{number}" for number in range(REQUESTS)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda reference: approve(service, pooled, reference), references))
    service.wait_for_state("credited", *references)
    assert [service.calls(reference) for reference in references] == [ONCE] * REQUESTS
    assert [service.credits(reference) for reference in references] == [1] * REQUESTS


def rely_on_the_session(connection: psycopg.Connection) -> None:
    for _ in range(10):
        connection.execute("SELECT 1", prepare=True)


def test_the_pooler_does_hand_sessions_round_and_harms_whoever_relies_on_one(pooled):
    """The twin of the test above: psycopg's own default, statements prepared in the session, fails here."""
    with psycopg.connect(pooled.url, autocommit=True) as connection:
        sessions = {connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone() for _ in range(10)}
        assert len(sessions) == SERVERS
        with pytest.raises((psycopg.errors.InvalidSqlStatementName, psycopg.errors.DuplicatePreparedStatement)):
            rely_on_the_session(connection)


def test_while_the_pooler_is_dead_answers_are_503_and_what_was_approved_is_credited_later(service, pooled):
    approve(service, pooled, "before-its-death")
    maker = service.client("maker", web=pooled.web)
    pooled.pooler.kill()
    assert is_unavailable(maker.submit("without-pooler"))
    assert service.actions("without-pooler") == []
    pooled.pooler.start()
    pooled.wait_for_it()
    wait_until(lambda: maker.submit("without-pooler").status_code == 200, "submissions are taken again")
    service.wait_for_state("credited", "before-its-death")
    assert service.credits("before-its-death") == 1

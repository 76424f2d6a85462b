"""Intouch away for long while many wait: it is left alone but for one probe at a time, and nobody loses a try."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.faults.killable import free_port, listens, wait_until
from tests.faults.service import CELERY, QUICK_START, WORKER, Sandbox, Service

pytestmark = [pytest.mark.xdist_group("processes"), pytest.mark.timeout(300)]

MANY = 100
FAILURES = 3
THREADS = 4
BREAKER = "SELECT b.failures, b.open_until IS NOT NULL FROM workflows_targetbreaker b JOIN workflows_intouchtarget t"
BREAKER += " ON t.id = b.target_id WHERE t.base_url = %s"
TRIES = "SELECT tries, count(*) FROM workflows_workflowrequest WHERE reference_id LIKE 'away-%%' GROUP BY tries"


def breaker(service: Service, url: str) -> tuple[int, bool]:
    """Failures in a row, and whether the target is left alone."""
    found: list[Any] = service.sql(BREAKER, url)
    return found[0] if found else (0, False)


def test_while_intouch_is_away_one_probes_and_all_are_credited_once_it_is_back(service):
    port, ledger = free_port(), service.directory / "ledger-away.jsonl"
    intouch = Sandbox(f"http://127.0.0.1:{port}", ledger)
    origin = service.add_target("away", intouch.url)
    references = [f"away-{number}" for number in range(MANY)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda reference: service.approved(reference, hostname=origin), references))
    settings = {"INTOUCH_BREAKER_FAILURES": str(FAILURES), "INTOUCH_BREAKER_SECONDS": "1"}
    worker = service.process("worker", [*CELERY, *WORKER, *QUICK_START], **settings)
    with service.running(worker, service.beat()):
        wait_until(lambda: breaker(service, intouch.url)[0] >= FAILURES + 2, "two probes have failed")
        tries = dict(service.sql(TRIES))
        assert breaker(service, intouch.url)[1] is True
        # Each thread may have been at a call when the breaker opened; after that only probes were made.
        assert sum(number * count for number, count in tries.items()) <= FAILURES + THREADS + 3
        assert tries[0] >= MANY - FAILURES - THREADS - 3
        command = [sys.executable, "-m", "workflows.sandbox", "--port", str(port), "--ledger", str(ledger)]
        with service.running(service.process("intouch-again", command)):
            wait_until(lambda: listens(port), "Intouch is back")
            service.wait_for_state("credited", *references)
            assert intouch.counted()["calls"] == MANY
    assert breaker(service, intouch.url) == (0, False)
    assert sorted(line["referenceId"] for line in intouch.lines()) == sorted(references)

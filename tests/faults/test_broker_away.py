"""The broker dead for a while, and back with what it had, with a torn file or with nothing, while work goes on."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.killable import OwnValkey, wait_until
from tests.faults.service import Service

pytestmark = [pytest.mark.xdist_group("processes"), pytest.mark.timeout(300)]

# Many sweeps, several rests of a publisher, and longer than any pause between two tries to connect.
AWAY_SECONDS = 30.0
TORN_BYTES = 7
ONCE = [("credit", "credited")]


@pytest.fixture
def crew(service: Service) -> Iterator[None]:
    """Two workers and a beat, which nobody starts again in the course of a test."""
    processes = [service.worker(), service.worker(), service.beat()]
    with service.running(*processes):
        yield
        said = [process.said[-2000:] for process in processes if process.exit_code is not None]
        assert [process.exit_code for process in processes] == [None] * 3, said


def check_once_each(service: Service, references: list[str]) -> None:
    service.wait_for_state("credited", *references)
    assert [service.credits(reference) for reference in references] == [1] * len(references)


@pytest.mark.usefixtures("crew")
def test_with_the_broker_dead_for_half_a_minute_approvals_go_on_and_are_carried_out_afterwards(service):
    service.approved("broker-alive")
    service.wait_for_state("credited", "broker-alive")
    service.valkey.end(signal.SIGKILL)
    references: list[str] = []
    try:
        until = time.monotonic() + AWAY_SECONDS
        while time.monotonic() < until:
            references.append(f"broker-dead-{len(references)}")
            service.approved(references[-1])  # fails at any answer but 200
            time.sleep(0.2)
        assert {service.state(reference) for reference in references} == {"executing"}
    finally:
        service.valkey.start()
    assert len(references) > 5
    check_once_each(service, references)


@pytest.mark.usefixtures("crew")
@pytest.mark.parametrize("empty", [False, True], ids=["as-it-was", "empty"])
def test_a_broker_killed_in_the_middle_of_the_work_costs_no_credit_and_makes_no_second(service, empty):
    references = [f"broker-killed-{empty}-{number}" for number in range(8)]
    for reference in references:
        # Slow, so that some are on their way, and others in the queue, when it dies.
        service.sandboxes[0].order("late-answer", referenceId=reference, delay=0.7)
        service.approved(reference)
    wait_until(lambda: service.sandboxes[0].credited(references), "the work has begun")
    service.valkey.crash(empty=empty)
    service.valkey.start()
    check_once_each(service, references)
    assert [service.calls(reference) for reference in references] == [ONCE] * len(references)


def queue_file(valkey: OwnValkey) -> Path:
    """Where the broker keeps what it was told since its start."""
    (found,) = valkey.server.mark.parent.rglob("*.incr.aof")
    return found


def test_a_broker_whose_file_is_torn_comes_back_with_less_and_nothing_is_lost(service):
    references = [f"torn-{number}" for number in range(5)]
    for reference in references:
        service.approved(reference)
    queued = service.broker.llen("celery")
    service.valkey.end(signal.SIGKILL)
    file = queue_file(service.valkey)
    file.write_bytes(file.read_bytes()[:-TORN_BYTES])
    service.valkey.start()
    assert service.broker.llen("celery") < queued
    with service.running(service.worker(), service.beat()):
        check_once_each(service, references)


def test_a_broker_whose_file_is_spoilt_is_replaced_by_an_empty_one_and_nothing_is_lost(service):
    references = [f"spoilt-{number}" for number in range(5)]
    for reference in references:
        service.approved(reference)
    service.valkey.end(signal.SIGKILL)
    queue_file(service.valkey).write_bytes(b"no command\r\n" * 1000)
    with pytest.raises(AssertionError, match="Bad file format"):
        service.valkey.start()
    service.valkey.crash(empty=True)
    service.valkey.start()
    assert service.broker.llen("celery") == 0
    with service.running(service.worker(), service.beat()):
        check_once_each(service, references)

"""A broker that is away, forgets, or holds rubbish: the rows are the queue, and the messages are hints.

Workers that are killed, and messages that come twice, are the subject of `test_failpoints.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.processes import PATIENCE, Sandbox, environment, eventually, sandbox_process, worker
from tests.house import House
from tests.workflows.journeys import outcomes_of, reread, task_of
from tests.workflows.raw_servers import Conversation, raw_server
from workflows import services, tasks
from workflows.models import CallOutcome, Decision, WorkflowRequest
from workflows.states import State

pytestmark = [pytest.mark.xdist_group("processes"), pytest.mark.timeout(300)]

APPROVE = """
import sys, django
django.setup()
from accounts.actors import actor_in
from workflows import services
from workflows.models import Decision
for request_id in sys.argv[3:]:
    services.decide(
        actor=actor_in(user_id=int(sys.argv[1]), organisation_id=int(sys.argv[2])), request_id=request_id,
        decision=Decision.APPROVED, message="approved without a broker",
    )
"""


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with sandbox_process(tmp_path) as running:
        yield running


@pytest.fixture
def house(committed_house: House, sandbox: Sandbox) -> House:
    committed_house.target.base_url = sandbox.url
    committed_house.target.save()
    return committed_house


def approve_in_another_process(house: House, *requests: WorkflowRequest, **changes: str) -> None:
    """Approve in a process with an environment of its own; a broker that held it up for ever would end the test."""
    arguments = [str(house.checker.pk), str(house.organisation.pk), *(str(request.pk) for request in requests)]
    settings = environment(DJANGO_SETTINGS_MODULE="config.settings", **changes)
    subprocess.run([sys.executable, "-c", APPROVE, *arguments], env=settings, check=True, timeout=PATIENCE)


def credited(requests: list[WorkflowRequest]) -> bool:
    return all(reread(request).state == State.CREDITED for request in requests)


def check_all_credited_once(requests: list[WorkflowRequest], sandbox: Sandbox) -> None:
    assert credited(requests)
    assert sandbox.credited() == sorted(request.reference_id for request in requests)
    assert {tuple(outcomes_of(request)) for request in requests} == {(CallOutcome.CREDITED,)}


def test_with_the_broker_down_the_decision_stands_and_the_sweeper_delivers_it_later(
    house: House, sandbox: Sandbox, broker: Any, tmp_path: Path
) -> None:
    requests = [house.submit() for _ in range(5)]
    approve_in_another_process(house, *requests, CELERY_BROKER_URL="redis://127.0.0.1:9/0")
    assert {reread(request).state for request in requests} == {State.EXECUTING}
    assert {task_of(request).message for request in requests} == {"approved without a broker"}
    assert broker.llen("celery") == 0
    assert tasks.sweep() == 5
    with worker(tmp_path):
        eventually(lambda: credited(requests), "what was approved without a broker is credited")
    check_all_credited_once(requests, sandbox)


def test_a_frozen_broker_is_waited_for_once_and_not_at_every_approval(house: House) -> None:
    def freeze(conversation: Conversation) -> None:
        conversation.wait(PATIENCE)

    requests = [house.submit() for _ in range(4)]
    with raw_server(freeze) as broker:
        approve_in_another_process(house, *requests, CELERY_BROKER_URL=f"redis://127.0.0.1:{broker.port}/0")
    assert {reread(request).state for request in requests} == {State.EXECUTING}
    assert broker.connections == 1


def test_after_a_flush_with_a_hundred_approved_the_beat_brings_everything_back_by_itself(
    house: House, sandbox: Sandbox, broker: Any, tmp_path: Path
) -> None:
    requests = [house.approve(house.submit()) for _ in range(100)]
    others = [house.submit(), house.submit()]
    services.decide(actor=house.actor(house.checker), request_id=others[1].pk, decision=Decision.REJECTED, message="no")
    assert broker.llen("celery") == 100
    broker.flushdb()
    with worker(tmp_path, "beating", "--beat", "--schedule", str(tmp_path / "beat")):
        eventually(lambda: credited(requests), "beat and worker find everything in the database")
    check_all_credited_once(requests, sandbox)
    assert [reread(request).state for request in others] == [State.WAITING, State.REJECTED]


NO_MESSAGES = [b"no json", b"{}", b"[]", b"null", b"7", b"", b"\xff\xfe", b"[" * 100_000, b"x" * 1_000_000]


def rubbish(good: bytes) -> list[bytes]:
    """Messages that nobody of us would send; `good` is one that we did."""
    message = json.loads(good)

    def with_headers(**changes: Any) -> bytes:
        return json.dumps({**message, "headers": {**message["headers"], **changes}}).encode()

    def with_body(body: str) -> bytes:
        return json.dumps({**message, "body": body}).encode()

    return [
        *NO_MESSAGES,
        with_headers(task="os.system"),
        with_headers(task=None),
        json.dumps({**message, "headers": {}}).encode(),
        json.dumps({**message, "headers": None}).encode(),
        json.dumps({**message, "content-type": "application/x-python-serialize"}).encode(),
        json.dumps({**message, "content-type": "text/x-odd"}).encode(),
        json.dumps({**message, "properties": {}}).encode(),
        with_body("%%%"),
        with_body("bm8ganNvbg=="),  # no json
        with_body("eyJhIjogMX0="),  # {"a": 1}
        with_body("W1tdLCB7fSwge31d"),  # no argument
        with_body("W1sxLCAyLCAzXSwge30sIHt9XQ=="),  # three of them
        with_body("W1sieCJdLCB7fSwge31d"),  # one that is no id
    ]


def test_rubbish_in_the_queue_stops_no_worker_and_keeps_no_place(
    house: House, sandbox: Sandbox, broker: Any, tmp_path: Path
) -> None:
    before, after = house.approve(house.submit()), house.approve(house.submit())
    last, first = broker.lrange("celery", 0, -1)
    broker.delete("celery")
    # The worker takes from the right: a good one, all the rubbish, and another good one behind it.
    broker.lpush("celery", first, *rubbish(first), last)
    with worker(tmp_path) as process:
        eventually(lambda: credited([before, after]) or not process.is_running, "what lies behind it is credited")
        assert process.is_running, process.output[-3000:]
        eventually(lambda: broker.hlen("unacked") == 0, "nothing of it waits to be handed out again")
    check_all_credited_once([before, after], sandbox)

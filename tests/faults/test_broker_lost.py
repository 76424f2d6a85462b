"""A broker that is away, forgets, repeats or holds rubbish: the rows are the queue, and the messages are hints."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.faults.processes import PATIENCE, Sandbox, environment, eventually, worker
from tests.house import House
from tests.workflows.journeys import outcomes_of, reread, task_of
from tests.workflows.raw_servers import Conversation, raw_server
from workflows import services, tasks
from workflows.models import CallOutcome, Decision, WorkflowRequest
from workflows.states import State

pytestmark = pytest.mark.xdist_group("processes")

APPROVE = """
import sys, time, django
django.setup()
from accounts.actors import actor_in
from workflows import services
from workflows.models import Decision
begun = time.monotonic()
for request_id in sys.argv[3:]:
    services.decide(
        actor=actor_in(user_id=int(sys.argv[1]), organisation_id=int(sys.argv[2])), request_id=request_id,
        decision=Decision.APPROVED, message="approved without a broker",
    )
print(time.monotonic() - begun)
"""


def approve_in_another_process(house: House, *requests: WorkflowRequest, **changes: str) -> float:
    """Approve in a process with an environment of its own; how many seconds the decisions took."""
    arguments = [str(house.checker.pk), str(house.organisation.pk), *(str(request.pk) for request in requests)]
    done = subprocess.run(
        [sys.executable, "-c", APPROVE, *arguments], env=environment(DJANGO_SETTINGS_MODULE="config.settings", **changes),
        check=True, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    return float(done.stdout.split()[-1])


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
    seconds = approve_in_another_process(house, *requests, CELERY_BROKER_URL="redis://127.0.0.1:9/0")
    assert {reread(request).state for request in requests} == {State.EXECUTING}
    assert {task_of(request).message for request in requests} == {"approved without a broker"}
    assert broker.llen("celery") == 0
    # Generous: what it must not be is a minute of connection attempts, or for ever.
    assert seconds < 10
    assert tasks.sweep() == 5
    with worker(tmp_path):
        eventually(lambda: credited(requests), "what was approved without a broker is credited")
    check_all_credited_once(requests, sandbox)


def test_a_frozen_broker_costs_its_time_out_once_and_not_for_every_approval(house: House) -> None:
    def freeze(conversation: Conversation) -> None:
        conversation.wait(PATIENCE)

    requests = [house.submit() for _ in range(4)]
    with raw_server(freeze) as broker:
        seconds = approve_in_another_process(
            house, *requests, CELERY_BROKER_URL=f"redis://127.0.0.1:{broker.port}/0"
        )
    assert {reread(request).state for request in requests} == {State.EXECUTING}
    assert 0 < broker.connections
    # The time-out of one attempt is five seconds; four requests that each waited would take twenty.
    assert seconds < 18


def test_an_approving_process_killed_before_it_tells_the_broker_loses_nothing(
    house: House, sandbox: Sandbox, broker: Any, tmp_path: Path
) -> None:
    request = house.submit()
    with pytest.raises(subprocess.CalledProcessError) as caught:
        approve_in_another_process(house, request, FAILPOINT="publish.before:kill")
    assert caught.value.returncode == -signal.SIGKILL
    assert (reread(request).state, broker.llen("celery")) == (State.EXECUTING, 0)
    assert tasks.sweep() == 1
    with worker(tmp_path):
        eventually(lambda: credited([request]), "the sweep sends what nobody announced")
    check_all_credited_once([request], sandbox)


def test_after_a_flush_with_twenty_approved_the_beat_brings_everything_back_by_itself(
    house: House, sandbox: Sandbox, broker: Any, tmp_path: Path
) -> None:
    requests = [house.approve(house.submit()) for _ in range(20)]
    others = [house.submit(), house.submit()]
    services.decide(
        actor=house.actor(house.checker), request_id=others[1].pk, decision=Decision.REJECTED, message="no"
    )
    assert broker.llen("celery") == 20
    broker.flushdb()
    with worker(tmp_path, "beating", "--beat", "--schedule", str(tmp_path / "beat")):
        eventually(lambda: credited(requests), "beat and worker find everything in the database")
    check_all_credited_once(requests, sandbox)
    assert [reread(request).state for request in others] == [State.WAITING, State.REJECTED]


def test_messages_that_come_many_times_credit_once(
    house: House, sandbox: Sandbox, broker: Any, tmp_path: Path
) -> None:
    requests = [house.approve(house.submit()) for _ in range(3)]
    for message in broker.lrange("celery", 0, -1):
        broker.rpush("celery", *[message] * 10)
    assert broker.llen("celery") == 33
    with worker(tmp_path, "patient", "--concurrency", "8"):
        eventually(lambda: credited(requests) and broker.llen("celery") == 0, "all copies are worked off")
    check_all_credited_once(requests, sandbox)
    assert sandbox.calls() == 3


def rubbish(good: bytes) -> dict[str, bytes]:
    """Messages that nobody of us would send; `good` is one that we did."""
    message = json.loads(good)

    def with_headers(**changes: Any) -> bytes:
        return json.dumps({**message, "headers": {**message["headers"], **changes}}).encode()

    def with_body(body: str) -> bytes:
        return json.dumps({**message, "body": body}).encode()

    return {
        "unknown task": with_headers(task="os.system"),
        "no task": with_headers(task=None),
        "no headers": json.dumps({**message, "headers": {}}).encode(),
        "pickle": json.dumps({**message, "content-type": "application/x-python-serialize"}).encode(),
        "unknown content type": json.dumps({**message, "content-type": "text/x-odd"}).encode(),
        "body that is no base64": with_body("%%%"),
        "body that is no JSON": with_body("bm8ganNvbg=="),
        "body of another shape": with_body("eyJhIjogMX0="),
        "no id": with_body("W1tdLCB7fSwge31d"),
        "three ids": with_body("W1sxLCAyLCAzXSwge30sIHt9XQ=="),
        "an id that is none": with_body("W1sieCJdLCB7fSwge31d"),
    }


def test_rubbish_in_the_queue_stops_no_worker(house: House, sandbox: Sandbox, broker: Any, tmp_path: Path) -> None:
    before, after = house.approve(house.submit()), house.approve(house.submit())
    last, first = broker.lrange("celery", 0, -1)
    broker.delete("celery")
    # The worker takes from the right: a good one, all the rubbish, and another good one behind it.
    broker.lpush("celery", first, *rubbish(first).values(), last)
    with worker(tmp_path) as process:
        eventually(lambda: credited([before, after]), "what lies behind the rubbish is credited")
        assert process.is_running
    check_all_credited_once([before, after], sandbox)


@pytest.mark.parametrize("raw", [b"no json", b"{}", b"[]", b"\xff\xfe", b"null"])
def test_bytes_that_are_no_message_delay_nothing_for_ever(
    house: House, sandbox: Sandbox, broker: Any, tmp_path: Path, raw: bytes
) -> None:
    request = house.approve(house.submit())
    broker.rpush("celery", raw)
    with worker(tmp_path) as process:
        eventually(lambda: credited([request]) or not process.is_running, "the worker meets the bytes")
        if not process.is_running:
            time.sleep(0)
    if not credited([request]):
        with worker(tmp_path, "restarted"):
            eventually(lambda: credited([request]), "the next worker goes on")
    check_all_credited_once([request], sandbox)

"""A worker that dies at any point of its work: nothing is lost, nothing is credited twice, and nobody has to help."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.faults.processes import Process, Sandbox, eventually, worker
from tests.house import House
from tests.workflows.journeys import actions_of, calls_of, make_due, outcomes_of, reread
from workflows import tasks
from workflows.models import CallOutcome, WorkflowRequest
from workflows.states import ENDED, State

pytestmark = pytest.mark.xdist_group("processes")

CREDITED, UNKNOWN = CallOutcome.CREDITED, CallOutcome.UNKNOWN


def is_ended(request: WorkflowRequest) -> bool:
    return State(reread(request).state) in ENDED


def finish(folder: Path, *requests: WorkflowRequest) -> None:
    """What time and the sweeper do: leases run out, what is due is sent again, and a healthy worker takes it."""

    def sweep() -> bool:
        for request in requests:
            make_due(request)
        tasks.sweep()
        return all(is_ended(request) for request in requests)

    with worker(folder, "healthy"):
        eventually(sweep, "a healthy worker finishes what the dead one left")


# Where the worker is killed; whether Intouch had credited by then; the outcomes of all calls in the end.
POINTS: dict[str, tuple[int, list[Any]]] = {
    "claim.before": (0, [CREDITED]),
    "claim.after": (0, [UNKNOWN, CREDITED]),
    "call.before": (0, [UNKNOWN, CREDITED]),
    "call.answered": (1, [UNKNOWN, CREDITED]),
    "record.before": (1, [UNKNOWN, CREDITED]),
    "record.after": (1, [CREDITED]),
}


def test_a_worker_killed_at_any_point_loses_nothing_and_doubles_nothing(
    house: House, sandbox: Sandbox, broker: Any, tmp_path: Path
) -> None:
    """One worker after the other dies at a point of its own, each at a request of its own; then one heals it all."""
    died_at: dict[str, WorkflowRequest] = {}
    waiting = house.submit()
    for point, (credits, _) in POINTS.items():
        before = len(sandbox.credited())
        died_at[point] = house.approve(house.submit())
        with worker(tmp_path, point, FAILPOINT=f"{point}:kill") as process:
            assert process.ended_with() == -signal.SIGKILL
        assert len(sandbox.credited()) - before == credits, point
        broker.flushdb()
    finish(tmp_path, *died_at.values())
    for point, request in died_at.items():
        assert (point, reread(request).state, outcomes_of(request)) == (point, State.CREDITED, POINTS[point][1])
    assert sandbox.credited() == sorted(request.reference_id for request in died_at.values())
    assert reread(waiting).state == State.WAITING


def in_the_call(request: WorkflowRequest, sandbox: Sandbox, calls: int) -> None:
    """Wait until a worker has sent the call and waits for its answer."""
    eventually(lambda: sandbox.calls() == calls, "the call arrives")
    assert outcomes_of(request)[-1] is None


@pytest.mark.parametrize(("fault", "credits"), [("late-answer", 1), ("slow", 0)])
def test_a_worker_killed_between_sending_and_the_answer_leaves_an_unknown_outcome(
    house: House, sandbox: Sandbox, tmp_path: Path, fault: str, credits: int
) -> None:
    sandbox.order(fault, delay=3)
    request = house.approve(house.submit())
    with worker(tmp_path, "killed") as process:
        in_the_call(request, sandbox, 1)
        process.signal(signal.SIGKILL)
        assert process.ended_with() == -signal.SIGKILL
    assert len(sandbox.credited()) == credits
    assert (reread(request).state, outcomes_of(request)) == (State.EXECUTING, [None])
    finish(tmp_path, request)
    assert (reread(request).state, outcomes_of(request)) == (State.CREDITED, [UNKNOWN, CREDITED])
    eventually(lambda: sandbox.credited() == [request.reference_id], "the slow call of the dead worker is refused")
    assert actions_of(request) == ["request.submitted", "task.approved", "call.unknown", "call.credited"]


def stop_politely(process: Process, request: WorkflowRequest, sandbox: Sandbox) -> None:
    in_the_call(request, sandbox, 1)
    process.signal(signal.SIGTERM)
    assert process.ended_with() == 0


def test_a_worker_that_is_asked_to_stop_finishes_its_call_and_records_it(
    house: House, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.order("late-answer", delay=2)
    request = house.approve(house.submit())
    with worker(tmp_path, "stopped") as process:
        stop_politely(process, request, sandbox)
    assert (reread(request).state, outcomes_of(request)) == (State.CREDITED, [CREDITED])
    assert sandbox.credited() == [request.reference_id]


def test_a_worker_that_slept_through_its_lease_has_no_say_any_more(
    house: House, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.order("late-answer", delay=1)
    request = house.approve(house.submit())
    with worker(tmp_path, "sleeping") as process:
        in_the_call(request, sandbox, 1)
        process.signal(signal.SIGSTOP)
        finish(tmp_path, request)
        assert outcomes_of(request) == [UNKNOWN, CREDITED]
        process.signal(signal.SIGCONT)
        eventually(lambda: actions_of(request)[-1] == "call.late", "the sleeper wakes up and finds itself too late")
    assert (reread(request).state, outcomes_of(request)) == (State.CREDITED, [UNKNOWN, CREDITED])
    assert sandbox.credited() == [request.reference_id]
    assert len(calls_of(request)) == 2

"""Every way in which the sandbox can fail, through the real client: state, calls, credits, and what is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client as Browser

from tests.house import House
from tests.workflows.journeys import ENDED_BY, actions_of, attempt, calls_of, history, outcomes_of, reread
from tests.workflows.raw_servers import good_answers, raw_server
from tests.workflows.sandbox_client import Client
from workflows.api.presenters import UNKNOWN_WARNING
from workflows.models import WorkflowRequest
from workflows.sandbox.faults import KINDS
from workflows.states import ENDED, State

CREDITED, REFUSED, NOT_SENT, UNKNOWN = "credited", "refused", "not_sent", "unknown"
WIRE = {
    State.EXECUTING: "IntouchAPITask", State.UNKNOWN: "IntouchAPITask", State.CREDITED: "approved",
    State.FAILED: "failed",
}  # fmt: skip


@dataclass(frozen=True)
class Expected:
    """What one fault leads to: after the first attempt, and when all has come to its end."""

    outcome: str
    state: State
    status: int | None
    credits: int
    in_the_end: list[str]


def unknown(status: int | None, credits: int) -> Expected:
    return Expected(UNKNOWN, State.UNKNOWN, status, credits, [UNKNOWN, CREDITED])


def refused(status: int) -> Expected:
    return Expected(REFUSED, State.FAILED, status, 0, [REFUSED])


AT_ONCE = Expected(CREDITED, State.CREDITED, 201, 1, [CREDITED])
FAULTS: dict[str, Expected] = {
    "500": unknown(500, 0),
    "503": unknown(503, 0),
    "429": Expected(NOT_SENT, State.EXECUTING, 429, 0, [NOT_SENT, CREDITED]),
    "400": refused(400),
    "401": refused(401),
    "404": refused(404),
    "409": refused(409),
    "500-after-credit": unknown(500, 1),
    "503-after-credit": unknown(503, 1),
    "failure-body": refused(200),
    "item-failure-body": refused(200),
    "errors-body": refused(200),
    "wrong-body": unknown(200, 0),
    "slow": AT_ONCE,
    "late-answer": AT_ONCE,
    "late-credit": unknown(None, 0),
    "drop-before-credit": unknown(None, 0),
    "drop-after-credit": unknown(None, 1),
    "drip": unknown(None, 1),
    "drip-body": unknown(None, 1),
    "huge": unknown(None, 1),
    "garbage": unknown(201, 1),
    "empty": unknown(201, 1),
    "cut-status-line": unknown(201, 1),
    "cut-body": unknown(None, 1),
    "redirect": unknown(307, 0),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "slow": {"delay": 0.1}, "late-answer": {"delay": 0.1}, "late-credit": {"delay": 3600},
    "drip": {"delay": 0.3}, "drip-body": {"delay": 0.3}, "redirect": {"location": "http://127.0.0.1:9/internal/goodwill/"},
}  # fmt: skip


def test_every_fault_of_the_sandbox_is_in_the_table() -> None:
    assert set(FAULTS) == set(KINDS)


@pytest.fixture
def house(calling_house: House, settings: Any) -> House:
    settings.INTOUCH_BREAKER_FAILURES = 1000
    return calling_house


@pytest.fixture
def request_(house: House) -> WorkflowRequest:
    return house.approve(house.submit())


def shown(house: House, request: WorkflowRequest) -> dict[str, Any]:
    """E3, over HTTP, as the service account sees it."""
    from tests.api.gateway import basic

    answer = Browser().get(
        f"/api_gateway/v2/request-workflow/requests/{request.pk}",
        headers={"Authorization": basic(house.service_account.username, house.service_secret)},
    )
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_recorded_as_what_it_proves(
    house: House, intouch: Client, request_: WorkflowRequest, fault: str
) -> None:
    expected = FAULTS[fault]
    intouch.order(fault, **OPTIONS.get(fault, {}))
    row = attempt(request_)
    (call,) = calls_of(row)
    assert (row.state, row.tries) == (expected.state, 1)
    assert (call.outcome, call.http_status, call.attempt) == (expected.outcome, expected.status, 1)
    assert call.finished_at is not None
    assert call.finished_at >= call.started_at
    assert intouch.credits() == expected.credits
    assert (row.lease_expires_at, row.ended_at is not None) == (None, row.state in ENDED)
    assert (row.due_at is None, row.secret is None) == (row.state in ENDED, row.state in ENDED)
    assert bool(row.last_error) == bool(call.error) == (expected.outcome != CREDITED)
    assert history(row) == ENDED_BY.get(State(row.state), "PENDING")
    assert actions_of(row) == ["request.submitted", "task.approved", f"call.{expected.outcome}"]


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_shown_claims_no_more_than_is_known(
    house: House, intouch: Client, request_: WorkflowRequest, fault: str
) -> None:
    expected = FAULTS[fault]
    intouch.order(fault, **OPTIONS.get(fault, {}))
    row = attempt(request_)
    answer = shown(house, row)
    data, details = answer["data"], answer["data"]["details"]
    assert data["state"] == WIRE[expected.state]
    assert (data["endTime"] is None) == (expected.state not in ENDED)
    assert ("warnings" in answer) == ("IntouchAPITask_Warning" in details) == (expected.state == State.UNKNOWN)
    if expected.state == State.UNKNOWN:
        assert details["IntouchAPITask_Warning"] == UNKNOWN_WARNING
    output = details.get("IntouchAPITask_Output")
    assert (output and output["status"]) == (expected.status if expected.state != State.EXECUTING else None)
    if expected.state == State.CREDITED:
        assert output["body"] == {"createdId": 1, "warnings": []}
        assert output["headers"]["success"] == ["0"]
    if expected.state == State.FAILED:
        assert details["IntouchAPITask_Error"] == row.last_error


@pytest.mark.parametrize("fault", FAULTS)
def test_in_the_end_there_is_one_credit_exactly_where_the_request_is_credited(
    house: House, intouch: Client, request_: WorkflowRequest, fault: str
) -> None:
    expected = FAULTS[fault]
    intouch.order(fault, **OPTIONS.get(fault, {}))
    row = attempt(request_)
    while row.state not in ENDED:
        row = attempt(row)
    assert outcomes_of(row) == expected.in_the_end
    assert row.state == (State.CREDITED if expected.in_the_end[-1] == CREDITED else State.FAILED)
    assert intouch.credits() == (1 if row.state == State.CREDITED else 0)
    assert shown(house, row)["data"]["state"] == WIRE[State(row.state)]
    assert history(row) == ENDED_BY[State(row.state)]


@pytest.mark.parametrize("fault", ["slow", "late-answer"])
def test_an_answer_after_the_deadline_is_unknown_whether_it_credits_before_or_after(
    intouch: Client, request_: WorkflowRequest, fault: str, settings: Any
) -> None:
    settings.INTOUCH_TOTAL_SECONDS = settings.INTOUCH_READ_SECONDS = 0.3
    intouch.order(fault, delay=0.8)
    assert attempt(request_).state == State.UNKNOWN
    assert intouch.credits_in_time(1), "the sandbox went on with it"
    settings.INTOUCH_TOTAL_SECONDS = settings.INTOUCH_READ_SECONDS = 2
    row = attempt(request_)
    assert (row.state, outcomes_of(row), intouch.credits()) == (State.CREDITED, [UNKNOWN, CREDITED], 1)


def test_a_credit_that_comes_after_the_repetition_is_refused_by_intouch(
    intouch: Client, request_: WorkflowRequest
) -> None:
    intouch.order("late-credit", delay=0.5)
    assert attempt(request_).state == State.UNKNOWN
    assert attempt(request_).state == State.CREDITED
    deadline_passed = intouch.server.stopping.wait(0.8)
    assert not deadline_passed
    assert (intouch.credits(), intouch.ledger()["duplicates"]) == (1, 1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(house: House, intouch: Client, request_: WorkflowRequest, status: int) -> None:
    with raw_server(good_answers) as canary:
        intouch.order("redirect", location=f"{canary.url}/internal/goodwill/", status=status)
        assert attempt(request_).state == State.UNKNOWN
    assert canary.connections == 0


def test_a_hundred_faults_in_a_row_end_in_one_credit(intouch: Client, request_: WorkflowRequest, settings: Any) -> None:
    settings.INTOUCH_MAX_TRIES = 1000
    faults = ["503", "500-after-credit", "garbage", "drop-before-credit", "empty", "400", "401", "429", "wrong-body"]
    for fault in faults * 11:
        intouch.order(fault)
    row = attempt(request_)
    while row.state not in ENDED:
        row = attempt(row)
    assert (row.state, row.tries, intouch.credits()) == (State.CREDITED, len(faults) * 11 + 1, 1)
    assert reread(row).secret is None

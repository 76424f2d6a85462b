"""Claiming and recording: who may take a request, for how long, and whose word counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import F
from django.db.models.functions import Now

from tests.factories import TargetFactory
from tests.house import House
from tests.workflows.journeys import attempt, calls_of, events_of, make_due, outcomes_of, past_the_guards, reread, write
from tests.workflows.sandbox_client import Client
from workflows import execution, operations, services
from workflows.attempts import TAMPERED, Claim
from workflows.intouch.outcomes import Outcome
from workflows.models import CallOutcome, Decision, IntouchCall, TargetBreaker, WorkflowRequest
from workflows.states import State

SOON, LATER = timedelta(seconds=-1), timedelta(hours=1)


def claimed(request: WorkflowRequest) -> Claim:
    claim = execution.claim_due(request.pk)
    assert claim is not None
    return claim


def lose_lease(request: WorkflowRequest) -> None:
    WorkflowRequest.objects.filter(pk=request.pk).update(lease_expires_at=Now() + SOON)


def test_a_claim_writes_the_call_and_takes_a_lease_before_anything_is_sent(house: House, settings: Any) -> None:
    request = house.approve(house.submit())
    claim = claimed(request)
    row = reread(request)
    (call,) = calls_of(request)
    assert (claim.attempt, row.tries, row.state) == (1, 1, State.EXECUTING)
    assert (call.attempt, call.outcome, call.finished_at) == (1, None, None)
    seconds = timedelta(seconds=settings.INTOUCH_LEASE_SECONDS)
    assert WorkflowRequest.objects.filter(lease_expires_at__range=(Now() + seconds / 2, Now() + seconds)).exists()
    assert not claim.may_have_credited


def test_a_leased_request_is_not_claimed_again(house: House) -> None:
    request = house.approve(house.submit())
    claimed(request)
    assert execution.claim_due(request.pk) is None
    assert execution.execute(request.pk) is False
    assert execution.due_ids(10) == []
    assert reread(request).tries == 1


def test_what_is_not_due_is_not_claimed(house: House) -> None:
    request = house.approve(house.submit())
    WorkflowRequest.objects.filter(pk=request.pk).update(due_at=Now() + LATER)
    assert execution.claim_due(request.pk) is None
    assert execution.due_ids(10) == []


@pytest.mark.parametrize("end", ["waits", "rejected", "withdrawn"])
def test_only_what_was_approved_is_claimed(house: House, end: str) -> None:
    request = house.submit()
    if end == "rejected":
        services.decide(
            actor=house.actor(house.checker), request_id=request.pk, decision=Decision.REJECTED, message="no"
        )
    elif end == "withdrawn":
        services.withdraw(actor=house.actor(house.maker), request_id=request.pk)
    assert execution.execute(request.pk) is False
    assert calls_of(request) == []


def test_an_unknown_id_is_nothing_to_do(house: House) -> None:
    assert execution.execute(uuid4()) is False


def test_a_credited_request_is_never_called_again(calling_house: House, intouch: Client) -> None:
    request = attempt(calling_house.approve(calling_house.submit()))
    for _ in range(5):
        assert execution.execute(request.pk) is False
    assert (intouch.ledger()["calls"], intouch.credits()) == (1, 1)


def test_a_lost_lease_lets_another_worker_claim_and_the_outcome_is_unknown(house: House) -> None:
    request = house.approve(house.submit())
    claimed(request)
    lose_lease(request)
    second = claimed(request)
    assert (second.attempt, second.may_have_credited) == (2, True)
    assert outcomes_of(request) == [CallOutcome.UNKNOWN, None]
    assert calls_of(request)[0].error == execution.LOST_WORKER
    assert reread(request).state == State.UNKNOWN


def test_a_request_that_kills_its_worker_each_time_is_left_to_a_person(house: House, settings: Any) -> None:
    settings.INTOUCH_MAX_TRIES = 3
    request = house.approve(house.submit())
    for _ in range(3):
        make_due(request)
        claimed(request)
    make_due(request)
    assert execution.claim_due(request.pk) is None
    row = reread(request)
    assert (row.state, row.tries, row.due_at, row.lease_expires_at) == (State.UNKNOWN, 3, None, None)
    assert outcomes_of(request) == [CallOutcome.UNKNOWN] * 3
    assert execution.due_ids(10) == []


def test_the_audit_names_the_attempt_that_was_lost(house: House) -> None:
    request = house.approve(house.submit())
    claimed(request)
    lose_lease(request)
    claimed(request)
    (event,) = [event for event in events_of(request) if event.action == "call.unknown"]
    assert event.details["attempt"] == 1


def test_an_operator_may_ask_for_a_request_whose_worker_died(calling_house: House, intouch: Client) -> None:
    operator = calling_house.membership(calling_house.auditor)
    operator.is_operator = True
    operator.save()
    request = calling_house.approve(calling_house.submit())
    claimed(request)
    lose_lease(request)
    assert operations.make_due(
        actor=calling_house.actor(calling_house.auditor), request_id=request.pk, action="operator.requeued"
    )
    assert execution.execute(request.pk)
    assert (reread(request).state, outcomes_of(request)) == (
        State.CREDITED,
        [CallOutcome.UNKNOWN, CallOutcome.CREDITED],
    )


ANY_OUTCOME = [
    Outcome(CallOutcome.CREDITED, 201), Outcome(CallOutcome.REFUSED, 400, "late"),
    Outcome(CallOutcome.NOT_SENT, error="late"),
    Outcome(CallOutcome.UNKNOWN, error="late"), Outcome(CallOutcome.REFUSED, 400, "late", already_known=True),
]  # fmt: skip


@pytest.mark.parametrize("late", ANY_OUTCOME, ids=lambda outcome: f"{outcome.kind}-{outcome.already_known}")
def test_a_late_record_changes_nothing_while_its_successor_works(house: House, late: Outcome) -> None:
    request = house.approve(house.submit())
    first = claimed(request)
    lose_lease(request)
    second = claimed(request)
    before = WorkflowRequest.objects.values().get(pk=request.pk)
    assert execution.record(first, late) is False
    assert WorkflowRequest.objects.values().get(pk=request.pk) == before
    assert outcomes_of(request) == [CallOutcome.UNKNOWN, None]
    event = events_of(request)[-1]
    assert (event.action, event.details) == ("call.late", {"attempt": 1, "outcome": late.kind})
    assert execution.record(second, Outcome(CallOutcome.CREDITED, 201)) is True


@pytest.mark.parametrize("late", ANY_OUTCOME, ids=lambda outcome: f"{outcome.kind}-{outcome.already_known}")
def test_a_late_record_changes_nothing_after_the_end(house: House, late: Outcome) -> None:
    request = house.approve(house.submit())
    claim = claimed(request)
    assert execution.record(claim, Outcome(CallOutcome.CREDITED, 201))
    before = WorkflowRequest.objects.values().get(pk=request.pk)
    assert execution.record(claim, late) is False
    assert WorkflowRequest.objects.values().get(pk=request.pk) == before
    assert outcomes_of(request) == [CallOutcome.CREDITED]


def test_a_worker_whose_lease_ran_out_may_still_record_where_nobody_took_over(house: House) -> None:
    request = house.approve(house.submit())
    claim = claimed(request)
    lose_lease(request)
    assert execution.record(claim, Outcome(CallOutcome.CREDITED, 201)) is True
    assert reread(request).state == State.CREDITED


def test_what_is_due_is_listed_the_longest_waiting_first_and_not_more_than_asked_for(house: House) -> None:
    requests = [house.approve(house.submit()) for _ in range(4)]
    for place, request in enumerate(requests):
        WorkflowRequest.objects.filter(pk=request.pk).update(due_at=Now() - timedelta(minutes=place))
    expected = [request.pk for request in reversed(requests)]
    assert execution.due_ids(10) == expected
    assert execution.due_ids(2) == expected[:2]
    assert execution.due_ids(0) == []


def test_a_request_of_unknown_outcome_is_due_as_well(calling_house: House, intouch: Client) -> None:
    intouch.order("503")
    request = attempt(calling_house.approve(calling_house.submit()))
    make_due(request)
    assert execution.due_ids(10) == [request.pk]


def test_an_altered_payload_is_not_sent(calling_house: House, intouch: Client) -> None:
    request = calling_house.approve(calling_house.submit())
    with past_the_guards():
        write(request, payload=request.payload.replace('"points":20', '"points":21'))
    row = attempt(request)
    assert (row.state, row.last_error, intouch.ledger()["calls"]) == (State.FAILED, TAMPERED, 0)


@pytest.mark.parametrize("payload", ["", "{", "[]", "null", '{"body": 1}', '{"headers": 1}'])
def test_a_payload_that_is_none_any_more_is_not_sent_either(
    calling_house: House, intouch: Client, payload: str
) -> None:
    request = calling_house.approve(calling_house.submit())
    with past_the_guards():
        write(request, payload=payload)
    row = attempt(request)
    assert (row.state, row.lease_expires_at, intouch.ledger()["calls"]) == (State.FAILED, None, 0)


@pytest.mark.parametrize("column", ["till_id", "store_id", "zone_id", "concept_id"])
def test_an_altered_entity_is_noticed_too(calling_house: House, intouch: Client, column: str) -> None:
    request = calling_house.approve(calling_house.submit())
    with past_the_guards():
        write(request, **{column: "1"})
    assert attempt(request).state == State.FAILED
    assert intouch.ledger()["calls"] == 0


def test_a_target_that_is_switched_off_is_not_called_and_waited_for(calling_house: House, intouch: Client) -> None:
    request = calling_house.approve(calling_house.submit())
    calling_house.target.is_enabled = False
    calling_house.target.save()
    request = attempt(request)
    assert (request.state, outcomes_of(request)) == (State.EXECUTING, [CallOutcome.NOT_SENT])
    calling_house.target.is_enabled = True
    calling_house.target.save()
    assert attempt(request).state == State.CREDITED
    assert intouch.ledger()["calls"] == 1


def open_breaker(house: House) -> None:
    """The target is left alone, and the time for a probe has come."""
    TargetBreaker.objects.create(target=house.target, failures=100, open_until=Now() + SOON)


def test_what_never_reached_the_target_does_not_close_its_breaker(calling_house: House, intouch: Client) -> None:
    open_breaker(calling_house)
    request = calling_house.approve(calling_house.submit())
    with past_the_guards():
        write(request, payload="{}")
    assert attempt(request).state == State.FAILED
    breaker = TargetBreaker.objects.get()
    assert (breaker.failures, breaker.open_until is None, intouch.ledger()["calls"]) == (100, False, 0)


@pytest.mark.parametrize("fault", ["429", "wrong-body", "garbage", "400"])
def test_a_probe_that_is_answered_closes_the_breaker_whatever_the_answer_says(
    calling_house: House, intouch: Client, fault: str
) -> None:
    open_breaker(calling_house)
    intouch.order(fault)
    attempt(calling_house.approve(calling_house.submit()))
    assert not TargetBreaker.objects.filter(open_until__isnull=False).exists()


def test_a_failed_probe_opens_the_breaker_for_longer(calling_house: House, intouch: Client, settings: Any) -> None:
    settings.INTOUCH_BREAKER_FAILURES, settings.INTOUCH_BREAKER_SECONDS = 1, 100
    request = calling_house.approve(calling_house.submit())
    pauses = []
    for _ in range(6):
        TargetBreaker.objects.update(open_until=Now() + SOON)
        intouch.order("503")
        attempt(request)
        left = TargetBreaker.objects.annotate(left=F("open_until") - Now()).get().left
        pauses.append(round(left.total_seconds(), -2))
    assert pauses == [100, 200, 400, 800, 1000, 1000]


def test_the_breaker_of_one_target_leaves_another_alone(calling_house: House, intouch: Client) -> None:
    TargetBreaker.objects.create(
        target=TargetFactory(organisation=calling_house.organisation, origin="http://other.test"),
        failures=100, open_until=Now() + LATER,
    )  # fmt: skip
    assert attempt(calling_house.approve(calling_house.submit())).state == State.CREDITED


def test_every_call_carries_the_same_reference_and_the_request_s_correlation_id(
    calling_house: House, intouch: Client
) -> None:
    from tests.workflows.journeys import correlated
    from tests.workflows.raw_servers import answering, raw_server

    with correlated("from-the-till-9"):
        request = calling_house.approve(calling_house.submit())
    with raw_server(answering(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n", b"HTTP/1.1 503 No\r\n\r\n")) as server:
        calling_house.target.base_url = server.url
        calling_house.target.save()
        attempt(attempt(request))
    bodies = {sent.partition(b"\r\n\r\n")[2] for sent in server.requests}
    assert (len(server.requests), len(bodies)) == (2, 1)
    assert f'"referenceId":"{request.reference_id}"'.encode() in bodies.pop()
    assert all(b"X-CAP-REQUEST-ID: from-the-till-9\r\n" in sent for sent in server.requests)
    assert IntouchCall.objects.filter(request=request).count() == 2

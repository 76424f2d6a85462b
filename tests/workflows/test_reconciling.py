"""What happens after an unknown outcome, against the real sandbox: asked again, or looked up first."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now

from accounts.models import Membership
from tests.factories import MembershipFactory, set_terms
from tests.workflows.sandbox_client import Client, running
from workflows import execution, operations, services, set_up
from workflows.attempts import TAMPERED
from workflows.errors import NoCredential, OwnRequest
from workflows.intouch.outcomes import Outcome
from workflows.models import (
    AuditEvent,
    CallOutcome,
    CallPurpose,
    IntouchCall,
    Reconciling,
    TargetBreaker,
    WorkflowRequest,
)
from workflows.states import State


@pytest.fixture
def sandbox():
    with running() as client:
        yield client


@pytest.fixture
def house(committed_house, sandbox: Client, settings):
    settings.INTOUCH_ALLOW_LOOPBACK = True
    settings.INTOUCH_TOTAL_SECONDS = 2.0
    committed_house.target.base_url = sandbox.server.url
    committed_house.target.save()
    return committed_house


def make_due(request: WorkflowRequest) -> None:
    WorkflowRequest.objects.filter(pk=request.pk).update(due_at=Now(), lease_expires_at=None)


def attempt(request: WorkflowRequest) -> WorkflowRequest:
    make_due(request)
    assert execution.execute(request.pk)
    request.refresh_from_db()
    return request


def looks_up(house) -> None:
    set_terms(house.policy, reconciling=Reconciling.LOOK_UP)


def outcomes(request: WorkflowRequest) -> list[tuple[str, str | None]]:
    return list(IntouchCall.objects.filter(request=request).order_by("attempt").values_list("purpose", "outcome"))


def test_a_credit_without_an_answer_is_confirmed_by_the_refusal_of_its_own_reference(house, sandbox):
    request = house.approve(house.submit())
    sandbox.order("drop-after-credit")
    assert attempt(request).state == State.UNKNOWN
    assert attempt(request).state == State.CREDITED
    assert sandbox.credits() == 1


def test_a_look_up_finds_the_credit_without_sending_again(house, sandbox):
    looks_up(house)
    request = house.approve(house.submit())
    sandbox.order("drop-after-credit")
    attempt(request)
    assert attempt(request).state == State.CREDITED
    assert outcomes(request) == [(CallPurpose.CREDIT, CallOutcome.UNKNOWN), (CallPurpose.LOOK_UP, CallOutcome.CREDITED)]
    assert sandbox.ledger()["calls"] == 1


def test_a_look_up_that_comes_too_early_proves_no_absence(house, sandbox):
    looks_up(house)
    request = house.approve(house.submit())
    sandbox.order("drop-before-credit")
    attempt(request)
    assert attempt(request).state == State.UNKNOWN
    assert request.last_error == "looked up: not credited yet"


def test_a_look_up_late_enough_proves_absence_and_the_request_is_sent_again(house, sandbox, settings):
    settings.INTOUCH_SETTLE_SECONDS = 0
    looks_up(house)
    request = house.approve(house.submit())
    sandbox.order("drop-before-credit")
    attempt(request)
    assert attempt(request).state == State.EXECUTING
    assert attempt(request).state == State.CREDITED
    assert sandbox.credits() == 1


def test_a_look_up_that_fails_leaves_the_request_unknown(house, sandbox):
    looks_up(house)
    request = house.approve(house.submit())
    sandbox.order("drop-after-credit")
    attempt(request)
    sandbox.order("503", lookup=True)
    assert attempt(request).state == State.UNKNOWN
    assert attempt(request).state == State.CREDITED


def test_a_known_reference_at_the_first_try_is_somebody_elses(house, sandbox):
    first = attempt(house.approve(house.submit()))
    other = house.submit()
    # The same reference for Intouch, as after a change of the incumbent; our own database would not take it twice.
    sandbox.credit(str(house.organisation.pk), referenceId=other.reference_id)
    request = attempt(house.approve(other))
    assert (first.state, request.state) == (State.CREDITED, State.FAILED)


def test_a_worker_that_died_after_sending_is_reconciled_and_not_repeated_blindly(house, sandbox):
    request = house.approve(house.submit())
    make_due(request)
    claim = execution.claim_due(request.pk)
    assert claim is not None
    WorkflowRequest.objects.filter(pk=request.pk).update(lease_expires_at=Now() - timedelta(seconds=1))
    assert execution.execute(request.pk)
    request.refresh_from_db()
    assert request.state == State.CREDITED
    assert outcomes(request) == [(CallPurpose.CREDIT, CallOutcome.UNKNOWN), (CallPurpose.CREDIT, CallOutcome.CREDITED)]
    assert execution.record(claim, Outcome(CallOutcome.REFUSED)) is False


def test_the_breaker_leaves_a_target_alone_and_loses_no_try(house, sandbox, settings):
    settings.INTOUCH_BREAKER_FAILURES = 2
    first, second = house.approve(house.submit()), house.approve(house.submit())
    sandbox.order("503", times=2)
    attempt(first)
    attempt(first)
    make_due(second)
    assert execution.execute(second.pk) is False
    assert second.pk not in execution.due_ids(10)
    second.refresh_from_db()
    assert (second.tries, sandbox.ledger()["calls"]) == (0, 2)


def test_the_breaker_lets_one_probe_through_and_closes_on_its_success(house, sandbox, settings):
    settings.INTOUCH_BREAKER_FAILURES = 1
    requests = [house.approve(house.submit()) for _ in range(3)]
    sandbox.order("503")
    attempt(requests[0])
    TargetBreaker.objects.update(open_until=Now() - timedelta(seconds=1))
    for request in requests:
        make_due(request)
    probe = execution.claim_due(requests[1].pk)
    assert probe is not None
    assert execution.claim_due(requests[2].pk) is None
    execution.record(probe, execution.attempt(probe))
    assert attempt(requests[2]).state == State.CREDITED


def test_a_refusal_is_an_answer_and_does_not_open_the_breaker(house, sandbox, settings):
    settings.INTOUCH_BREAKER_FAILURES = 1
    sandbox.order("400")
    assert attempt(house.approve(house.submit())).state == State.FAILED
    assert attempt(house.approve(house.submit())).state == State.CREDITED


def test_a_pause_makes_everything_wait_and_its_end_lets_it_go_on(house, sandbox):
    Membership.objects.filter(user=house.checker).update(is_operator=True)
    operator = house.actor(house.checker)
    request = house.approve(house.submit())
    assert operations.pause(actor=operator, reason="maintenance")
    make_due(request)
    assert execution.execute(request.pk) is False
    assert execution.due_ids(10) == []
    assert operations.resume(actor=operator)
    assert attempt(request).state == State.CREDITED


def test_a_payload_altered_after_the_decision_is_not_sent(house, sandbox):
    request = house.approve(house.submit())
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "UPDATE workflows_workflowrequest SET payload = replace(payload, '\"points\":20', '\"points\":9000')"
        )
        cursor.execute("SET session_replication_role = origin")
    request = attempt(request)
    assert (request.state, request.last_error, sandbox.ledger()["calls"]) == (State.FAILED, TAMPERED, 0)
    assert AuditEvent.objects.filter(request=request, action="call.refused").get().details["error"] == TAMPERED


def test_a_failed_request_is_tried_again_only_by_two_people_and_with_the_same_reference(house, sandbox):
    Membership.objects.filter(user=house.checker).update(is_operator=True)
    sandbox.order("400")
    request = attempt(house.approve(house.submit()))
    with pytest.raises(NoCredential):
        services.ask_for_retry(actor=house.actor(house.checker), request_id=request.pk, message="fixed")
    set_up.keep_credential(house.target, "Basic b3duOm93bg==")
    services.ask_for_retry(actor=house.actor(house.checker), request_id=request.pk, message="fixed")
    with pytest.raises(OwnRequest):
        house.approve(request)
    with pytest.raises(OwnRequest):
        house.approve(request, checker=house.maker)
    other = MembershipFactory(organisation=house.organisation, is_checker=True).user
    assert attempt(house.approve(request, checker=other)).state == State.CREDITED
    assert [credit["referenceId"] for credit in sandbox.ledger()["credits"]] == [request.reference_id]

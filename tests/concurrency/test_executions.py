"""Several workers at one request: one call at a time, one credit at all, and one word about it."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from tests.concurrency.racing import Rendezvous, failures, race
from tests.house import House
from tests.workflows.journeys import actions_of, calls_of, make_due, outcomes_of, reread
from tests.workflows.sandbox_client import Client
from wire.messages import send
from workflows import attempts, execution, services
from workflows.intouch.outcomes import Outcome
from workflows.models import CallOutcome, CallPurpose, IntouchCall, TargetBreaker, WorkflowRequest
from workflows.states import State

ROUNDS = 20


def test_of_four_workers_with_the_same_message_one_calls(house: House, intouch: Client) -> None:
    for number in range(ROUNDS):
        request = house.approve(house.submit())
        results = race(*[partial(execution.execute, request.pk)] * 4)
        assert sorted(results) == [False, False, False, True]
        assert (reread(request).state, outcomes_of(request)) == (State.CREDITED, [CallOutcome.CREDITED])
        assert (intouch.ledger()["calls"], intouch.credits()) == (number + 1, number + 1)


def test_of_four_claims_one_is_granted(house: House) -> None:
    for _ in range(ROUNDS):
        request = house.approve(house.submit())
        claims = race(*[partial(execution.claim_due, request.pk)] * 4)
        assert failures(claims) == []
        assert sum(claim is not None for claim in claims) == 1
        assert (reread(request).tries, len(calls_of(request))) == (1, 1)


def test_after_a_lost_lease_too_one_of_several_is_granted(house: House) -> None:
    for _ in range(ROUNDS // 2):
        request = house.approve(house.submit())
        execution.claim_due(request.pk)
        make_due(request)
        claims = race(*[partial(execution.claim_due, request.pk)] * 4)
        assert [claim.attempt for claim in claims if claim is not None] == [2]
        assert outcomes_of(request) == [CallOutcome.UNKNOWN, None]


def test_a_worker_that_records_while_another_takes_over_either_is_heard_or_is_not(house: House) -> None:
    heard = set()
    for _ in range(ROUNDS):
        request = house.approve(house.submit())
        first = execution.claim_due(request.pk)
        assert first is not None
        make_due(request)
        recorded, second = race(
            partial(execution.record, first, Outcome(CallOutcome.CREDITED, 201)),
            partial(execution.claim_due, request.pk),
        )
        assert recorded is (second is None)
        expected = [CallOutcome.CREDITED] if recorded else [CallOutcome.UNKNOWN, None]
        assert outcomes_of(request) == expected
        assert reread(request).state == (State.CREDITED if recorded else State.UNKNOWN)
        heard.add(recorded)


def test_a_worker_whose_answer_comes_after_its_lease_has_no_say(house: House, intouch: Client, settings: Any) -> None:
    settings.INTOUCH_TOTAL_SECONDS = settings.INTOUCH_READ_SECONDS = 10
    request = house.approve(house.submit())
    intouch.order("late-answer", delay=1.5)

    def take_over() -> bool:
        assert intouch.credits_in_time(1)
        make_due(request)
        return execution.execute(request.pk)

    assert race(partial(execution.execute, request.pk), take_over) == [True, True]
    assert (reread(request).state, outcomes_of(request)) == (
        State.CREDITED,
        [CallOutcome.UNKNOWN, CallOutcome.CREDITED],
    )
    assert actions_of(request)[-1] == "call.late"
    assert intouch.credits() == 1


def test_during_the_call_the_claim_is_committed_and_nothing_is_locked(house: House, intouch: Client) -> None:
    request = house.approve(house.submit())
    intouch.order("late-answer", delay=1.0)

    def look() -> Any:
        assert intouch.credits_in_time(1)
        with transaction.atomic():
            row = WorkflowRequest.objects.select_for_update(nowait=True).get(pk=request.pk)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()"
            )
            open_transactions = cursor.fetchone()[0]
        return row.lease_expires_at is not None, outcomes_of(request), open_transactions

    executed, seen = race(partial(execution.execute, request.pk), look)
    assert (executed, seen) == (True, (True, [None], 0))
    assert reread(request).state == State.CREDITED


def test_one_worker_alone_takes_the_probe(house: House) -> None:
    for _ in range(ROUNDS // 2):
        requests = [house.approve(house.submit()) for _ in range(4)]
        TargetBreaker.objects.update_or_create(
            target=house.target, defaults={"failures": 2000, "open_until": Now() - services.timedelta(seconds=1)}
        )
        claims = race(*[partial(execution.claim_due, request.pk) for request in requests])
        assert failures(claims) == []
        assert sum(claim is not None for claim in claims) == 1
        TargetBreaker.objects.all().delete()


def test_two_sweeps_at_once_are_no_more_than_two_hints(house: House) -> None:
    requests = {house.approve(house.submit()).pk for _ in range(20)}
    found = race(*[partial(execution.due_ids, 100)] * 4)
    assert failures(found) == []
    assert set().union(*found) <= requests
    assert set(execution.due_ids(100)) == requests, "nothing stays locked"


def test_many_requests_of_many_workers_are_each_credited_once(house: House, intouch: Client) -> None:
    requests = [house.approve(house.submit()) for _ in range(20)]
    for fault in ("500-after-credit", "drop-before-credit", "503", "garbage"):
        intouch.order(fault, times=3)

    def work() -> None:
        while due := execution.due_ids(100):
            for request_id in due:
                execution.execute(request_id)
                WorkflowRequest.objects.filter(pk=request_id, due_at__gt=Now()).update(due_at=Now())

    assert race(*[work] * 6) == [None] * 6
    for request in requests:
        make_due(request)
    work()
    assert {reread(request).state for request in requests} == {State.CREDITED}
    credited = sorted(credit["referenceId"] for credit in intouch.ledger()["credits"])
    assert credited == sorted(request.reference_id for request in requests)


def naive_execute(request: WorkflowRequest, meeting: Rendezvous) -> Outcome:
    """The twin: look whether it is approved, then call."""
    row = reread(request)
    assert row.state == State.EXECUTING
    meeting.wait()
    return attempts.attempt(
        attempts.Claim(row, 1, CallPurpose.CREDIT, may_have_credited=False, approved=frozenset({row.digest}))
    )


def test_without_the_claim_two_workers_both_call(house: House, intouch: Client) -> None:
    request, meeting = house.approve(house.submit()), Rendezvous(2)
    outcomes = race(*[partial(naive_execute, request, meeting)] * 2)
    assert {outcome.kind for outcome in outcomes} == {CallOutcome.CREDITED, CallOutcome.REFUSED}
    assert (intouch.ledger()["calls"], intouch.ledger()["duplicates"]) == (2, 1)


def test_without_the_row_s_lock_only_the_constraint_is_left_to_stop_a_second_call(house: House) -> None:
    request, meeting = house.approve(house.submit()), Rendezvous(2)

    def look_then_claim() -> None:
        row = reread(request)
        assert row.lease_expires_at is None
        meeting.wait()
        IntouchCall.objects.create(
            organisation_id=row.organisation_id, request=row, attempt=row.tries + 1, started_at=Now()
        )

    (refused,) = failures(race(*[look_then_claim] * 2))
    assert type(refused) is IntegrityError
    assert refused.__cause__.diag.constraint_name in ("call_one_in_flight", "call_once_per_attempt")  # type: ignore[union-attr]


def test_without_the_fence_a_late_worker_gives_away_the_lease_of_its_successor(house: House) -> None:
    request = house.approve(house.submit())
    execution.claim_due(request.pk)
    make_due(request)
    assert execution.claim_due(request.pk) is not None
    with transaction.atomic():
        row = WorkflowRequest.objects.select_for_update().get(pk=request.pk)
        send(*services.settled(row, Outcome(CallOutcome.NOT_SENT, error="late"), retry_in=0))
    assert reread(request).lease_expires_at is None
    with pytest.raises(IntegrityError, match="call_one_in_flight"):
        execution.claim_due(request.pk)

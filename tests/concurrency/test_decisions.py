"""Several people at one request at the same instant: one of them decides, and the others are told who."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.test import Client as Browser

from accounts.models import Membership, User
from tests.concurrency.racing import failures, race, successes
from tests.house import House
from tests.workflows.journeys import ENDED_BY, actions_of, history, reread, task_of
from workflows import services
from workflows.errors import AlreadyDecided, PermissionDenied
from workflows.models import AdminTask, Decision, WorkflowRequest
from workflows.states import State

ROUNDS = 30
FEWER_ROUNDS = 10
OUTCOMES = {
    "approved": State.EXECUTING, "rejected": State.REJECTED, "withdrawn": State.WITHDRAWN, "expired": State.EXPIRED,
}  # fmt: skip
ACTIONS = {
    "approved": "task.approved", "rejected": "task.rejected", "withdrawn": "request.withdrawn",
    "expired": "request.expired",
}  # fmt: skip

Act = Callable[[], Any]


def deciding(house: House, by: User, request: WorkflowRequest, decision: Decision = Decision.APPROVED) -> Act:
    """The checker has the page open: the actor was read before the race."""
    return partial(
        services.decide, actor=house.actor(by), request_id=request.pk, decision=decision, message=f"said {by.username}"
    )


def withdrawing(house: House, request: WorkflowRequest) -> Act:
    return partial(services.withdraw, actor=house.actor(house.maker), request_id=request.pk)


def expiring(house: House, request: WorkflowRequest) -> Act:
    return partial(services.expire, organisation_id=house.organisation.pk, request_id=request.pk)


def check_one_winner(results: list[Any], request: WorkflowRequest) -> str:
    """Exactly one act went through, everything kept tells of it, and every loser was told; returns the decision."""
    assert len(successes(results)) == 1
    losers = failures(results)
    assert all(type(loser) is AlreadyDecided for loser in losers), losers
    task = task_of(request)
    assert task.decision is not None
    assert reread(request).state == OUTCOMES[task.decision]
    assert history(request) == ENDED_BY.get(OUTCOMES[task.decision], "PENDING")
    assert actions_of(request) == ["request.submitted", ACTIONS[task.decision]]
    if task.checker is not None:
        assert task.message == f"said {task.checker.username}"
        # `expire` is nobody's screen, and tells nobody a name.
        told = [str(loser) for loser in losers if str(loser) != AlreadyDecided.message]
        assert all(f"already {task.decision} by {task.checker.email}" in text for text in told)
    return str(task.decision)


def test_of_two_checkers_who_approve_at_once_one_wins_and_the_other_learns_who(
    house: House, other_checker: User
) -> None:
    winners = set()
    for _ in range(ROUNDS):
        request = house.submit()
        results = race(deciding(house, house.checker, request), deciding(house, other_checker, request))
        assert check_one_winner(results, request) == "approved"
        assert task_of(request).checker_name in str(failures(results)[0])
        winners.add(task_of(request).checker_name)
    assert AdminTask.objects.filter(decision="approved").count() == ROUNDS
    assert winners <= {house.checker.email, other_checker.email}


def test_of_an_approval_and_a_rejection_one_wins(house: House, other_checker: User) -> None:
    for _ in range(FEWER_ROUNDS):
        request = house.submit()
        check_one_winner(
            race(
                deciding(house, house.checker, request, Decision.APPROVED),
                deciding(house, other_checker, request, Decision.REJECTED),
            ),
            request,
        )


def test_of_an_approval_and_a_withdrawal_one_wins(house: House) -> None:
    for _ in range(FEWER_ROUNDS):
        request = house.submit()
        check_one_winner(race(deciding(house, house.checker, request), withdrawing(house, request)), request)


def test_of_an_approval_and_the_expiry_one_wins(house: House) -> None:
    for _ in range(FEWER_ROUNDS):
        request = house.submit()
        check_one_winner(race(deciding(house, house.checker, request), expiring(house, request)), request)


def test_of_everything_at_once_one_wins(house: House, other_checker: User) -> None:
    for _ in range(FEWER_ROUNDS):
        request = house.submit()
        acts = [
            deciding(house, person, request, decision)
            for person in (house.checker, other_checker)
            for decision in (Decision.APPROVED, Decision.REJECTED)
        ]
        check_one_winner(race(*acts, withdrawing(house, request), expiring(house, request)), request)


def test_a_checker_who_clicks_twice_approves_once(house: House) -> None:
    for _ in range(FEWER_ROUNDS):
        request = house.submit()
        assert check_one_winner(race(*[deciding(house, house.checker, request)] * 2), request) == "approved"


def putting(house: House, request: WorkflowRequest, decision: str) -> Act:
    """E2 over the API, by a checker who logs in with a password; the answer's status and body."""
    from tests.api.gateway import ORGANISATION, SUBMIT, basic
    from tests.factories import PASSWORD

    body = {
        "requestId": str(request.pk), "actionName": "AdminTask",
        "payload": {
            "AdminTask-Payload": {"actionDecision": decision, "actionMessage": f"said {house.checker.username}"}
        },
    }  # fmt: skip
    headers = {
        "Authorization": basic(house.checker.username, PASSWORD), ORGANISATION: str(house.organisation.pk),
        "Prefer": "respond-async",
    }  # fmt: skip

    def put() -> Any:
        answer = Browser().put(SUBMIT, body, content_type="application/json", headers=headers)
        if answer.status_code == 200:
            return answer.json()
        assert answer.status_code == 409, answer.content
        return AlreadyDecided(answer.json()["errors"][0]["message"])

    return put


@pytest.mark.parametrize("over_the_api", ["approved", "rejected"])
def test_of_the_api_and_the_desk_one_wins(house: House, other_checker: User, over_the_api: str) -> None:
    for _ in range(FEWER_ROUNDS // 2):
        request = house.submit()
        results = race(putting(house, request, over_the_api), deciding(house, other_checker, request))
        check_one_winner(results, request)


def test_a_right_that_is_taken_away_meanwhile_counts_as_taken_away_or_as_used_in_time(house: House) -> None:
    membership = Membership.objects.filter(user=house.checker)
    for _ in range(FEWER_ROUNDS):
        membership.update(is_checker=True)
        request = house.submit()
        decided, _ = race(deciding(house, house.checker, request), partial(membership.update, is_checker=False))
        if isinstance(decided, Exception):
            assert type(decided) is PermissionDenied
            assert reread(request).state == State.WAITING
        else:
            assert check_one_winner([decided], request) == "approved"

"""E2 above the amount from which the organisation asks for a fresh proof: what is fresh, and what is not."""

from __future__ import annotations

import time
from typing import Any

import pytest

from accounts import oauth
from accounts import services as account_services
from accounts.freshness import FRESH_SECONDS, FreshProof, FreshProofNeeded
from tests.accounts.tokens import claims_of, holding, signed
from tests.api.gateway import Gateway, assert_refused, basic
from tests.factories import PASSWORD
from tests.security.tables import changed, checksums
from workflows import services
from workflows.models import Decision, WorkflowRequest
from workflows.states import State


@pytest.fixture
def strict(checker: Gateway) -> Gateway:
    """Somebody who has proved nothing yet, in an organisation that is strict above 100."""
    organisation = checker.house.organisation
    organisation.fresh_password_above = 100
    organisation.save()
    return checker.having(Authorization=None)


@pytest.fixture
def request_(strict: Gateway) -> WorkflowRequest:
    return strict.house.submit(points=101)


def token_of(strict: Gateway, age: int = 0) -> str:
    """A UI token of the checker that was issued so many seconds ago."""
    person, issued = strict.house.checker, int(time.time()) - age
    named = {"sub": str(person.pk), "email": person.email, "ver": person.ui_token_version}
    return signed(claims_of(strict.house, **named, iat=issued, exp=issued + 3600))


def state_of(request: WorkflowRequest) -> str:
    request.refresh_from_db()
    return request.state


def machine(strict: Gateway) -> str:
    house = strict.house
    return basic(house.service_account.username, house.service_secret)


@pytest.mark.parametrize("age", [FRESH_SECONDS + 1, 3000])
@pytest.mark.parametrize("beside", ["nothing", "a machine's Basic"])
def test_an_older_token_is_not_enough_and_nothing_is_decided(
    strict: Gateway, request_: WorkflowRequest, age: int, beside: str
) -> None:
    caller = holding(strict, token_of(strict, age))
    caller = caller if beside == "nothing" else caller.having(Authorization=machine(strict))
    before = checksums()

    answer = caller.decide(request_.pk)

    assert_refused(answer, 401, (2013, None))
    assert "at most 5 minutes old" in answer.text
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert changed(before) == set()


def test_a_new_token_is_enough(strict: Gateway, request_: WorkflowRequest) -> None:
    assert holding(strict, token_of(strict)).decide(request_.pk).status == 200
    assert state_of(request_) == State.EXECUTING


def test_the_persons_own_password_beside_an_older_token_is_enough(strict: Gateway, request_: WorkflowRequest) -> None:
    caller = holding(strict, token_of(strict, 3000)).by(strict.house.checker)

    assert caller.decide(request_.pk).status == 200


def test_a_password_alone_is_enough(strict: Gateway, request_: WorkflowRequest) -> None:
    assert strict.by(strict.house.checker, PASSWORD).decide(request_.pk).status == 200


@pytest.mark.parametrize("how", ["Basic", "OAuth"])
def test_a_service_account_proves_itself_with_every_request(
    strict: Gateway, request_: WorkflowRequest, how: str
) -> None:
    house = strict.house
    membership = house.membership(house.service_account)
    membership.is_checker = True
    membership.save()
    authorization = machine(strict)
    if how == "OAuth":
        client = account_services.ensure_oauth_client(house.service_account, name="checks")
        token, _ = oauth.issue_token(key=client.key, secret=str(client.secret), address="127.0.0.1")
        authorization = f"Bearer {token}"

    assert strict.having(Authorization=authorization).decide(request_.pk).status == 200


@pytest.mark.parametrize(("points", "decision"), [(100, "approved"), (101, "rejected"), (1, "approved")])
def test_smaller_amounts_and_rejections_need_none(strict: Gateway, points: int, decision: str) -> None:
    request = strict.house.submit(points=points)

    assert holding(strict, token_of(strict, 3000)).decide(request.pk, decision).status == 200


def test_who_may_not_decide_at_all_is_told_that_first(strict: Gateway, request_: WorkflowRequest) -> None:
    house, issued = strict.house, int(time.time()) - 3000
    own = signed(claims_of(house, iat=issued, exp=issued + 3600))

    assert_refused(holding(strict, own).decide(request_.pk), 403, (9051, None))


@pytest.mark.parametrize("proof", ["none", "of somebody else"])
def test_no_page_can_forget_it(strict: Gateway, request_: WorkflowRequest, proof: str) -> None:
    """The service itself refuses, whoever calls it."""
    house = strict.house
    given: Any = None if proof == "none" else FreshProof(house.maker.pk)
    before = checksums()

    with pytest.raises(FreshProofNeeded):
        services.decide(
            actor=house.actor(house.checker),
            request_id=request_.pk,
            decision=Decision.APPROVED,
            message="x",
            proof=given,
        )

    assert changed(before) == set()


def test_one_proof_serves_many_decisions(strict: Gateway) -> None:
    house = strict.house
    proof, requests = FreshProof(house.checker.pk), [house.submit(points=500) for _ in range(3)]

    for each in requests:
        services.decide(
            actor=house.actor(house.checker), request_id=each.pk, decision=Decision.APPROVED, message="x", proof=proof
        )

    assert {state_of(each) for each in requests} == {State.EXECUTING}

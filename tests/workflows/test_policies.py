"""May they? The table that admin, API and services all ask."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Membership
from tests.house import House, build_house
from tests.workflows.journeys import attempt
from tests.workflows.sandbox_client import Client
from workflows import policies, services, set_up
from workflows.errors import AlreadyDecided, NoCredential, OwnRequest, PermissionDenied, RequestNotFound
from workflows.models import WorkflowRequest
from workflows.states import State

ROLES = ["maker", "checker", "auditor", "service_account"]


def grant(house: House, role: str, **rights: Any) -> Any:
    """The actor of this role, with these rights alone."""
    person = getattr(house, role)
    nothing = dict.fromkeys(("is_maker", "is_checker", "is_auditor", "is_operator", "may_issue_in_one_step"), False)
    Membership.objects.filter(user=person, organisation=house.organisation).update(**{**nothing, **rights})
    return house.actor(person)


def refusal(reason: Any) -> type[Any] | None:
    return None if reason is None else type(reason)


@pytest.mark.parametrize("role", ROLES)
def test_in_a_fresh_house_each_role_may_decide_what_its_name_says(house: House, role: str) -> None:
    request = house.submit()
    expected = {"maker": OwnRequest, "checker": None}.get(role, PermissionDenied)
    assert refusal(policies.why_not_decide(house.actor(getattr(house, role)), request)) is expected


@pytest.mark.parametrize("rights", [{}, {"is_maker": True}, {"is_auditor": True}, {"is_operator": True}],
                         ids=["nothing", "maker", "auditor", "operator"])  # fmt: skip
def test_no_right_but_the_checker_s_lets_anybody_decide(house: House, rights: dict[str, bool]) -> None:
    request = house.submit()
    assert refusal(policies.why_not_decide(grant(house, "auditor", **rights), request)) is PermissionDenied
    assert policies.why_not_decide(grant(house, "auditor", is_checker=True), request) is None


@pytest.mark.parametrize("rights", [{}, {"is_checker": True}, {"is_auditor": True}, {"is_operator": True}],
                         ids=["nothing", "checker", "auditor", "operator"])  # fmt: skip
def test_no_right_but_the_maker_s_lets_anybody_submit(house: House, rights: dict[str, bool]) -> None:
    with pytest.raises(PermissionDenied, match="CanMakeRequest"):
        policies.check_may_make(grant(house, "auditor", **rights))
    policies.check_may_make(grant(house, "auditor", is_maker=True))


@pytest.mark.parametrize("state", [state for state in State if state != State.WAITING])
def test_only_what_waits_is_decided_or_withdrawn(house: House, state: State) -> None:
    request = WorkflowRequest(maker=house.maker, organisation=house.organisation, state=state)
    assert refusal(policies.why_not_decide(house.actor(house.checker), request)) is AlreadyDecided
    assert refusal(policies.why_not_withdraw(house.actor(house.maker), request)) is AlreadyDecided


def test_only_members_of_the_organisation_see_a_request(house: House) -> None:
    other, request = build_house(51251), house.submit()
    assert policies.may_see(house.actor(house.auditor), request)
    assert not policies.may_see(other.actor(other.checker), request)
    assert refusal(policies.why_not_decide(other.actor(other.checker), request)) is PermissionDenied


def failed(house: House, intouch: Client) -> WorkflowRequest:
    intouch.order("400")
    return attempt(house.approve(house.submit()))


def give_credential(house: House) -> None:
    set_up.keep_credential(house.target, "Basic b3duOm93bg==")


def ask(house: House, role: str, request: WorkflowRequest) -> WorkflowRequest:
    return services.ask_for_retry(actor=house.actor(getattr(house, role)), request_id=request.pk, message="mended")


@pytest.mark.parametrize("role", ROLES)
def test_only_an_operator_asks_for_a_retry(calling_house: House, intouch: Client, role: str) -> None:
    request = failed(calling_house, intouch)
    give_credential(calling_house)
    with pytest.raises(PermissionDenied, match="operator"):
        ask(calling_house, role, request)
    grant(calling_house, role, is_operator=True)
    assert ask(calling_house, role, request).state == State.WAITING


def test_a_retry_needs_a_credential_that_was_not_erased(calling_house: House, intouch: Client) -> None:
    request = failed(calling_house, intouch)
    grant(calling_house, "auditor", is_operator=True)
    with pytest.raises(NoCredential):
        ask(calling_house, "auditor", request)


@pytest.mark.parametrize("end", ["waiting", "executing", "credited"])
def test_only_what_failed_is_tried_again(calling_house: House, intouch: Client, end: str) -> None:
    give_credential(calling_house)
    grant(calling_house, "auditor", is_operator=True)
    request = calling_house.submit()
    if end != "waiting":
        calling_house.approve(request)
    if end == "credited":
        attempt(request)
    with pytest.raises(AlreadyDecided, match="failed request"):
        ask(calling_house, "auditor", request)


def test_a_retry_of_another_organisation_s_request_is_not_found(calling_house: House, intouch: Client) -> None:
    request, other = failed(calling_house, intouch), build_house(51251)
    grant(other, "auditor", is_operator=True)
    with pytest.raises(RequestNotFound):
        ask(other, "auditor", request)


def test_a_right_that_was_taken_away_since_the_page_was_opened_lets_nobody_ask(
    calling_house: House, intouch: Client
) -> None:
    request = failed(calling_house, intouch)
    give_credential(calling_house)
    opened_page = grant(calling_house, "auditor", is_operator=True)
    grant(calling_house, "auditor")
    with pytest.raises(PermissionDenied):
        services.ask_for_retry(actor=opened_page, request_id=request.pk, message="mended")


def test_a_second_try_needs_a_decision_of_its_own_and_keeps_the_first(calling_house: House, intouch: Client) -> None:
    request = failed(calling_house, intouch)
    give_credential(calling_house)
    grant(calling_house, "auditor", is_operator=True, is_checker=True)
    ask(calling_house, "auditor", request)
    with pytest.raises(OwnRequest, match="retry"):
        calling_house.approve(request, checker=calling_house.auditor)
    calling_house.approve(request)
    decisions = list(request.tasks.order_by("level").values_list("level", "decision", "opened_by"))
    assert decisions == [(1, "approved", None), (2, "approved", calling_house.auditor.pk)]
    row = attempt(request)
    assert (row.state, intouch.credits()) == (State.CREDITED, 1)

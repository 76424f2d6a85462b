"""Ends without a decision: the maker withdraws, or nobody decides in time."""

from __future__ import annotations

import pytest

from tests.factories import MembershipFactory
from tests.house import House, build_house
from tests.workflows.journeys import correlated, events_of, goodwill_of, reread, task_of
from workflows import services
from workflows.errors import AlreadyDecided, PermissionDenied, RequestNotFound
from workflows.models import Decision
from workflows.states import State


def test_the_maker_withdraws_while_it_waits(house: House) -> None:
    request = house.submit()
    with correlated("from-the-maker-1"):
        services.withdraw(actor=house.actor(house.maker), request_id=request.pk, message="a mistake")
    row, task, event = reread(request), task_of(request), events_of(request)[-1]
    assert (row.state, row.secret, row.ended_at) == (State.WITHDRAWN, None, row.updated_at)
    assert (task.decision, task.checker, task.checker_name, task.message) == ("withdrawn", None, "", "a mistake")
    assert (event.action, event.actor, event.correlation_id) == ("request.withdrawn", house.maker, "from-the-maker-1")
    assert (event.actor_name, event.details) == (house.maker.email, {"message": "a mistake"})
    assert (goodwill_of(request).status, goodwill_of(request).updated_by) == ("REJECTED", house.maker)


def test_nobody_else_withdraws_it(house: House) -> None:
    request = house.submit()
    for person in (house.checker, house.auditor, house.service_account):
        with pytest.raises(PermissionDenied, match="Only the maker"):
            services.withdraw(actor=house.actor(person), request_id=request.pk)
    assert reread(request).state == State.WAITING


@pytest.mark.parametrize("decision", [Decision.APPROVED, Decision.REJECTED])
def test_a_decided_request_is_not_withdrawn(house: House, decision: Decision) -> None:
    request = house.submit()
    services.decide(actor=house.actor(house.checker), request_id=request.pk, decision=decision, message="x")
    with pytest.raises(AlreadyDecided, match=f"already {decision} by {house.checker.email}"):
        services.withdraw(actor=house.actor(house.maker), request_id=request.pk)


def test_a_request_of_another_organisation_is_not_withdrawn(house: House) -> None:
    other = build_house(51251)
    MembershipFactory(user=house.maker, organisation=other.organisation, is_maker=True)
    request = house.submit()
    with pytest.raises(RequestNotFound):
        services.withdraw(actor=other.actor(house.maker), request_id=request.pk)


def test_a_request_that_nobody_decided_expires(house: House) -> None:
    request = house.submit()
    services.expire(organisation_id=house.organisation.pk, request_id=request.pk)
    row, task, event = reread(request), task_of(request), events_of(request)[-1]
    assert (row.state, row.secret, row.ended_at) == (State.EXPIRED, None, row.updated_at)
    assert (task.decision, task.checker) == ("expired", None)
    assert (event.action, event.actor, event.actor_name) == ("request.expired", None, "system")
    assert (goodwill_of(request).status, goodwill_of(request).updated_by) == ("REJECTED", house.maker)


def test_only_what_waits_expires(house: House) -> None:
    request = house.approve(house.submit())
    with pytest.raises(AlreadyDecided):
        services.expire(organisation_id=house.organisation.pk, request_id=request.pk)
    with pytest.raises(RequestNotFound):
        services.expire(organisation_id=house.organisation.pk + 1, request_id=request.pk)
    assert reread(request).state == State.EXECUTING

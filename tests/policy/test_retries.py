"""A failed request that is tried again: counted by the policy in force, freed by it, and never kept from ending."""

from __future__ import annotations

import logging
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum

from accounts.models import User
from tests.factories import MembershipFactory, UserFactory
from tests.house import FAKE_CREDENTIAL, House
from tests.policy.test_limits import limit, limited
from tests.policy.times import told
from tests.workflows.journeys import past_the_guards, reread
from workflows import execution, services
from workflows.errors import LimitReached
from workflows.intouch.outcomes import Outcome
from workflows.models import AuditEvent, CallOutcome, Decision, LimitUse, WorkflowRequest
from workflows.rules import recount, usage
from workflows.set_up import keep_credential
from workflows.states import State

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def house(committed_house: House) -> House:
    """Its target keeps a credential: the maker's is gone when a request fails."""
    keep_credential(committed_house.target, FAKE_CREDENTIAL)
    return committed_house


@pytest.fixture
def operator(house: House) -> User:
    return MembershipFactory(user=UserFactory(), organisation=house.organisation, is_operator=True).user


def carry_out(request: WorkflowRequest, kind: CallOutcome) -> None:
    claim = execution.claim_due(request.pk)
    assert claim is not None
    execution.record(claim, Outcome(kind, http_status=201 if kind == CallOutcome.CREDITED else 400))


def failed(house: House, points: int = 100, **changes: Any) -> WorkflowRequest:
    request = house.submit(points=points, **changes)
    house.approve(request)
    carry_out(request, CallOutcome.REFUSED)
    assert reread(request).state == State.FAILED
    return request


def ask_again(house: House, operator: User, request: WorkflowRequest) -> WorkflowRequest:
    return services.ask_for_retry(actor=house.actor(operator), request_id=request.pk, message="again")


def end(house: House, request: WorkflowRequest, how: str) -> None:
    """End a request that was asked for once more without a credit."""
    match how:
        case "rejected":
            services.decide(
                actor=house.actor(house.colleague), request_id=request.pk, decision=Decision.REJECTED, message="no"
            )
        case "withdrawn":
            services.withdraw(actor=house.actor(house.maker), request_id=request.pk)
        case "expired":
            services.expire(organisation_id=house.organisation.pk, request_id=request.pk)
        case "failed":
            house.approve(request, checker=house.colleague)
            carry_out(request, CallOutcome.REFUSED)


def used(**which: Any) -> tuple[Decimal, int]:
    found = LimitUse.objects.filter(**which).aggregate(points=Sum("points"), requests=Sum("requests"))
    return found["points"] or Decimal(0), found["requests"] or 0


ENDS = ["rejected", "withdrawn", "expired", "failed"]


class TestAnotherVersionInBetween:
    """The request was judged without limits; one comes into force before it is tried again."""

    def test_a_limit_that_came_later_refuses_the_retry(self, house, operator):
        request = failed(house)
        limited(house, limit(most=100))
        house.submit(points=100)
        with pytest.raises(LimitReached):
            ask_again(house, operator, request)
        assert reread(request).state == State.FAILED
        assert used() == (100, 1)

    def test_a_retry_that_fits_takes_its_place_from_the_next_ones(self, house, operator):
        request = failed(house)
        limited(house, limit(most=150))
        ask_again(house, operator, request)
        with pytest.raises(LimitReached):
            house.submit(points=51)
        house.approve(request, checker=house.colleague)
        carry_out(request, CallOutcome.CREDITED)
        assert used() == (100, 1)

    @pytest.mark.parametrize("how", ENDS)
    def test_it_ends_however_it_ends_and_takes_off_only_itself(self, house, operator, how):
        request = failed(house)
        limited(house, limit(most=1000), limit(name="store", per="store", most=1000))
        house.submit(points=50)
        ask_again(house, operator, request)
        assert used(per="customer") == used(per="store") == (150, 2)
        end(house, request, how)
        assert reread(request).state == how
        assert used(per="customer") == used(per="store") == (50, 1)

    @pytest.mark.parametrize("how", ENDS)
    def test_a_limit_that_comes_after_the_retry_was_asked_for_counts_it_until_it_ends(self, house, operator, how):
        request = failed(house)
        ask_again(house, operator, request)
        limited(house, limit(per="maker", most=1000))
        assert used() == (100, 1)
        end(house, request, how)
        assert used() == (0, 0)

    def test_a_limit_that_is_gone_holds_up_no_retry(self, house, operator):
        limited(house, limit(most=100))
        request = failed(house)
        house.submit(points=100)
        limited(house)
        assert ask_again(house, operator, request).state == State.WAITING

    def test_the_limit_it_was_judged_by_holds_beside_the_one_in_force(self, house, operator):
        limited(house, limit(most=100))
        request = failed(house)
        limited(house, limit(most=1000))
        house.submit(points=100)
        with pytest.raises(LimitReached):
            ask_again(house, operator, request)


class TestWhatALimitLooksBackTo:
    def test_a_request_from_before_the_window_is_tried_again_though_the_limit_is_full(self, house, operator):
        limited(house, limit(most=100))
        request = failed(house)
        move_request_back(request, 40)
        house.submit(points=100)
        ask_again(house, operator, request)
        assert used() == (200, 2)
        assert LimitUse.objects.count() == 2

    @pytest.mark.parametrize(("days", "counted"), [(385, 1), (395, 0), (405, 0)])
    def test_what_is_older_than_all_windows_is_neither_counted_nor_taken_off(self, house, operator, days, counted):
        limited(house, limit(most=1000))
        request = failed(house)
        move_request_back(request, days)
        ask_again(house, operator, request)
        assert used(requests__gt=0)[1] == counted
        end(house, request, "rejected")
        assert used() == (0, 0)
        assert "limits.out_of_step" not in told(request)

    @pytest.mark.parametrize(("days", "counted"), [(400, 2), (401, 0)])
    def test_a_rebuild_counts_whole_days(self, house, days, counted):
        for _ in range(2):
            move_request_back(house.submit(points=10), days)
        limited(house, limit(most=1000))
        assert used() == (10 * counted, counted)


def move_request_back(request: WorkflowRequest, days: int) -> None:
    earlier = timedelta(days=days)
    with past_the_guards():
        WorkflowRequest.objects.filter(pk=request.pk).update(
            created_at=request.created_at - earlier, counted_on=request.counted_on - earlier
        )


class TestACounterThatHoldsTooLittle:
    @pytest.mark.parametrize("left", ["none", "less"])
    def test_it_keeps_no_request_from_ending_and_is_told_loudly(self, house, left, caplog):
        limited(house, limit(), limit(name="maker", per="maker", most=1000))
        request = house.submit(points=60)
        broken = LimitUse.objects.filter(per="customer")
        broken.delete() if left == "none" else broken.update(points=10)
        with caplog.at_level(logging.ERROR, logger=usage.__name__):
            services.withdraw(actor=house.actor(house.maker), request_id=request.pk)
        assert reread(request).state == State.WITHDRAWN
        assert used() == (0, 0)
        assert [record.per for record in caplog.records] == [["customer"]]
        assert AuditEvent.objects.get(action="limits.out_of_step").details["per"] == ["customer"]

    def test_counting_anew_mends_it(self, house, operator):
        limited(house, limit(), limit(name="maker", per="maker", most=1000))
        house.submit(points=60)
        LimitUse.objects.update(points=1, requests=7)
        LimitUse.objects.filter(per="maker").delete()
        assert recount.recount(actor=house.actor(operator), request_type="GOODWILL-POINTS") == ["customer", "maker"]
        assert used(per="customer") == used(per="maker") == (60, 1)

    def test_where_all_is_well_nothing_is_told(self, house, caplog):
        limited(house, limit())
        with caplog.at_level(logging.ERROR, logger=usage.__name__):
            services.withdraw(actor=house.actor(house.maker), request_id=house.submit(points=60).pk)
        assert not caplog.records
        assert not AuditEvent.objects.filter(action="limits.out_of_step").exists()

"""What the page of a task tells beside the request: the customer's record, the maker's, and look-alikes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from goodwill.models import GoodwillRequest
from tests.admin.conftest import decision, page_of, task_of
from tests.factories import set_terms
from workflows import desk_history
from workflows.execution import claim_due, record
from workflows.intouch.outcomes import Outcome
from workflows.models import CallOutcome, Decision, WorkflowRequest
from workflows.states import State

TASKS = "/admin/workflows/admintask/?show=waiting"


@pytest.fixture
def request_(house):
    return house.submit(points=20, reason="late delivery")


@pytest.fixture
def checker(at_desk, house):
    return at_desk(house.checker)


def move(request, **times):
    """Write times as if they had come about so; the triggers, which let nobody, are looked past for a moment."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        WorkflowRequest.objects.filter(pk=request.pk).update(**times)
        cursor.execute("SET session_replication_role = origin")


def credit(house, *, days_ago=0, **changes):
    request = house.submit(**changes)
    house.approve(request)
    record(claim_due(request.pk), Outcome(CallOutcome.CREDITED, 201))
    ended = timezone.now() - timedelta(days=days_ago)
    move(request, ended_at=ended, created_at=ended - timedelta(hours=1))
    return request


def windows(request):
    return [
        (window.days, window.number, window.amount, window.same_number, window.same_amount)
        for window in desk_history.of_customer(request).windows
    ]


def test_credits_are_counted_within_30_90_and_365_days_and_for_the_same_reason(house, request_):
    credit(house, points=5, reason="late delivery", days_ago=29)
    credit(house, points=7, reason="something else", days_ago=31)
    credit(house, points=11, reason="late delivery", days_ago=364)
    credit(house, points=13, reason="late delivery", days_ago=366)
    assert windows(request_) == [
        (30, 1, Decimal(5), 1, Decimal(5)),
        (90, 2, Decimal(12), 1, Decimal(5)),
        (365, 3, Decimal(23), 2, Decimal(16)),
    ]


def test_what_was_only_asked_for_or_given_to_somebody_else_counts_as_nothing(house, other_house, request_):
    house.approve(house.submit())
    credit(house, earningEntityId=4711)
    credit(other_house)
    assert [number for _, number, *_ in windows(request_)] == [0, 0, 0]


def test_the_history_from_before_the_engine_counts_too(house, request_):
    now = timezone.now()
    for status in ("APPROVED", "REJECTED"):
        GoodwillRequest.objects.create(
            organisation=house.organisation, program=house.program, customer_id=request_.customer_id, points=40,
            status=status, reason="late delivery", added_by=house.maker, updated_by=house.checker,
            added_on=now - timedelta(days=50), updated_on=now - timedelta(days=49),
        )  # fmt: skip
    assert windows(request_)[0][1] == 0
    assert windows(request_)[1] == (90, 1, Decimal(40), 1, Decimal(40))


def test_of_a_customer_with_very_many_requests_the_latest_count_and_the_page_says_so(
    checker, house, request_, monkeypatch
):
    monkeypatch.setattr(desk_history, "MOST_READ", 3)
    for _ in range(3):
        credit(house, points=5)
    assert desk_history.of_customer(request_).is_cut
    assert "latest 3 requests" in checker.get(page_of(request_)).content.decode()


def test_what_else_is_pending_for_the_customer_is_named(checker, house, request_):
    assert "Nothing else is pending for them" in checker.get(page_of(request_)).content.decode()
    house.submit(reason="waits beside it")
    house.approve(house.submit(reason="is on its way"))
    page = checker.get(page_of(request_)).content.decode()
    assert "2 more are pending for them" in page
    assert "waits beside it" in page
    assert "is on its way" in page


def test_the_record_of_the_maker_counts_what_checkers_decided(checker, house, request_):
    from workflows import services

    for number in range(3):
        house.approve(house.submit(points=30 + number))
    services.decide(
        actor=house.actor(house.checker),
        request_id=house.submit(points=40).pk,
        decision=Decision.REJECTED,
        message="no",
    )
    old = house.submit(points=41)
    move(old, created_at=timezone.now() - timedelta(days=91))
    maker = desk_history.of_maker(request_)
    assert (maker.requests, maker.approved, maker.rejected, maker.approval_rate) == (5, 3, 1, 75)
    assert "75 % approved" in checker.get(page_of(request_)).content.decode()


def test_a_maker_of_whom_nothing_was_decided_has_no_rate(checker, request_):
    assert desk_history.of_maker(request_).approval_rate is None
    assert "none was decided yet" in checker.get(page_of(request_)).content.decode()


def test_look_alikes_stand_side_by_side_and_say_what_differs(checker, house, request_):
    assert "look-alikes" not in checker.get(page_of(request_)).content.decode()
    other = house.submit(points=20, reason="late delivery", maker=house.service_account)
    page = checker.get(page_of(request_)).content.decode()
    assert "1 look-alike: the same customer and amount within 7 days" in page
    (row,) = [row for row in checker.get(page_of(request_)).context["comparisons"] if row.label == "Maker"]
    names = (house.maker.display_name, house.service_account.display_name)
    assert (row.value, row.others[0].value, row.others[0].differs) == (*names, True)
    assert f'<span class="visually-hidden">differs: </span><bdi>{names[1]}</bdi>' in page
    assert "1 look-alike" in checker.get(page_of(other)).content.decode()


@pytest.mark.parametrize(
    ("changes", "days"),
    [({"points": 21}, 0), ({"earningEntityId": 4711}, 0), ({}, 8), ({}, -8)],
)
def test_another_amount_customer_or_week_is_no_look_alike(house, request_, changes, days):
    other = house.submit(**({"points": 20, "reason": "late delivery"} | changes))
    move(other, created_at=request_.created_at + timedelta(days=days))
    assert desk_history.look_alikes(request_).number == 0
    assert desk_history.with_look_alikes([request_.pk]) == set()


def test_a_look_alike_for_another_reason_says_that_the_reason_differs(checker, house, request_):
    house.submit(points=20, reason="lost parcel")
    (row,) = [row for row in checker.get(page_of(request_)).context["comparisons"] if row.label == "Reason"]
    assert (row.value, row.others[0].value, row.others[0].differs) == ("late delivery", "lost parcel", True)


def test_of_many_look_alikes_the_page_says_how_many_there_are_and_how_many_more(checker, house, request_):
    for _ in range(5):
        house.submit(points=20)
    page = checker.get(page_of(request_)).content.decode()
    assert "5 look-alikes: the same customer and amount" in page
    assert "and 2 more, made before these" in page


def test_the_policy_that_judged_a_request_says_how_many_days_apart_look_alikes_are(house):
    set_terms(house.policy, look_alike={"days": 30})
    request, other = house.submit(), house.submit()
    move(other, created_at=request.created_at + timedelta(days=29))
    assert desk_history.look_alikes(request).shown == [other]
    assert desk_history.with_look_alikes([request.pk, other.pk]) == {request.pk, other.pk}
    move(other, created_at=request.created_at + timedelta(days=31))
    assert desk_history.look_alikes(request).shown == []
    assert desk_history.with_look_alikes([request.pk, other.pk]) == set()


class TestOddOnes:
    """What the policy found odd stands in the inbox, and on the pages of all requests that it is about."""

    def flags(self, client):
        return {row.request.pk: [str(flag.label) for flag in row.flags] for row in client.get(TASKS).context["cl"].rows}

    def test_with_a_threshold_alone_splitting_and_look_alikes_are_looked_for(self, checker, house):
        set_terms(house.policy, splitting={"days": 7, "threshold": 100})
        first, second, small = (
            house.submit(points=60),
            house.submit(points=60),
            house.submit(points=1, earningEntityId=7),
        )
        assert self.flags(checker) == {
            first.pk: ["Looks like another"], second.pk: ["Looks like another", "Looks split"], small.pk: [],
        }  # fmt: skip
        for request, other in ((first, second), (second, first)):
            page = checker.get(page_of(request)).content.decode()
            assert "Looks split: 1 other request of the same maker belongs to it" in page
            assert f"/admin/workflows/workflowrequest/{other.pk}/change/" in page[page.index('id="split"') :]
        assert "Looks split" not in checker.get(page_of(small)).content.decode()

    def test_look_alikes_are_marked_as_their_pages_warn_whatever_the_policy_keeps_of_them(self, checker, house):
        first, second, other = house.submit(), house.submit(reason="another reason"), house.submit(points=21)
        assert first.judgement["look_alikes"] == second.judgement["look_alikes"] == []
        alike = ["Looks like another"]
        assert self.flags(checker) == {first.pk: alike, second.pk: alike, other.pk: []}

    def test_the_policy_keeps_the_look_alikes_of_every_request_where_it_says_so(self, house):
        first = house.submit()
        house.submit(reason="another reason")
        set_terms(house.policy, look_alike={"always": True})
        third = house.submit()
        assert third.judgement["look_alikes"] == [str(first.pk)]


def test_a_usual_message_is_enough(checker, request_):
    page = checker.get(page_of(request_)).content.decode()
    assert '<input type="radio" name="usual" value="Ticket checked"' in page
    checker.post(page_of(request_, "decide"), decision(request_, message="", usual="Ticket checked"))
    assert task_of(request_).message == "Ticket checked"


def test_own_words_follow_the_usual_message(checker, request_):
    checker.post(page_of(request_, "decide"), decision(request_, message="on Monday", usual="Ticket checked"))
    assert task_of(request_).message == "Ticket checked on Monday"


def test_a_usual_message_does_not_make_the_message_longer_than_it_may_be(checker, request_):
    answer = checker.post(page_of(request_, "decide"), decision(request_, message="x" * 1000, usual="Ticket checked"))
    assert answer.status_code == 422
    request_.refresh_from_db()
    assert request_.state == State.WAITING


def test_the_outcome_of_every_call_stands_in_the_story(checker, house, request_):
    house.approve(request_)
    record(claim_due(request_.pk), Outcome(CallOutcome.REFUSED, 400, "HTTP 400"))
    assert "refused: nothing was credited" in checker.get(page_of(request_)).content.decode()


def test_a_request_without_a_customer_has_no_record_and_no_look_alikes():
    request = WorkflowRequest(customer_id=None)
    assert desk_history.of_customer(request) is None
    assert desk_history.look_alikes(request).number == 0

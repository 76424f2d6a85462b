"""What an open page learns without being loaded again."""

from __future__ import annotations

import pytest

from tests.admin.conftest import decision, page_of
from workflows.admin import live
from workflows.execution import claim_due, record
from workflows.intouch.outcomes import Outcome
from workflows.models import CallOutcome

LIST = "/admin/workflows/admintask/live/"


@pytest.fixture
def request_(house):
    return house.submit(points=20)


@pytest.fixture
def checker(at_desk, house):
    return at_desk(house.checker)


def test_a_task_that_waits_says_that_it_can_be_decided(checker, request_):
    answer = checker.get(page_of(request_, "live")).json()
    assert (answer["whyNot"], answer["chip"]["label"], answer["isOpen"]) == ("", "Waiting", True)


def test_a_task_that_somebody_else_has_decided_says_who_it_was(checker, house, second_checker, request_):
    house.approve(request_, checker=second_checker)
    answer = checker.get(page_of(request_, "live")).json()
    assert f"already approved by {second_checker.email}" in answer["whyNot"]
    assert answer["chip"]["label"] == "Being carried out"


def test_an_answer_that_has_not_changed_is_not_sent_again(checker, house, request_):
    page = page_of(request_, "live")
    etag = checker.get(page)["ETag"]
    assert checker.get(page, HTTP_IF_NONE_MATCH=etag).status_code == 304
    house.approve(request_)
    assert checker.get(page, HTTP_IF_NONE_MATCH=etag).status_code == 200


def test_the_page_of_a_request_says_where_it_stands_to_who_may_see_it(checker, at_desk, house, other_house, request_):
    page = f"/admin/workflows/workflowrequest/{request_.pk}/live/"
    before = checker.get(page).json()
    assert (before["chip"]["label"], before["isOpen"]) == ("Waiting", True)
    assert before["stand"] in checker.get(page.replace("live", "change")).content.decode()
    house.approve(request_)
    after = checker.get(page).json()
    assert after["chip"]["label"] == "Being carried out"
    assert after["stand"] != before["stand"]
    assert at_desk(other_house.checker).get(page)["Location"] == "/admin/"
    assert checker.post(page).status_code == 405


@pytest.mark.parametrize(
    ("outcome", "label"),
    [(Outcome(CallOutcome.CREDITED, 201), "Credited"), (Outcome(CallOutcome.REFUSED, 400, "HTTP 400"), "Failed")],
)
def test_the_outcome_of_ones_own_approval_is_followed_on_the_next_pages(checker, house, request_, outcome, label):
    following = house.submit()
    checker.post(page_of(request_, "decide"), decision(request_))
    assert "Your last approvals" in checker.get(page_of(following)).content.decode()
    assert checker.get(LIST).json()["followed"][str(request_.pk)]["label"] == "Being carried out"
    record(claim_due(request_.pk), outcome)
    answer = checker.get(LIST).json()
    assert answer["followed"][str(request_.pk)]["said"] == f"20 · {request_.customer_id}: {label}"
    assert answer["isOpen"] is False


def test_a_rejection_is_not_followed(checker, request_):
    checker.post(page_of(request_, "decide"), decision(request_, decision="rejected"))
    assert checker.get(LIST).json() == {"followed": {}, "isOpen": False}


def test_only_the_latest_approvals_are_followed_and_not_for_ever(checker, house, monkeypatch):
    requests = [house.submit() for _ in range(live.MOST_FOLLOWED + 1)]
    for request in requests:
        checker.post(page_of(request, "decide"), decision(request))
    assert set(checker.get(LIST).json()["followed"]) == {str(request.pk) for request in requests[1:]}
    monkeypatch.setattr(live, "FOLLOW_SECONDS", -5)
    assert checker.get(LIST).json()["followed"] == {}


def test_what_is_followed_is_read_with_the_rights_of_now(checker, house, request_):
    checker.post(page_of(request_, "decide"), decision(request_))
    membership = house.membership(house.checker)
    membership.is_active = False
    membership.save()
    assert checker.get(LIST).status_code == 403
    assert checker.get(page_of(request_, "live"))["Location"] == "/admin/"


def test_nothing_live_is_told_to_outsiders_or_changed_by_a_post(client, checker, at_desk, other_house, request_):
    assert client.get(page_of(request_, "live"))["Location"].startswith("/admin/login/")
    assert at_desk(other_house.checker).get(page_of(request_, "live"))["Location"] == "/admin/"
    assert checker.post(page_of(request_, "live")).status_code == 405
    assert checker.post(LIST).status_code == 405


def test_asking_costs_few_queries_however_much_waits(checker, house, request_, django_assert_max_num_queries):
    for _ in range(5):
        house.submit()
    checker.post(page_of(request_, "decide"), decision(request_))
    with django_assert_max_num_queries(7):
        checker.get(page_of(request_, "live"))

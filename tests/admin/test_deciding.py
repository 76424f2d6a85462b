"""A checker decides, a maker withdraws, an operator asks for another try: by POST, with the reasons on the page."""

from __future__ import annotations

import pytest

from tests.admin.conftest import decision, page_of, task_of
from tests.factories import MembershipFactory, UserFactory, set_terms
from workflows import services
from workflows.execution import claim_due, record
from workflows.intouch.outcomes import Outcome
from workflows.models import AdminTask, AuditEvent, CallOutcome, Decision
from workflows.states import State


@pytest.fixture
def request_(house):
    return house.submit(points=20, comments="called on Monday")


@pytest.fixture
def checker(at_desk, house):
    return at_desk(house.checker)


def state_of(request):
    request.refresh_from_db()
    return request.state


def test_the_page_tells_who_asks_what_for_whom_and_why(checker, house, request_):
    house.program.points_to_currency_ratio = "0.25"
    house.program.save()
    page = checker.get(page_of(request_)).content.decode()
    for text in (
        "382332518", "20 points × 0.25", "5.00", "called on Monday", house.maker.email, "50682289", "50682288",
        "50682286", "50678331", request_.reference_id, str(request_.pk), house.program.name, request_.digest,
    ):  # fmt: skip
        assert text in page, text


def test_an_approval_is_recorded_with_message_and_digest(checker, house, request_):
    response = checker.post(page_of(request_, "decide"), decision(request_))
    assert response.status_code == 302
    task = task_of(request_)
    assert (task.decision, task.checker, task.message) == (Decision.APPROVED, house.checker, "looks right")
    assert task.digest == request_.digest
    assert state_of(request_) == State.EXECUTING


def test_a_rejection_ends_the_request(checker, request_):
    checker.post(page_of(request_, "decide"), decision(request_, decision="rejected"))
    assert state_of(request_) == State.REJECTED


def test_after_a_decision_the_next_task_is_opened(checker, house, request_):
    following = house.submit()
    response = checker.post(page_of(request_, "decide"), decision(request_))
    assert response["Location"] == page_of(following)
    assert "Approved: 20 for customer 382332518" in checker.get(response["Location"]).content.decode()


def test_after_the_first_of_two_levels_the_page_says_whom_the_next_waits_for(checker, house, request_):
    MembershipFactory(user=UserFactory(), organisation=house.organisation, is_checker=True, is_supervisor=True)
    set_terms(house.policy, default={"kind": "levels", "levels": [{}, {"role": "supervisor"}]})
    request = house.submit()
    page = checker.post(page_of(request, "decide"), decision(request), follow=True).content.decode()
    assert "Nothing is carried out yet: the next level waits for a supervisor." in page
    assert "It is being carried out" not in page
    page = checker.post(page_of(request_, "decide"), decision(request_), follow=True).content.decode()
    assert "It is being carried out" in page


def test_after_the_last_decision_the_list_is_shown(checker, request_):
    response = checker.post(page_of(request_, "decide"), decision(request_))
    assert response["Location"] == "/admin/workflows/admintask/"


def test_who_does_not_want_to_go_on_stays_and_is_not_asked_again(checker, house, request_):
    following = house.submit()
    response = checker.post(page_of(request_, "decide"), decision(request_, go_on=""))
    assert response["Location"] == page_of(request_)
    assert '<input type="checkbox" name="go_on" id="id_go_on">' in checker.get(page_of(following)).content.decode()


@pytest.mark.parametrize("message", ["", "   ", "\n\t"])
def test_without_a_message_nothing_is_decided(checker, request_, message):
    response = checker.post(page_of(request_, "decide"), decision(request_, message=message))
    assert response.status_code == 422
    assert "Say why" in response.content.decode()
    assert state_of(request_) == State.WAITING


def test_a_message_that_is_too_long_is_refused(checker, request_):
    response = checker.post(page_of(request_, "decide"), decision(request_, message="x" * 1001))
    assert response.status_code == 422
    assert state_of(request_) == State.WAITING


def test_line_breaks_of_a_message_become_spaces(checker, request_):
    checker.post(page_of(request_, "decide"), decision(request_, message="one\r\ntwo\x0b three "))
    assert task_of(request_).message == "one two three"


@pytest.mark.parametrize("changes", [{"decision": "withdrawn"}, {"decision": ""}, {"digest": ""}, {"digest": "0" * 63}])
def test_a_form_that_was_tampered_with_decides_nothing(checker, request_, changes):
    response = checker.post(page_of(request_, "decide"), decision(request_, **changes))
    assert response.status_code == 422
    assert state_of(request_) == State.WAITING


def test_another_digest_than_the_request_s_is_refused_and_the_message_kept(checker, request_):
    response = checker.post(page_of(request_, "decide"), decision(request_, digest="0" * 64, message="typed long"))
    page = response.content.decode()
    assert response.status_code == 412
    assert "not the one that you looked at" in page
    assert "typed long" in page
    assert f'value="{request_.digest}"' in page
    assert state_of(request_) == State.WAITING


def test_a_late_checker_is_told_who_was_faster(checker, at_desk, house, second_checker, request_):
    late = at_desk(second_checker)
    assert 'name="digest"' in late.get(page_of(request_)).content.decode()
    checker.post(page_of(request_, "decide"), decision(request_))
    response = late.post(page_of(request_, "decide"), decision(request_, decision="rejected"))
    assert response.status_code == 409
    assert f"already approved by {house.checker.email}" in response.content.decode()
    assert task_of(request_).checker == house.checker


def test_a_stale_page_does_not_decide_a_later_task_of_the_request(checker, house, request_):
    """The first task was approved and failed, a second one waits: the page of the first decides nothing any more."""
    operator = UserFactory(username="operator")
    MembershipFactory(user=operator, organisation=house.organisation, is_operator=True)
    first = task_of(request_)
    house.approve(request_)
    _fail(house, request_)
    services.ask_for_retry(actor=house.actor(operator), request_id=request_.pk, message="try again")
    response = checker.post(f"/admin/workflows/admintask/{first.pk}/decide/", decision(request_))
    assert response.status_code == 409
    assert AdminTask.objects.get(request=request_, level=2).decision is None


def _fail(house, request):
    from workflows.execution import claim_due, record
    from workflows.intouch.outcomes import Outcome
    from workflows.set_up import keep_credential

    keep_credential(house.target, "Basic ZmFrZTpmYWtl")
    record(claim_due(request.pk), Outcome(CallOutcome.REFUSED, 400, "HTTP 400"))


def test_a_decided_task_says_who_decided_and_what(checker, house, request_):
    checker.post(page_of(request_, "decide"), decision(request_, message="promised by the store"))
    page = checker.get(page_of(request_)).content.decode()
    assert "promised by the store" in page
    assert house.checker.email in page
    assert 'name="digest"' not in page


@pytest.mark.parametrize("is_superuser", [False, True])
def test_the_maker_sees_why_they_may_not_decide_and_cannot(at_desk, house, request_, is_superuser):
    membership = house.membership(house.maker)
    membership.is_checker = True
    membership.save()
    house.maker.is_superuser = is_superuser
    house.maker.save()
    maker = at_desk(house.maker)
    page = maker.get(page_of(request_)).content.decode()
    assert "You made this request yourself" in page
    assert 'name="digest"' not in page
    response = maker.post(page_of(request_, "decide"), decision(request_))
    assert response.status_code == 403
    assert state_of(request_) == State.WAITING


@pytest.mark.parametrize("role", ["auditor", "maker"])
def test_who_is_no_checker_sees_why_and_cannot(at_desk, house, request_, role):
    person = UserFactory(username="reader")
    MembershipFactory(user=person, organisation=house.organisation, **{f"is_{role}": True})
    client = at_desk(person)
    assert "You need CanCheckRequest" in client.get(page_of(request_)).content.decode()
    assert client.post(page_of(request_, "decide"), decision(request_)).status_code == 403
    assert state_of(request_) == State.WAITING


def test_a_checker_of_another_till_cannot(at_desk, house, request_):
    person = UserFactory(username="far-away")
    MembershipFactory(user=person, organisation=house.organisation, is_checker=True, tills=["1"])
    client = at_desk(person)
    assert "outside your scope" in client.get(page_of(request_)).content.decode()
    assert client.post(page_of(request_, "decide"), decision(request_)).status_code == 403


def test_rights_that_were_taken_away_since_the_page_was_opened_count(checker, house, request_):
    membership = house.membership(house.checker)
    membership.is_checker = False
    membership.save()
    assert checker.post(page_of(request_, "decide"), decision(request_)).status_code == 403
    assert state_of(request_) == State.WAITING


def test_the_maker_withdraws(at_desk, house, request_):
    maker = at_desk(house.maker)
    assert "Withdraw" in maker.get(page_of(request_)).content.decode()
    response = maker.post(page_of(request_, "withdraw"), {"message": "typed by mistake"})
    assert response.status_code == 302
    assert state_of(request_) == State.WITHDRAWN
    assert task_of(request_).message == "typed by mistake"


def test_nobody_else_withdraws(checker, request_):
    assert "Withdraw" not in checker.get(page_of(request_)).content.decode()
    assert checker.post(page_of(request_, "withdraw"), {"message": ""}).status_code == 403
    assert state_of(request_) == State.WAITING


def test_what_was_decided_is_not_withdrawn(at_desk, house, request_):
    house.approve(request_)
    assert at_desk(house.maker).post(page_of(request_, "withdraw"), {}).status_code == 409
    assert state_of(request_) == State.EXECUTING


def test_an_operator_asks_for_another_try_and_may_not_decide_it(at_desk, house, request_):
    operator = UserFactory(username="operator")
    MembershipFactory(user=operator, organisation=house.organisation, is_operator=True, is_checker=True)
    house.approve(request_)
    _fail(house, request_)
    client, page = at_desk(operator), f"/admin/workflows/workflowrequest/{request_.pk}/"
    assert "Ask for another try" in client.get(f"{page}change/").content.decode()
    assert client.post(f"{page}retry/", {"message": "unblocked"}).status_code == 302
    assert state_of(request_) == State.WAITING
    second = AdminTask.objects.get(request=request_, level=2)
    shown = client.get(f"/admin/workflows/admintask/{second.pk}/change/").content.decode()
    assert "You asked for this retry yourself" in shown


def test_a_checker_cannot_ask_for_another_try(checker, house, request_):
    house.approve(request_)
    _fail(house, request_)
    page = f"/admin/workflows/workflowrequest/{request_.pk}/"
    assert "Ask for another try" not in checker.get(f"{page}change/").content.decode()
    assert checker.post(f"{page}retry/", {"message": "unblocked"}).status_code == 403
    assert state_of(request_) == State.FAILED


def test_the_story_is_told_oldest_first(checker, house, request_):
    from workflows.execution import claim_due, record
    from workflows.intouch.outcomes import Outcome

    house.approve(request_)
    record(claim_due(request_.pk), Outcome(CallOutcome.CREDITED, 201))
    page = checker.get(page_of(request_)).content.decode()
    chapters = [
        f"{house.maker.email} made the request", f"{house.checker.email} approved", "Try 1: Intouch was called",
        "Intouch confirmed: credited",
    ]  # fmt: skip
    places = [page.index(chapter) for chapter in chapters]
    assert places == sorted(places)


@pytest.mark.parametrize("verb", ["decide", "withdraw"])
def test_a_get_changes_nothing(at_desk, house, request_, verb):
    for user in (house.checker, house.maker):
        assert at_desk(user).get(page_of(request_, verb), decision(request_)).status_code == 405
    assert state_of(request_) == State.WAITING
    assert AuditEvent.objects.filter(request=request_).count() == 1


def test_the_page_itself_takes_no_post(checker, request_):
    assert checker.post(page_of(request_), decision(request_)).status_code == 405
    assert state_of(request_) == State.WAITING


@pytest.mark.parametrize("verb", ["decide", "withdraw"])
def test_without_a_csrf_token_nothing_happens(at_desk, house, request_, verb):
    client = at_desk(house.checker, enforce_csrf_checks=True)
    assert client.post(page_of(request_, verb), decision(request_)).status_code == 403
    assert state_of(request_) == State.WAITING


def test_with_the_token_of_the_page_it_does(at_desk, house, request_):
    client = at_desk(house.checker, enforce_csrf_checks=True)
    token = client.get(page_of(request_)).context["csrf_token"]
    response = client.post(page_of(request_, "decide"), decision(request_, csrfmiddlewaretoken=str(token)))
    assert response.status_code == 302
    assert state_of(request_) == State.EXECUTING


def test_who_is_not_logged_in_is_sent_to_the_log_in(client, request_):
    for verb in ("change", "decide"):
        assert client.post(page_of(request_, verb), decision(request_))["Location"].startswith("/admin/login/")
    assert state_of(request_) == State.WAITING


def test_only_the_last_three_things_that_happened_stand_open_on_a_task(at_desk, house):
    request = house.submit()
    client = at_desk(house.checker)
    assert "earlier</summary>" not in client.get(page_of(request)).content.decode()
    house.approve(request)
    record(claim_due(request.pk), Outcome(CallOutcome.CREDITED, 201))
    page = client.get(page_of(request)).content.decode()
    _before, earlier = page.split("1 earlier</summary>")
    folded, latest = earlier.split("</details>", 1)
    assert "made the request" in folded
    assert latest.split("</ol>")[0].count("<li") == 3


def test_a_task_leads_to_those_before_and_after_it_that_wait(at_desk, house):
    first, second, third = house.submit(), house.submit(), house.submit()
    client = at_desk(house.checker)

    def around(request):
        context = client.get(page_of(request)).context
        return [task.request if task else None for task in (context["previous_task"], context["next_task"])]

    assert around(first) == [None, second]
    assert around(second) == [first, third]
    assert around(third) == [second, first]
    house.approve(second)
    assert around(third) == [first, first]

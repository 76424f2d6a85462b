"""People without API access ask for points on a page; the very validation and service of the API answer them."""

from __future__ import annotations

import re

import pytest

from accounts.models import Membership
from tests.factories import MembershipFactory, ProgramFactory, TargetFactory, set_terms
from tests.house import FAKE_CREDENTIAL
from workflows import services, set_up
from workflows.execution import claim_due, record
from workflows.intouch.outcomes import Outcome
from workflows.models import AdminTask, CallOutcome, Decision, RequestSource, WorkflowRequest
from workflows.states import State

PAGE = "/admin/new/goodwill-points/"


@pytest.fixture
def house(house):
    """The house, whose target keeps a credential of its own."""
    set_up.keep_credential(house.target, FAKE_CREDENTIAL)
    return house


@pytest.fixture
def maker(at_desk, house):
    return at_desk(house.maker)


def written(house, **changes):
    """What a maker writes into the form."""
    return {
        "reference": "admin-1", "customer": "382332518", "points": "20", "program": str(house.program.program_id),
        "reason": "the parcel was late", "comments": "called twice", "awarding_till": "", "concept": "50678331",
        "zone": "50682286", "store": "50682288", "till": "50682289", **changes,
    }  # fmt: skip


def field(page: str, name: str) -> str:
    """The tag of a field, with what it holds."""
    found = re.search(rf'<(input|select|textarea)[^>]*name="{name}"[^>]*>', page)
    assert found is not None, name
    return found[0]


def test_a_maker_asks_and_stands_before_the_request_which_waits(maker, house):
    answer = maker.post(PAGE, written(house), follow=True)
    request = WorkflowRequest.objects.get()
    assert answer.redirect_chain == [(f"/admin/workflows/admintask/{request.tasks.get().pk}/change/", 302)]
    page = answer.content.decode()
    assert "Sent: 20 for customer 382332518. It waits for a checker now." in page
    assert "Withdraw your request" in page
    assert (request.maker, request.source, request.state) == (house.maker, RequestSource.ADMIN, State.WAITING)
    assert (request.till_id, request.concept_id, request.reason) == ("50682289", "50678331", "the parcel was late")
    assert request.goodwill.comments == "called twice"
    assert request.content["body"]["awardingTillId"] == 50682289
    assert request.secret is None


def test_a_double_click_makes_one_request(maker, house):
    first, second = maker.post(PAGE, written(house)), maker.post(PAGE, written(house))
    assert first["Location"] == second["Location"]
    assert "there is only this one" in maker.get(second["Location"]).content.decode()
    assert WorkflowRequest.objects.count() == 1


def test_every_load_of_the_page_is_a_request_of_its_own(maker):
    references = {field(maker.get(PAGE).content.decode(), "reference") for _ in range(2)}
    assert len(references) == 2


def test_a_form_that_was_sent_and_changed_says_so_and_can_be_sent_as_a_second_one(maker, house):
    maker.post(PAGE, written(house))
    answer = maker.post(PAGE, written(house, points="21"))
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "was sent before, with other content" in page
    reference = re.search(r'value="([^"]+)"', field(page, "reference"))[1]
    assert maker.post(PAGE, written(house, points="21", reference=reference)).status_code == 302
    assert sorted(WorkflowRequest.objects.values_list("amount", flat=True)) == [20, 21]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("points", "0", "Must be greater than 0 and at most 10000."),
        ("points", "10001", "Must be greater than 0 and at most 10000."),
        ("points", "1.5", "Must be a whole number."),
        ("points", "many", "Enter a number."),
        ("points", "NaN", "Enter a number."),
        ("customer", "0", "greater than or equal to 1"),
        ("customer", str(2**63), "less than or equal to"),
        ("customer", "", "This field is required."),
        ("reason", "   ", "This field is required."),
        ("reason", "x" * 1001, "at most 1000 characters"),
        ("comments", "x" * 1001, "at most 1000 characters"),
        ("program", "4711", "Select a valid choice"),
        ("till", "", "This field is required."),
        ("till", "front desk", "so say which till awards the points"),
        ("zone", "x" * 65, "at most 64 characters"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_sent(maker, house, name, value, sentence):
    answer = maker.post(PAGE, written(house, **{name: value}))
    page = answer.content.decode()
    assert answer.status_code in (400, 422)
    assert sentence in page
    assert "payload." not in page
    shown_at = "awarding_till" if value == "front desk" else name
    assert 'aria-invalid="true"' in field(page, shown_at)
    assert "the parcel was late" in page or name == "reason"
    assert not WorkflowRequest.objects.exists()


def test_line_breaks_and_control_characters_become_spaces(maker, house):
    maker.post(PAGE, written(house, comments="one\r\ntwo\x0bthree", reason="late\x07"))
    request = WorkflowRequest.objects.get()
    assert (request.goodwill.comments, request.reason) == ("one two three", "late")


def test_markup_is_shown_as_text(maker, house):
    page = maker.post(PAGE, written(house, reason="<script>alert(1)</script>", points="0")).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_reason_is_chosen_where_the_organisation_keeps_a_catalogue(maker, house):
    set_terms(house.policy, reasons=("late parcel", "broken item"))
    page = maker.get(PAGE).content.decode()
    assert field(page, "reason").startswith("<select")
    assert '<option value="late parcel">' in page
    assert maker.post(PAGE, written(house)).status_code == 422
    assert maker.post(PAGE, written(house, reason="broken item")).status_code == 302


def test_the_scope_of_the_maker_gives_the_choices_and_only_those_are_taken(maker, house):
    membership = house.membership(house.maker)
    membership.tills = ["50682289", "50682290"]
    membership.save()
    page = maker.get(PAGE).content.decode()
    assert field(page, "till").startswith("<select")
    assert field(page, "store").startswith("<input")
    assert maker.post(PAGE, written(house, till="4711")).status_code == 422
    assert maker.post(PAGE, written(house, till="50682290")).status_code == 302


def test_the_next_form_starts_where_the_last_request_came_from(maker, house):
    maker.post(PAGE, written(house, store="the corner shop"))
    assert 'value="the corner shop"' in field(maker.get(PAGE).content.decode(), "store")


def test_with_several_targets_the_maker_chooses_one(maker, house):
    assert 'name="target"' not in maker.get(PAGE).content.decode()
    other = TargetFactory(organisation=house.organisation, origin="https://second.example.com")
    set_up.keep_credential(other, FAKE_CREDENTIAL)
    assert maker.post(PAGE, written(house)).status_code == 422
    assert maker.post(PAGE, written(house, target="https://second.example.com")).status_code == 302
    assert WorkflowRequest.objects.get().target == other


def test_a_target_without_a_credential_of_its_own_cannot_be_used_from_here(maker, house):
    TargetFactory(organisation=house.organisation, origin="https://second.example.com")
    assert 'name="target"' not in maker.get(PAGE).content.decode()
    assert maker.post(PAGE, written(house, target="https://second.example.com")).status_code == 302
    assert WorkflowRequest.objects.get().target == house.target


def _no_credential(house):
    set_up.keep_credential(house.target, None)
    return "no Intouch target of this organisation keeps a credential"


def _no_workflow(house):
    set_terms(house.policy, is_enabled=False)
    return "switched off"


def _no_program(house):
    house.program.delete()
    return "has no program yet"


@pytest.mark.parametrize("take_away", [_no_credential, _no_workflow, _no_program])
def test_where_nothing_can_be_made_a_sentence_stands_instead_of_the_form(maker, house, take_away):
    sentence = take_away(house)
    for answer in (maker.get(PAGE), maker.post(PAGE, written(house))):
        page = answer.content.decode()
        assert sentence in page
        assert 'name="points"' not in page
    assert not WorkflowRequest.objects.exists()


def test_what_the_policy_approves_by_itself_is_shown_as_being_carried_out(maker, house):
    set_terms(house.policy, auto_approval="all")
    answer = maker.post(PAGE, written(house), follow=True)
    assert "needs no checker" in answer.content.decode()
    assert not AdminTask.objects.exists()


@pytest.mark.parametrize("who", ["checker", "auditor"])
def test_who_is_no_maker_finds_no_form(at_desk, house, who):
    client = at_desk(getattr(house, who))
    assert client.get(PAGE).status_code == client.post(PAGE, written(house)).status_code == 403
    assert PAGE not in client.get("/admin/").content.decode()
    assert not WorkflowRequest.objects.exists()


def test_a_maker_finds_the_form_from_every_page(maker):
    assert f'href="{PAGE}"' in maker.get("/admin/").content.decode()


def test_a_maker_of_two_organisations_chooses_one(maker, house, other_house):
    MembershipFactory(user=house.maker, organisation=other_house.organisation, is_maker=True)
    set_up.keep_credential(other_house.target, FAKE_CREDENTIAL)
    address = f"{PAGE}?organisation={other_house.organisation.pk}"
    assert other_house.program.name in maker.get(address).content.decode()
    assert maker.post(address, written(other_house)).status_code == 302
    assert WorkflowRequest.objects.get().organisation == other_house.organisation


def test_nobody_asks_in_an_organisation_in_which_they_are_no_maker(maker, other_house):
    address = f"{PAGE}?organisation={other_house.organisation.pk}"
    assert maker.get(address).status_code == maker.post(address, written(other_house)).status_code == 403
    assert not WorkflowRequest.objects.exists()


def test_the_programs_of_other_organisations_are_not_offered(maker, house, other_house):
    ProgramFactory(organisation=other_house.organisation, program_id=999, name="Foreign program")
    assert "Foreign program" not in maker.get(PAGE).content.decode()


def test_a_type_without_a_form_has_no_page(maker):
    for address in ("/admin/new/earn-badge/", "/admin/new/GOODWILL-POINTS/"):
        assert maker.get(address).status_code == 404


def test_without_a_csrf_token_nothing_is_made(at_desk, house):
    client = at_desk(house.maker, enforce_csrf_checks=True)
    assert client.post(PAGE, written(house)).status_code == 403
    assert not WorkflowRequest.objects.exists()


def test_the_page_costs_the_same_number_of_queries_however_much_there_is(maker, house, django_assert_max_num_queries):
    for number in range(30):
        ProgramFactory(organisation=house.organisation, program_id=9000 + number)
        house.submit()
    with django_assert_max_num_queries(12):
        maker.get(PAGE)


def my_requests(client):
    """The list behind the link "My requests" of the form: the page, and its rows."""
    (link,) = re.findall(r'href="([^"]+)">My requests', client.get(PAGE).content.decode())
    answer = client.get(link)
    return answer.content.decode(), answer.context["cl"].rows


def test_makers_see_what_became_of_their_requests_and_what_the_checker_wrote(maker, house):
    credited, rejected = house.submit(), house.submit()
    house.approve(credited)
    record(claim_due(credited.pk), Outcome(CallOutcome.CREDITED, 201))
    services.decide(
        actor=house.actor(house.checker), request_id=rejected.pk, decision=Decision.REJECTED, message="it was on time"
    )
    mine, _rows = my_requests(maker)
    for text in ("Credited", "approved in a test", "Rejected", "it was on time"):
        assert text in mine, text


@pytest.mark.parametrize("kind", ["asked of one", "automatic", "of two levels"])
def test_my_requests_hold_each_request_once_whether_a_checker_was_asked_or_not(maker, house, kind):
    if kind == "automatic":
        set_terms(house.policy, auto_approval="all")
    if kind == "of two levels":
        Membership.objects.filter(user=house.colleague).update(is_supervisor=True)
        two = [{"role": "checker"}, {"role": "supervisor"}]
        set_terms(house.policy, default={"kind": "levels", "levels": two})
    request = house.submit()
    if kind == "of two levels":
        house.approve(request)
        assert request.tasks.count() == 2
    _page, rows = my_requests(maker)
    assert [row.request for row in rows] == [request]
    assert rows[0].message == ("approved in a test" if kind == "of two levels" else "")


def test_my_requests_are_nobody_else_s_and_what_was_written_is_for_their_maker(at_desk, house):
    house.approve(house.submit())
    Membership.objects.filter(user=house.checker).update(is_maker=True)
    page, rows = my_requests(checker := at_desk(house.checker))
    assert not rows
    assert "You have asked for nothing yet." in page
    assert "approved in a test" not in checker.get("/admin/workflows/workflowrequest/").content.decode()


def test_home_leads_to_all_that_a_maker_made(maker, house):
    link = "/admin/workflows/workflowrequest/?made_by=me"
    assert f'href="{link}">See what became of them' in maker.get("/admin/").content.decode()
    house.submit()
    assert f'href="{link}">All that you made' in maker.get("/admin/").content.decode()

"""The lists: who finds what where, in which order, by which search."""

from __future__ import annotations

import re

import pytest

from accounts.actors import actors_of
from tests.admin.conftest import task_of
from tests.factories import MembershipFactory, UserFactory
from workflows import desk, policies, services
from workflows.models import AdminTask

TASKS, REQUESTS = "/admin/workflows/admintask/", "/admin/workflows/workflowrequest/"
GOODWILL, AUDIT = "/admin/goodwill/goodwillrequest/", "/admin/workflows/auditevent/"


def listed(client, address):
    """The ids of the rows of a list, top to bottom."""
    response = client.get(address)
    assert response.status_code == 200, response
    return re.findall(r'class="row-link" href="/admin/\w+/\w+/([^/]+)/change/"', response.content.decode())


def ids(*requests):
    return [str(task_of(request).pk) for request in requests]


def test_the_desk_shows_what_waits_for_me_oldest_first(at_desk, house):
    first, second = house.submit(), house.submit()
    assert listed(at_desk(house.checker), TASKS) == ids(first, second)


def test_the_order_can_be_turned_round(at_desk, house):
    first, second = house.submit(), house.submit()
    assert listed(at_desk(house.checker), f"{TASKS}?order=newest") == ids(second, first)


def test_every_tab_holds_what_its_name_says(at_desk, house):
    membership = house.membership(house.checker)
    membership.is_maker = True
    membership.save()
    theirs, own, decided = house.submit(), house.submit(maker=house.checker), house.submit()
    house.approve(decided)
    client = at_desk(house.checker)
    assert listed(client, TASKS) == ids(theirs)
    assert listed(client, f"{TASKS}?show=mine") == ids(own)
    assert listed(client, f"{TASKS}?show=waiting") == ids(theirs, own)
    assert listed(client, f"{TASKS}?show=decided") == ids(decided)


def test_an_unknown_tab_is_the_first(at_desk, house):
    request = house.submit()
    assert listed(at_desk(house.checker), f"{TASKS}?show=nonsense") == ids(request)


@pytest.mark.parametrize(
    "membership",
    [
        {"is_checker": True},
        {"is_checker": True, "tills": ["50682289"]},
        {"is_checker": True, "tills": ["1"]},
        {"is_checker": True, "stores": ["50682288"], "zones": ["50682286"], "concepts": ["50678331"]},
        {"is_checker": True, "zones": ["1"]},
        {"is_maker": True},
        {"is_auditor": True},
        {"is_checker": True, "is_active": False},
    ],
)
def test_what_waits_for_somebody_is_what_the_policy_lets_them_decide(house, other_house, membership):
    """The query and `policies.why_not_decide` say the same of every open task."""
    person = UserFactory(username="somebody")
    MembershipFactory(user=person, organisation=house.organisation, **membership)
    MembershipFactory(user=person, organisation=other_house.organisation, is_checker=True, is_maker=True)
    house.submit()
    other_house.submit()
    other_house.submit(maker=person)
    services.withdraw(actor=house.actor(house.maker), request_id=house.submit().pk)
    actors = actors_of(person.pk)
    expected = {
        task.pk
        for task in AdminTask.objects.filter(decision=None).select_related("request")
        if task.organisation_id in actors
        and policies.why_not_decide(actors[task.organisation_id], task.request, task) is None
    }
    assert set(desk.waiting_for(actors).values_list("pk", flat=True)) == expected


def test_a_row_says_why_its_reader_may_not_decide_it(at_desk, house):
    house.submit()
    assert "You need CanCheckRequest" in at_desk(house.auditor).get(f"{TASKS}?show=waiting").content.decode()


@pytest.mark.parametrize("by", ["customer", "reference", "request", "number"])
@pytest.mark.parametrize("address", [f"{TASKS}?show=waiting&", f"{REQUESTS}?", f"{AUDIT}?", f"{GOODWILL}?"])
def test_the_search_finds_by(at_desk, house, by, address):
    wanted = house.submit(earningEntityId=4411)
    house.submit()
    terms = {
        "customer": "4411", "reference": wanted.reference_id, "request": str(wanted.pk),
        "number": str(wanted.goodwill.request_number),
    }  # fmt: skip
    rows = {
        TASKS: task_of(wanted).pk, REQUESTS: wanted.pk, AUDIT: wanted.events.get().pk, GOODWILL: wanted.goodwill.pk,
    }  # fmt: skip
    expected = str(rows[address.partition("?")[0]])
    assert listed(at_desk(house.auditor), f"{address}q={terms[by]}") == [expected]


@pytest.mark.parametrize("term", ["99999999999999999999999", "-1", "٣", "%00", "' OR 1=1", "%", "x" * 3000])
def test_a_strange_search_finds_nothing_and_breaks_nothing(at_desk, house, term):
    house.submit()
    for address in (f"{TASKS}?show=waiting&", f"{REQUESTS}?", f"{GOODWILL}?"):
        response = at_desk(house.auditor).get(f"{address}q={term}")
        assert response.status_code == 200
        if term != "%00":
            assert "Nothing here matches" in response.content.decode()


@pytest.mark.parametrize(
    "address", [f"{TASKS}?show=waiting", f"{TASKS}?show=waiting&order=newest", f"{REQUESTS}?show=all"]
)
def test_pages_hold_every_row_once_forwards_and_backwards(at_desk, house, monkeypatch, address):
    from workflows.admin.base import DeskAdmin

    monkeypatch.setattr(DeskAdmin, "list_per_page", 2)
    for _ in range(5):
        house.submit()
    client = at_desk(house.auditor)
    pages, link = [], address
    while link:
        pages.append(listed(client, link))
        link = client.get(link).context["cl"].next_link
        link = link and address.partition("?")[0] + link
    assert [len(page) for page in pages] == [2, 2, 1]
    assert len({row for page in pages for row in page}) == 5
    last = client.get(_of_last_page(client, address)).context["cl"]
    assert listed(client, address.partition("?")[0] + last.previous_link) == pages[1]


def _of_last_page(client, address):
    path = address.partition("?")[0]
    while (following := client.get(address).context["cl"].next_link) is not None:
        address = path + following
    return address


@pytest.mark.parametrize("place", ["nonsense", "", "1~2", "2026-01-01"])
@pytest.mark.parametrize("address", [TASKS, REQUESTS])
def test_a_page_that_cannot_be_leads_to_the_first(at_desk, house, address, place):
    response = at_desk(house.auditor).get(f"{address}?after={place}")
    assert (response.status_code, response["Location"]) == (302, f"{address}?e=1")


def test_a_page_beyond_the_last_says_so(at_desk, house):
    house.submit()
    page = at_desk(house.auditor).get(f"{TASKS}?show=waiting&after={'9' * 40}").content.decode()
    assert "nothing on this page any more" in page


@pytest.mark.parametrize("lookup", ["request__secret__startswith=x", "digest=x", "request__payload__contains=x"])
def test_nothing_is_looked_up_that_no_filter_asks_for(at_desk, house, lookup):
    assert at_desk(house.auditor).get(f"{TASKS}?{lookup}").status_code == 400


def test_somebody_of_several_organisations_chooses_one(at_desk, house, other_house):
    MembershipFactory(user=house.checker, organisation=other_house.organisation, is_checker=True)
    here, there = house.submit(), other_house.submit()
    client = at_desk(house.checker)
    assert listed(client, TASKS) == ids(here, there)
    assert listed(client, f"{TASKS}?organisation=70001") == ids(there)


def test_an_organisation_that_is_not_mine_cannot_be_chosen(at_desk, house, other_house):
    here = house.submit()
    other_house.submit()
    assert listed(at_desk(house.checker), f"{TASKS}?organisation=70001") == ids(here)


@pytest.mark.parametrize(
    ("tab", "expected"),
    [("all", {"waiting", "executing", "rejected"}), ("waiting", {"waiting"}), ("executing", {"executing"}),
     ("declined", {"rejected"}), ("credited", set())],
)  # fmt: skip
def test_the_tabs_of_the_requests(at_desk, house, tab, expected):
    waiting, approved, rejected = house.submit(), house.submit(), house.submit()
    house.approve(approved)
    services.decide(actor=house.actor(house.checker), request_id=rejected.pk, decision="rejected", message="no")
    named = {"waiting": waiting, "executing": approved, "rejected": rejected}
    found = listed(at_desk(house.auditor), f"{REQUESTS}?show={tab}")
    assert set(found) == {str(named[name].pk) for name in expected}


def test_an_empty_list_says_what_to_do(at_desk, house):
    page = at_desk(house.checker).get(TASKS).content.decode()
    assert "Nothing waits in this list" in page


def test_the_home_page_counts_what_waits_and_leads_to_the_oldest(at_desk, house):
    oldest = house.submit()
    house.submit()
    page = at_desk(house.checker).get("/admin/").content.decode()
    assert '<strong class="big">2</strong>' in page
    assert f'href="/admin/workflows/admintask/{task_of(oldest).pk}/change/">Start with the oldest' in page


def test_the_home_page_of_a_checker_without_work_says_so(at_desk, house):
    assert "Nothing waits for you." in at_desk(house.checker).get("/admin/").content.decode()


def test_the_home_page_of_somebody_without_an_organisation_says_whom_to_ask(at_desk, house):
    page = at_desk(UserFactory(username="new")).get("/admin/").content.decode()
    assert "You belong to no organisation yet" in page


def test_counting_stops(house, monkeypatch):
    monkeypatch.setattr(desk, "MOST_COUNTED", 2)
    for _ in range(4):
        house.submit()
    assert str(desk.count_waiting(actors_of(house.checker.pk))) == "2+"


def test_what_is_paused_is_said_on_the_home_page(at_desk, house):
    from workflows.models import Pause

    Pause.objects.create(organisation=house.organisation, reason="Intouch is moved", paused_by=house.auditor)
    assert "Intouch is moved" in at_desk(house.checker).get("/admin/").content.decode()

"""Filters, views and the order of the big lists: one address says all of it."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.http import QueryDict
from django.utils import timezone

from accounts.actors import actors_of
from tests.admin.conftest import task_of
from tests.admin.test_lists import REQUESTS, TASKS, ids, listed
from tests.factories import ProgramFactory
from workflows import desk_filters, services
from workflows.admin import lists
from workflows.admin.base import DeskAdmin
from workflows.models import AdminTask, SavedView, WorkflowRequest


@contextmanager
def past_the_guards():
    """What was asked for is never changed: only a test sets it, where no service would."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        yield
        cursor.execute("SET session_replication_role = origin")


@pytest.fixture
def three(house):
    """Three requests that differ in everything a filter looks at."""
    other = ProgramFactory(
        organisation=house.organisation, program_id=9001, name="Gold", points_to_currency_ratio=Decimal("0.5")
    )
    rows = [
        house.submit(points=10, reason="Late delivery", earningEntityId=300),
        house.submit(points=200, reason="Damaged item", earningEntityId=100, programId=other.program_id),
        house.submit(points=3000, reason="late again", earningEntityId=200, maker=house.service_account),
    ]
    for number, row in enumerate(rows):
        place = {f"{name}_id": f"{name}-{number}" for name in ("concept", "zone", "store", "till")}
        with past_the_guards():
            WorkflowRequest.objects.filter(pk=row.pk).update(**place)
            AdminTask.objects.filter(request=row).update(opened_at=timezone.now() - timedelta(hours=30 * number))
    return rows


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("program=9001", [1]), ("reason=late", [0, 2]), ("maker=crm", [2]), ("points_from=200", [1, 2]),
        ("points_to=200", [0, 1]), ("points_from=11&points_to=2999.5", [1]), ("money_to=100", [0, 1]),
        ("money_from=100.01", [2]), ("older=24", [1, 2]), ("younger=24", [0]), ("older=24&younger=72", [1, 2]),
        ("concept=concept-1", [1]), ("zone=zone-0", [0]), ("store=store-2", [2]), ("till=till-1", [1]),
        ("reason=late&points_from=11&older=1", [2]), ("reason=nothing", []), ("reason=%25", []),
    ],
)  # fmt: skip
def test_filters_combine_in_one_address(at_desk, house, three, query, expected):
    found = listed(at_desk(house.checker), f"{TASKS}?{query}")
    assert found == ids(*(three[number] for number in expected))
    actors = actors_of(house.checker.pk)
    chosen = desk_filters.tasks_for(actors, QueryDict(query))
    assert {str(pk) for pk in chosen.values_list("pk", flat=True)} == set(found)


@pytest.mark.parametrize(
    "query", ["points_from=much", "older=5", "program=-1", "decided_from=yesterday", "reason=%00", "program=9" * 30]
)
def test_a_filter_that_cannot_be_read_shows_nothing_and_says_so(at_desk, house, three, query):
    client = at_desk(house.checker)
    page = client.get(f"{TASKS}?{query}").content.decode()
    assert "A filter could not be read" in page
    assert "field-error" in page
    assert not desk_filters.tasks_for(actors_of(house.checker.pk), QueryDict(query)).exists()


def test_decisions_are_found_by_day_and_person(at_desk, house, second_checker, three):
    house.approve(three[0])
    services.decide(actor=house.actor(second_checker), request_id=three[1].pk, decision="rejected", message="no")
    today = timezone.now().date()
    client, address = at_desk(house.checker), f"{TASKS}?show=decided"
    assert listed(client, f"{address}&by=me") == ids(three[0])
    assert listed(client, f"{address}&decision=rejected") == ids(three[1])
    assert listed(client, f"{address}&decided_from={today}&decided_to={today}") == ids(three[1], three[0])
    assert listed(client, f"{address}&decided_to={today - timedelta(days=1)}") == []


def test_a_day_begins_when_it_does_at_the_organisation(at_desk, house, three):
    house.organisation.time_zone = "Pacific/Kiritimati"
    house.organisation.save()
    house.approve(three[0])
    day = timezone.now().astimezone(house.organisation.zone).date()
    client = at_desk(house.checker)
    assert listed(client, f"{TASKS}?show=decided&decided_from={day}&decided_to={day}") == ids(three[0])


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_first_and_the_last_day_of_the_calendar_break_nothing(at_desk, house, three, zone):
    house.organisation.time_zone = zone
    house.organisation.save()
    house.approve(three[0])
    address = f"{TASKS}?show=decided&decided_from=0001-01-01&decided_to=9999-12-31"
    assert listed(at_desk(house.checker), address) == ids(three[0])


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("most-points", [2, 1, 0]), ("fewest-points", [0, 1, 2]), ("most-money", [2, 1, 0]), ("least-money", [0, 1, 2]),
        ("customer", [1, 2, 0]), ("customer-down", [0, 2, 1]), ("newest", [2, 1, 0]), ("nonsense", [0, 1, 2]),
    ],
)  # fmt: skip
def test_the_list_can_be_sorted_and_paged_in_any_order(at_desk, house, three, monkeypatch, order, expected):
    expected = ids(*(three[number] for number in expected))
    client, address = at_desk(house.checker), f"{TASKS}?order={order}"
    assert listed(client, address) == expected
    monkeypatch.setattr(DeskAdmin, "list_per_page", 1)
    walked, changelist = [], client.get(address).context["cl"]
    while True:
        walked += [str(task.pk) for task in changelist.result_list]
        if changelist.next_link is None:
            break
        changelist = client.get(TASKS + changelist.next_link).context["cl"]
    assert walked == expected
    back = client.get(TASKS + changelist.previous_link).context["cl"]
    assert [str(task.pk) for task in back.result_list] == [expected[1]]


def test_equal_amounts_are_paged_without_loss(at_desk, house, monkeypatch):
    monkeypatch.setattr(DeskAdmin, "list_per_page", 2)
    made = [house.submit(points=20) for _ in range(5)]
    client, link, seen = at_desk(house.checker), "?order=most-points", []
    while link:
        changelist = client.get(TASKS + link).context["cl"]
        seen += [task.request_id for task in changelist.result_list]
        link = changelist.next_link
    assert sorted(seen) == sorted(row.pk for row in made)
    assert len(seen) == 5


def test_what_has_no_amount_stands_last_and_is_not_lost(at_desk, house, three):
    with past_the_guards():
        for rows in (WorkflowRequest.objects.filter(pk=three[2].pk), AdminTask.objects.filter(request=three[2])):
            rows.update(amount=None, money=None)
    assert listed(at_desk(house.checker), f"{TASKS}?order=most-points") == ids(three[1], three[0], three[2])


def test_a_page_looks_at_so_many_rows_and_the_next_one_goes_on(at_desk, house, monkeypatch):
    monkeypatch.setattr(lists, "MOST_READ", 3)
    made = [house.submit(reason="rare" if number == 0 else "usual") for number in range(7)]
    client, link, pages = at_desk(house.maker), "?show=mine&reason=rare", []
    while link:
        changelist = client.get(TASKS + link).context["cl"]
        pages.append(([task.pk for task in changelist.result_list], changelist.stopped_early))
        link = changelist.next_link
    assert pages == [([], True), ([], True), ([task_of(made[0]).pk], False)]


@pytest.mark.parametrize("show", ["for-me", "waiting"])
@pytest.mark.parametrize("order", ["oldest", "newest", "most-points", "customer"])
def test_what_waits_is_looked_through_whole_however_few_pass(at_desk, house, monkeypatch, show, order):
    """The first rows are looked up one by one; where they do not fill the page, the rest is found at once."""
    monkeypatch.setattr(lists, "FIRST_READ", 2)
    monkeypatch.setattr(DeskAdmin, "list_per_page", 2)
    made = [house.submit(reason="rare" if number % 3 == 0 else "usual", points=number + 1) for number in range(13)]
    house.approve(made[0])
    client, link, seen = at_desk(house.checker), f"?show={show}&reason=rare&order={order}", []
    while link:
        changelist = client.get(TASKS + link).context["cl"]
        assert not changelist.stopped_early
        assert changelist.result_list
        seen += [task.request for task in changelist.result_list]
        link = changelist.next_link
    backwards = order in ("newest", "most-points")
    assert seen == sorted(made[3::3], key=lambda request: request.pk, reverse=backwards)
    before = client.get(f"{TASKS}?{urlencode({'show': show, 'reason': 'rare', 'before': task_of(made[9]).pk})}")
    assert [task.request for task in before.context["cl"].result_list] == [made[3], made[6]]


def test_a_list_of_requests_is_filtered_too(at_desk, house, three):
    client = at_desk(house.auditor)
    assert listed(client, f"{REQUESTS}?program=9001") == [str(three[1].pk)]
    assert listed(client, f"{REQUESTS}?automatic=yes") == []
    today = timezone.now().date()
    assert len(listed(client, f"{REQUESTS}?made_from={today}&made_to={today}")) == 3
    assert listed(client, f"{REQUESTS}?ended_from={today}&ended_to={today}") == []


def test_a_filter_widens_nothing(at_desk, house, other_house, three):
    theirs = other_house.submit(reason="late too")
    found = listed(at_desk(house.checker), f"{TASKS}?reason=late&organisation=70001")
    assert str(task_of(theirs).pk) not in found
    tasks = desk_filters.tasks_for(actors_of(house.checker.pk), QueryDict("show=waiting&organisation=70001"))
    assert set(tasks.values_list("organisation", flat=True)) == {house.organisation.pk}


def test_every_filter_of_the_address_is_said_and_can_be_taken_away(at_desk, house, three):
    changelist = at_desk(house.checker).get(f"{TASKS}?reason=late&program=2739&order=most-points").context["cl"]
    assert [str(said.text) for said in changelist.said_filters] == [f"{house.program.name} (2739)", "late"]
    without = {str(said.text): said.link for said in changelist.said_filters}["late"]
    assert QueryDict(without[1:]) == QueryDict("program=2739&order=most-points")


SAVE, DROP = f"{TASKS}views/save/", f"{TASKS}views/drop/"


def test_a_view_is_kept_named_and_dropped(at_desk, house, three):
    client = at_desk(house.checker)
    query = "show=waiting&reason=late&order=most-points"
    answer = client.post(SAVE, {"name": "  Late\nones ", "query": f"{query}&after=7&foo=bar"})
    view = SavedView.objects.get(user=house.checker)
    assert view.name == "Late ones"
    assert QueryDict(view.query) == QueryDict(query)
    page = client.get(answer["Location"]).content.decode()
    assert "Late ones" in page
    assert listed(client, f"{TASKS}?{view.query}") == ids(three[2], three[0])
    client.post(DROP, {"view": view.pk, "query": view.query})
    assert not SavedView.objects.exists()


def test_a_name_is_given_once_whatever_its_case(at_desk, house):
    client = at_desk(house.checker)
    for name, query in (("Big", "points_from=100"), ("BIG", "points_from=500")):
        client.post(SAVE, {"name": name, "query": query})
    assert [(view.name, view.query) for view in SavedView.objects.all()] == [("BIG", "points_from=500")]


@pytest.mark.parametrize("name", ["", " ", "x" * 61])
def test_a_view_needs_a_name_that_fits(at_desk, house, name):
    at_desk(house.checker).post(SAVE, {"name": name, "query": "show=waiting"})
    assert not SavedView.objects.exists()


def test_views_belong_to_the_person_and_the_list(at_desk, house):
    mine = SavedView.objects.create(user=house.checker, page="admintask", name="private view", query="show=waiting")
    other = at_desk(house.auditor)
    assert "private view" not in other.get(TASKS).content.decode()
    assert "private view" not in at_desk(house.checker).get(REQUESTS).content.decode()
    for number in (str(mine.pk), "0", "x", "9" * 30):
        other.post(DROP, {"view": number})
    assert SavedView.objects.get() == mine


@pytest.mark.parametrize("address", [SAVE, DROP, f"{TASKS}export/"])
def test_views_and_exports_are_made_by_post_with_a_token_alone(at_desk, house, address):
    assert at_desk(house.checker).get(address).status_code == 405
    assert at_desk(house.checker, enforce_csrf_checks=True).post(address, {"name": "x"}).status_code == 403

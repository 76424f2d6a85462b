"""The home page: every number is that of the list behind its link."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from tests.admin.test_filters import past_the_guards
from tests.factories import MembershipFactory
from workflows import desk, desk_figures, services
from workflows.execution import claim_due, record
from workflows.intouch.outcomes import Outcome
from workflows.models import AdminTask, CallOutcome, DayCredits, DayFigures, WorkflowRequest

HOME = "/admin/"


def home(client):
    return client.get(HOME).context["home"]


def rows_behind(client, link):
    """How many rows the list at a link has."""
    response = client.get(link)
    assert response.status_code == 200
    return len(response.context["cl"].result_list)


def decided_on(request, *, days_ago, waited=timedelta(hours=1)):
    """Move what was decided into the past, where no service would."""
    at = timezone.now() - timedelta(days=days_ago)
    with past_the_guards():
        AdminTask.objects.filter(request=request).update(opened_at=at - waited, decided_at=at)
        WorkflowRequest.objects.filter(pk=request.pk).update(created_at=at - waited)


def credited_on(request, *, days_ago):
    with connection.cursor() as cursor, past_the_guards():
        cursor.execute(
            "UPDATE workflows_workflowrequest SET state = 'credited', ended_at = %s, due_at = NULL, secret = NULL"
            " WHERE id = %s",
            [timezone.now() - timedelta(days=days_ago), request.pk],
        )


@pytest.fixture
def waiting(house):
    """Four requests that wait, of three ages."""
    made = [house.submit(points=points) for points in (10, 20, 30, 40)]
    for request, hours in zip(made, (0, 2, 2, 200), strict=True):
        with past_the_guards():
            AdminTask.objects.filter(request=request).update(opened_at=timezone.now() - timedelta(hours=hours))
    return made


def test_what_waits_is_counted_and_summed(at_desk, house, waiting):
    client = at_desk(house.checker)
    found = home(client).waiting
    assert (found.number, found.points, found.money, found.is_capped) == (4, 100, 100, False)
    assert found.oldest == AdminTask.objects.get(request=waiting[3]).opened_at
    page = client.get(HOME).content.decode()
    assert '<strong class="big">100</strong>' in page
    assert '<strong class="big">100.00</strong>' in page


def test_every_bar_of_the_ages_is_the_list_behind_it(at_desk, house, waiting):
    client = at_desk(house.checker)
    bars = home(client).by_age.bars
    assert [bar.text for bar in bars] == ["1", "2", "0", "0", "0", "1"]
    assert [str(rows_behind(client, bar.link)) for bar in bars] == [bar.text for bar in bars]


def test_summing_stops(at_desk, house, waiting, monkeypatch):
    monkeypatch.setattr(desk_figures, "MOST_SUMMED", 2)
    client = at_desk(house.checker)
    assert home(client).waiting.is_capped
    assert "or more" in client.get(HOME).content.decode()


def test_what_i_decided_today_is_counted(at_desk, house, second_checker):
    for person in (house.checker, second_checker):
        house.approve(house.submit(), checker=person)
    house.approve(old := house.submit())
    decided_on(old, days_ago=2)
    client = at_desk(house.checker)
    assert home(client).decided_today == rows_behind(client, home(client).decided_link) == 1


def _columns(client, name):
    """The day's numbers, newest day first, and how many rows are behind each link."""
    columns = getattr(home(client), name).columns
    told = [[part.text for part in column.parts] for column in reversed(columns)]
    behind = [[str(rows_behind(client, part.link)) for part in column.parts] for column in reversed(columns[-4:])]
    return told, behind


@pytest.mark.parametrize("closed", [False, True])
def test_the_decisions_of_every_day_are_those_of_the_lists(at_desk, house, closed):
    for days_ago, decision in ((0, "approved"), (1, "approved"), (1, "rejected"), (1, "approved"), (3, "rejected")):
        request = house.submit()
        services.decide(actor=house.actor(house.checker), request_id=request.pk, decision=decision, message="so")
        decided_on(request, days_ago=days_ago)
    with past_the_guards():
        yesterday = timezone.now() - timedelta(days=1)
        WorkflowRequest.objects.filter(pk=house.submit().pk).update(auto_approved=True, created_at=yesterday)
    if closed:
        desk_figures.close_days()
        assert DayFigures.objects.filter(organisation=house.organisation).count() >= 29
    told, behind = _columns(at_desk(house.auditor), "decisions")
    assert (
        told[:4] == behind == [["1", "0", "0", "0"], ["2", "1", "1", "0"], ["0", "0", "0", "0"], ["0", "0", "1", "0"]]
    )


def test_what_failed_is_counted_until_it_is_tried_again(at_desk, house):
    request = house.submit()
    with past_the_guards():
        WorkflowRequest.objects.filter(pk=request.pk).update(
            state="failed",
            secret=None,
            ended_at=timezone.now() - timedelta(days=1),
            created_at=timezone.now() - timedelta(days=2),
        )
    desk_figures.close_days()
    client = at_desk(house.auditor)
    told, behind = _columns(client, "decisions")
    assert told[1] == behind[1] == ["0", "0", "0", "1"]


def test_the_time_to_decision_is_its_median_and_its_95th_percentile(at_desk, house):
    for minutes in (10, 20, 60):
        house.approve(request := house.submit())
        decided_on(request, days_ago=1, waited=timedelta(minutes=minutes))
    for _closed in range(2):
        assert _columns(at_desk(house.auditor), "times")[0][1] == ["20 min", "56 min"]
        desk_figures.close_days()


@pytest.mark.parametrize("closed", [False, True])
def test_the_points_credited_per_program_are_those_of_the_list(at_desk, house, closed):
    for days_ago, points in ((0, 10), (2, 25), (40, 1000)):
        house.approve(request := house.submit(points=points))
        credited_on(request, days_ago=days_ago)
    if closed:
        desk_figures.close_days()
        assert DayCredits.objects.get().points == Decimal(25)
    client = at_desk(house.auditor)
    (bar,) = home(client).programs.bars
    assert (bar.label, bar.text) == (house.program.name, "35")
    listed = client.get(bar.link).context["cl"].result_list
    assert sum(request.amount for request in listed) == 35


def test_a_day_is_closed_once_and_only_when_it_is_over(house):
    house.approve(request := house.submit())
    decided_on(request, days_ago=1)
    assert desk_figures.close_days() > 0
    assert desk_figures.close_days() == 0
    today = timezone.now().date()
    assert not DayFigures.objects.filter(day__gte=today).exists()


def test_a_maker_sees_what_became_of_their_requests(at_desk, house):
    house.submit()
    services.decide(
        actor=house.actor(house.checker), request_id=house.submit().pk, decision="rejected", message="no ticket found"
    )
    client = at_desk(house.maker)
    found = home(client)
    assert found.waiting is None
    assert found.month is None
    assert {str(row.chip.label): row.number for row in found.made if row.number} == {"Waiting": 1, "Not approved": 1}
    assert all(rows_behind(client, row.link) == row.number for row in found.made)
    assert "no ticket found" in client.get(HOME).content.decode()


def test_a_maker_reads_what_became_of_an_approved_request_and_not_that_it_was_approved(at_desk, house):
    request = house.approve(house.submit())
    record(claim_due(request.pk), Outcome(CallOutcome.REFUSED, 400, "HTTP 400"))
    services.decide(
        actor=house.actor(house.checker), request_id=house.submit().pk, decision="rejected", message="no ticket found"
    )
    lately = home(at_desk(house.maker)).decided_lately
    assert [(str(chip.label), chip.tone) for _task, chip in lately] == [("Rejected", "no"), ("Failed", "bad")]


def test_what_arrives_while_the_page_is_made_breaks_it_not(at_desk, house, monkeypatch):
    client, summary = at_desk(house.checker), desk.summary

    def and_then_one_arrives(actors):
        found = summary(actors)
        house.submit()
        return found

    monkeypatch.setattr(desk, "summary", and_then_one_arrives)
    response = client.get(HOME)
    assert (response.status_code, response.context["home"].waiting.number) == (200, 1)
    assert "Start with the oldest" not in response.content.decode()


def test_an_auditor_sees_what_waits_in_all(at_desk, house, waiting):
    client = at_desk(house.auditor)
    found = home(client)
    assert found.waiting.number == rows_behind(client, found.waiting_link) == 4


@pytest.mark.parametrize("role", ["is_auditor", "is_operator"])
def test_a_maker_who_reads_everything_sees_what_waits_in_all_as_well(at_desk, house, waiting, role):
    membership = house.membership(house.maker)
    setattr(membership, role, True)
    membership.save()
    page = at_desk(house.maker).get(HOME).content.decode()
    assert re.search(r'wait in all</dt><dd><a href="[^"]*show=waiting"><strong class="big">4</strong>', page)
    assert "Your requests that wait for a checker" in page


def test_the_plots_are_of_one_organisation_that_can_be_chosen(at_desk, house, other_house):
    MembershipFactory(user=house.auditor, organisation=other_house.organisation, is_auditor=True)
    other_house.approve(other_house.submit())
    client = at_desk(house.auditor)
    chosen = client.get(f"{HOME}?organisation=70001").context["home"]
    assert chosen.organisation.organisation == other_house.organisation
    part = chosen.decisions.columns[-1].parts[0]
    assert (part.text, rows_behind(client, part.link)) == ("1", 1)
    assert client.get(f"{HOME}?organisation=1").context["home"].decisions.columns[-1].parts[0].text == "0"


def test_every_link_of_the_page_leads_somewhere(at_desk, house, waiting):
    house.approve(house.submit())
    client = at_desk(house.checker)
    links = set(re.findall(r'href="(/admin/workflows/[^"]*)"', client.get(HOME).content.decode()))
    assert len(links) > 20
    assert {client.get(link.replace("&amp;", "&")).status_code for link in links} == {200}


def test_makers_are_offered_a_new_request_and_nobody_else_is(at_desk, house):
    panel = '<a class="button primary" href="/admin/new/goodwill-points/">New request</a>'
    assert panel in at_desk(house.maker).get(HOME).content.decode()
    assert panel not in at_desk(house.checker).get(HOME).content.decode()

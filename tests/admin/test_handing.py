"""Claiming, releasing and handing over at the desk: by POST alone, and seen by the others."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from tests.admin.conftest import decision, page_of, task_of
from tests.factories import MembershipFactory, UserFactory
from tests.house import House
from workflows.models import AuditEvent

LIST = "/admin/workflows/admintask/?show=waiting"


@pytest.fixture
def supervisor(house: House) -> User:
    user: User = MembershipFactory(
        user=UserFactory(username="sam"), organisation=house.organisation, is_checker=True, is_supervisor=True
    ).user
    return user


def text(client: Client, page: str) -> str:
    answer = client.get(page, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_opening_a_task_claims_nothing(house, at_desk):
    request = house.submit()
    assert "I am looking at it" in text(at_desk(house.checker), page_of(request))
    assert task_of(request).claimed_by is None
    assert not AuditEvent.objects.filter(action="task.claimed").exists()


def test_the_others_see_who_is_looking_and_the_claimer_can_leave_it(house, at_desk):
    request = house.submit()
    mine, theirs = at_desk(house.checker), at_desk(house.colleague)
    assert mine.post(page_of(request, "claim")).status_code == 302
    assert "You are looking at this since" in text(mine, page_of(request))
    page = text(theirs, page_of(request))
    assert f"{house.checker.email} is looking at this since" in page
    assert "I am looking at it" not in page
    assert 'name="decision" value="approved"' in page, "it binds nobody"
    assert re.search(rf"{house.checker.username} is looking, since \d\d:\d\d UTC", text(theirs, LIST))
    mine.post(page_of(request, "release"))
    assert "is looking, since" not in text(theirs, LIST)


def test_a_claim_that_comes_second_is_told(house, at_desk):
    request = house.submit()
    at_desk(house.checker).post(page_of(request, "claim"))
    theirs = at_desk(house.colleague)
    assert (
        "Somebody else is looking at it already" in theirs.post(page_of(request, "claim"), follow=True).content.decode()
    )
    assert "You were not looking" in theirs.post(page_of(request, "release"), follow=True).content.decode()
    assert task_of(request).claimed_by == house.checker


def test_a_supervisor_hands_a_task_over_and_back(house, at_desk, supervisor):
    request, desk = house.submit(), at_desk(supervisor)
    page = text(desk, page_of(request))
    assert f'<option value="{house.colleague.pk}">{house.colleague.email}</option>' in page
    assert f'<option value="{house.maker.pk}">' not in page
    desk.post(page_of(request, "assign"), {"to": house.colleague.pk})
    assert f"Handed to {house.colleague.email}" in text(at_desk(house.checker), page_of(request))
    assert f"Handed to {house.colleague.username}" in text(at_desk(house.checker), LIST)
    refused = at_desk(house.checker).post(page_of(request, "decide"), decision(request))
    assert refused.status_code == 403
    desk.post(page_of(request, "assign"), {"to": ""})
    assert task_of(request).assigned_to is None


@pytest.mark.parametrize("to", ["maker", "nobody", "words", "negative"])
def test_it_is_handed_to_nobody_who_may_not_decide_it(house, at_desk, supervisor, to):
    request = house.submit()
    value = {"maker": house.maker.pk, "nobody": 10**30, "words": "x", "negative": -1}[to]
    page = at_desk(supervisor).post(page_of(request, "assign"), {"to": value}, follow=True).content.decode()
    assert "This person may not decide the task" in page
    assert task_of(request).assigned_to is None


def test_others_are_not_offered_to_hand_over_and_may_not(house, at_desk):
    request, checker = house.submit(), at_desk(house.checker)
    assert "Hand over" not in text(checker, page_of(request))
    page = checker.post(page_of(request, "assign"), {"to": house.colleague.pk}, follow=True).content.decode()
    assert "Only a supervisor can hand a task over" in page
    assert task_of(request).assigned_to is None


@pytest.mark.parametrize("verb", ["claim", "release", "assign"])
def test_it_is_done_by_post_with_a_token_and_within_the_organisation(house, other_house, at_desk, verb):
    request = house.submit()
    assert at_desk(house.checker).get(page_of(request, verb)).status_code == 405
    assert at_desk(house.checker, enforce_csrf_checks=True).post(page_of(request, verb)).status_code == 403
    stranger: Any = at_desk(other_house.checker)
    stranger.post(page_of(request, verb), {"to": other_house.checker.pk})
    assert not AuditEvent.objects.filter(request=request).exclude(action="request.submitted").exists()


def test_whoever_may_not_decide_sees_no_button(house, at_desk):
    request = house.submit()
    for person in (house.maker, house.auditor):
        page = text(at_desk(person), page_of(request))
        assert "I am looking at it" not in page
        assert "Hand over" not in page


def test_when_others_look_at_all_that_waits_the_page_says_so_and_not_that_nothing_waits(house, at_desk):
    first, second = house.submit(), house.submit()
    mine, theirs = at_desk(house.checker), at_desk(house.colleague)
    theirs.post(page_of(second, "claim"))
    before = text(mine, page_of(first))
    assert "Others are looking at everything else that waits for you" in before
    assert "Skip to the next task" not in before
    house.approve(first)
    after = text(mine, page_of(first))
    assert "Others are looking at everything else that waits for you" in after
    assert "Nothing else waits for you" not in after
    theirs.post(page_of(second, "release"))
    assert "Next task that waits for you" in text(mine, page_of(first))
    house.approve(second)
    assert "Nothing else waits for you" in text(mine, page_of(first))

"""Whoever alone can fill a later level does not approve an earlier one, as long as somebody else can."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership, User
from tests.admin.conftest import decision
from tests.api.gateway import gateway_of
from tests.factories import set_terms
from tests.house import House
from tests.policy.test_levels import member, open_task
from tests.workflows.journeys import reread
from workflows.errors import PermissionDenied
from workflows.models import BulkItem
from workflows.states import State

pytestmark = pytest.mark.django_db

SENTENCE = "You are needed for a later level of this request: leave this one to "


def asking_for(house: House, *levels: dict[str, Any]) -> None:
    set_terms(house.policy, default={"kind": "levels", "levels": list(levels)})


@pytest.fixture
def boss(house: House) -> User:
    """The only supervisor."""
    asking_for(house, {}, {"role": "supervisor"})
    return member(house, is_checker=True, is_supervisor=True)


def client_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_the_only_supervisor_is_told_who_could_take_the_first_level(house: House, boss: User) -> None:
    request = house.submit()
    answer = gateway_of(house, boss).decide(request.pk)
    assert (answer.status, answer.problems) == (403, [(2001, None)])
    names = ", ".join(sorted(person.display_name for person in (house.checker, house.colleague)))
    assert answer.json["errors"][0]["message"] == f"{SENTENCE}{names}."
    assert open_task(request).level == 1
    house.approve(request)
    assert house.approve(request, checker=boss).state == State.EXECUTING


def test_they_may_reject_it(house: House, boss: User) -> None:
    request = house.submit()
    assert gateway_of(house, boss).decide(request.pk, "rejected").status == 200
    assert reread(request).state == State.REJECTED


def test_one_of_two_supervisors_may_take_it(house: House, boss: User) -> None:
    other = member(house, is_checker=True, is_supervisor=True)
    request = house.submit()
    assert house.approve(request, checker=boss).state == State.WAITING
    assert house.approve(request, checker=other).state == State.EXECUTING


def test_where_nobody_else_could_either_they_may(house: House, boss: User) -> None:
    request = house.submit()
    Membership.objects.filter(user__in=[house.checker, house.colleague]).update(is_active=False)
    assert house.approve(request, checker=boss).state == State.WAITING
    assert reread(request).stuck_at is not None


def test_a_task_that_was_handed_to_them_can_be_handed_on(house: House, boss: User) -> None:
    request = house.submit()
    task = open_task(request)
    task.assigned_to = boss
    task.save()
    with pytest.raises(PermissionDenied, match=house.checker.display_name):
        house.approve(request, checker=boss)


def test_the_second_of_two_checkers_before_a_supervisor_counts_too(house: House, boss: User) -> None:
    asking_for(house, {"people": 2}, {"role": "supervisor"})
    request = house.submit()
    house.approve(request)
    with pytest.raises(PermissionDenied, match=f"leave this one to {house.colleague.display_name}"):
        house.approve(request, checker=boss)
    house.approve(request, checker=house.colleague)
    assert house.approve(request, checker=boss).state == State.EXECUTING


def test_the_page_says_so_before_they_decide_and_when_they_do(house: House, boss: User) -> None:
    request = house.submit()
    client, page = client_of(boss), f"/admin/workflows/admintask/{open_task(request).pk}/"
    assert "You are needed for a later level: leave the approval" in client.get(f"{page}change/").content.decode()
    answer = client.post(f"{page}decide/", decision(request))
    assert answer.status_code == 403
    assert SENTENCE in answer.content.decode()
    assert "You are needed" not in client_of(house.checker).get(f"{page}change/").content.decode()


def test_a_bulk_decision_leaves_it_undecided_and_says_why(house: House, boss: User) -> None:
    request = house.submit()
    client, task = client_of(boss), open_task(request)
    chosen = client.post("/admin/workflows/bulkrun/choose/", {"chosen": f"{task.pk}:{request.digest}"})
    start = chosen["Location"].replace("change/", "start/")
    (confirmed,) = BulkItem.objects.values_list("pk", flat=True)
    client.post(start, {"decision": "approved", "message": "all of them", "confirmed": str(confirmed)})
    assert SENTENCE in client.get(chosen["Location"]).content.decode()
    assert open_task(request).level == 1

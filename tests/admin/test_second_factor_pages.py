"""Nothing of the admin opens before the second factor, for those who need one."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from accounts import second_factor
from tests.accounts.test_second_factor import code_of

INDEX = "/admin/"
SHOW, SET_UP = "/admin/second-factor/", "/admin/second-factor/set-up/"


@pytest.fixture
def checker(client, house):
    client.force_login(house.checker)
    return house.checker


@pytest.fixture
def device(checker):
    device = second_factor.begin_set_up(checker)
    second_factor.confirm_set_up(checker, code_of(device))
    device.refresh_from_db()
    return device


def test_without_need_nobody_is_asked(client, checker):
    assert client.get(INDEX).status_code == 200


@pytest.mark.parametrize("page", ["admin:index", "admin:workflows_admintask_changelist", "admin:password_change"])
def test_every_page_leads_to_the_second_factor_first(client, device, page):
    address = reverse(page)
    assert client.get(address)["Location"] == f"{SHOW}?next={address}"


def test_the_right_code_opens_the_page_that_was_wanted(client, device):
    answer = client.post(SHOW, {"code": code_of(device, steps=1), "next": "/admin/workflows/admintask/"})
    assert answer["Location"] == "/admin/workflows/admintask/"
    assert client.get(INDEX).status_code == 200


def test_a_wrong_code_opens_nothing_and_says_so(client, device):
    answer = client.post(SHOW, {"code": "000000"})
    assert b"Wrong or used up" in answer.content
    assert client.get(INDEX).status_code == 302


def test_the_way_on_leads_to_no_other_host(client, device):
    answer = client.post(SHOW, {"code": code_of(device, steps=1), "next": "//evil.example/"})
    assert answer["Location"] == INDEX


def test_a_decision_by_hand_made_post_waits_for_it_too(client, house, device):
    request = house.submit()
    task = request.tasks.get()
    client.post(f"/admin/workflows/admintask/{task.pk}/decide/", {"decision": "approved", "message": "ok"})
    request.refresh_from_db()
    assert request.state == "waiting"


def test_a_checker_of_whom_it_is_required_sets_it_up_and_gets_recovery_codes(client, house, checker):
    house.organisation.requires_second_factor = True
    house.organisation.save()
    assert client.get(client.get(INDEX)["Location"])["Location"] == SET_UP
    assert b"data:image/svg+xml" in client.get(SET_UP).content
    answer = client.post(SET_UP, {"code": code_of(second_factor.begin_set_up(checker))})
    assert len(re.findall(rb"<code>([a-z2-7]{4} ?){4}</code>", answer.content)) == second_factor.RECOVERY_CODES
    assert client.get(INDEX).status_code == 200


def test_a_stolen_session_cannot_replace_the_device_without_it(client, device):
    assert client.get(SET_UP)["Location"] == SHOW
    assert client.post(SET_UP, {"code": "000000"})["Location"] == SHOW


def test_logging_out_works_before_it(client, device):
    assert client.post("/admin/logout/").status_code == 200

"""Everybody chooses for themselves when they want mail, and for their own organisations alone."""

from __future__ import annotations

import pytest

from tests.factories import MembershipFactory, UserFactory
from workflows.models import MailChoice, MailTiming

PAGE = "/admin/notifications/"


def kept(user):
    return {(row.organisation_id, row.waiting, row.outcome) for row in MailChoice.objects.filter(user=user)}


def test_a_checker_chooses_when_to_be_told_of_what_waits(at_desk, house):
    client = at_desk(house.checker)
    page = client.get(PAGE).content.decode()
    assert house.checker.email in page
    assert '<option value="digest" selected>' in page
    assert "51250-outcome" not in page
    answer = client.post(PAGE, {"51250-waiting": "at_once"}, follow=True)
    assert "Your choice is kept." in answer.content.decode()
    assert '<option value="at_once" selected>' in answer.content.decode()
    assert kept(house.checker) == {(51250, MailTiming.AT_ONCE, MailTiming.AT_ONCE)}


def test_a_maker_chooses_when_to_be_told_of_an_outcome(at_desk, house):
    client = at_desk(house.maker)
    assert "51250-waiting" not in client.get(PAGE).content.decode()
    client.post(PAGE, {"51250-outcome": "off", "51250-waiting": "off"})
    assert kept(house.maker) == {(51250, MailTiming.DIGEST, MailTiming.OFF)}


def test_each_organisation_has_a_choice_of_its_own(at_desk, house, other_house):
    MembershipFactory(user=house.checker, organisation=other_house.organisation, is_checker=True, is_maker=True)
    client = at_desk(house.checker)
    client.post(PAGE, {"51250-waiting": "off", "70001-waiting": "at_once", "70001-outcome": "digest"})
    assert kept(house.checker) == {
        (51250, MailTiming.OFF, MailTiming.AT_ONCE), (70001, MailTiming.AT_ONCE, MailTiming.DIGEST),
    }  # fmt: skip


def test_nobody_chooses_in_an_organisation_that_is_not_theirs(at_desk, house, other_house):
    at_desk(house.checker).post(PAGE, {"51250-waiting": "off", "70001-waiting": "at_once"})
    assert set(MailChoice.objects.values_list("organisation", "user")) == {(51250, house.checker.pk)}


@pytest.mark.parametrize("value", ["", "sometimes"])
def test_what_is_no_choice_is_refused_at_its_field(at_desk, house, value):
    answer = at_desk(house.checker).post(PAGE, {"51250-waiting": value})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()
    assert not MailChoice.objects.exists()


def test_the_page_says_when_no_mail_can_reach_somebody(at_desk, house, settings):
    house.checker.email = ""
    house.checker.save()
    page = at_desk(house.checker).get(PAGE).content.decode()
    assert "This service sends no mail yet" in page
    assert "No e-mail address is known of you" in page
    settings.MAIL_ON = True
    assert "This service sends no mail yet" not in at_desk(house.checker).get(PAGE).content.decode()


def test_an_auditor_reads_that_there_is_nothing_to_choose(at_desk, house):
    assert "There is nothing to tell you by mail" in at_desk(house.auditor).get(PAGE).content.decode()


def test_the_page_is_for_members_and_one_click_away_for_them(at_desk, house, root, client):
    assert at_desk(root).get(PAGE).status_code == 403
    assert at_desk(UserFactory(username="new")).get(PAGE).status_code == 403
    assert client.get(PAGE)["Location"].startswith("/admin/login/")
    assert f'href="{PAGE}"' in at_desk(house.auditor).get("/admin/").content.decode()


def test_without_a_csrf_token_nothing_is_kept(at_desk, house):
    client = at_desk(house.checker, enforce_csrf_checks=True)
    assert client.post(PAGE, {"51250-waiting": "off"}).status_code == 403
    assert not MailChoice.objects.exists()

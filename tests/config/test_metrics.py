"""What a monitoring system is told, and whom it is told to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from accounts.models import Membership
from workflows.models import TargetBreaker, WorkflowRequest
from workflows.rules import stuck

TOKEN = "a-token-of-a-test"


@pytest.fixture
def scrape(client, settings):
    settings.METRICS_TOKEN = TOKEN

    def scrape() -> str:
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200
        return answer.content.decode()

    return scrape


def value(text: str, name: str) -> float:
    (line,) = [line for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
    return float(line.rpartition(" ")[2])


def test_open_requests_are_counted_by_state(house, scrape):
    house.submit()
    house.approve(house.submit())
    text = scrape()
    labels = 'organisation="51250",request_type="GOODWILL-POINTS"'
    assert f'goodwill_requests_open{{{labels},state="waiting"}} 1.0' in text
    assert f'goodwill_requests_open{{{labels},state="executing"}} 1.0' in text


def test_a_request_that_nobody_works_on_shows_its_age(house, scrape):
    request = house.approve(house.submit())
    assert value(scrape(), "goodwill_oldest_due_seconds") < 60
    WorkflowRequest.objects.filter(pk=request.pk).update(due_at=Now() - timedelta(hours=1))
    assert value(scrape(), "goodwill_oldest_due_seconds") >= 3600


def test_an_unknown_outcome_without_tries_left_is_an_alert(house, scrape):
    request = house.approve(house.submit())
    assert "goodwill_requests_given_up{" not in scrape()
    WorkflowRequest.objects.filter(pk=request.pk).update(state="unknown", due_at=None)
    assert value(scrape(), "goodwill_requests_given_up") == 1


def test_a_request_that_nobody_can_decide_is_an_alert(house, scrape):
    house.submit()
    assert "goodwill_requests_stuck{" not in scrape()
    Membership.objects.update(is_checker=False)
    stuck.check_all()
    assert value(scrape(), "goodwill_requests_stuck") == 1


def test_an_open_breaker_is_an_alert(house, scrape):
    assert value(scrape(), "goodwill_breakers_open") == 0
    TargetBreaker.objects.create(target=house.target, failures=9, open_until=Now() + timedelta(minutes=1))
    assert value(scrape(), "goodwill_breakers_open") == 1


@pytest.mark.parametrize("sent", ["", "Bearer wrong", "Bearer "])
def test_without_the_token_there_is_no_such_page(client, db, settings, sent):
    settings.METRICS_TOKEN = TOKEN
    assert client.get("/metrics", headers={"Authorization": sent}).status_code == 404


def test_without_a_configured_token_the_empty_one_opens_nothing(client, db):
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404

"""Guessing is slowed down, and nobody locks anybody else out."""

from __future__ import annotations

from uuid import uuid4

import pytest

from accounts import attempts
from accounts.credentials import person_by_password, user_by_basic
from accounts.errors import TooManyAttempts
from accounts.hashers import generate_secret
from tests.factories import PASSWORD


def guess(username: str, address: str, times: int) -> None:
    for _ in range(times):
        assert person_by_password(username, f"wrong-{uuid4()}", address) is None


@pytest.fixture
def maya(house):
    return house.maker


def test_an_address_that_guesses_on_an_account_has_to_wait_even_with_the_right_password(maya):
    guess(maya.username, "192.0.2.1", attempts.PAIR_LIMIT)
    with pytest.raises(TooManyAttempts) as refused:
        person_by_password(maya.username, PASSWORD, "192.0.2.1")
    assert refused.value.headers["Retry-After"] == str(attempts.WINDOW_SECONDS)


def test_the_owner_at_another_address_still_gets_in(maya):
    guess(maya.username, "192.0.2.1", attempts.PAIR_LIMIT)
    assert person_by_password(maya.username, PASSWORD, "192.0.2.2") == maya


def test_an_address_that_tries_many_accounts_has_to_wait(maya, monkeypatch):
    monkeypatch.setattr(attempts, "ADDRESS_LIMIT", 3)
    for number in range(3):
        guess(f"unknown-{number}", "192.0.2.1", 1)
    with pytest.raises(TooManyAttempts):
        person_by_password(maya.username, PASSWORD, "192.0.2.1")


def test_an_account_under_attack_from_everywhere_stays_open_where_it_was_used_before(maya, monkeypatch):
    monkeypatch.setattr(attempts, "ACCOUNT_LIMIT", 5)
    maya.set_password("another password")
    maya.save()
    assert person_by_password(maya.username, "another password", "198.51.100.7") == maya
    for number in range(5):
        guess(maya.username, f"192.0.2.{number}", 1)
    maya.set_password("a third password")
    maya.save()
    with pytest.raises(TooManyAttempts):
        person_by_password(maya.username, "a third password", "203.0.113.9")
    assert person_by_password(maya.username, "a third password", "198.51.100.7") == maya


def test_a_success_forgets_the_failures_of_the_pair(maya):
    guess(maya.username, "192.0.2.1", attempts.PAIR_LIMIT - 1)
    assert person_by_password(maya.username, PASSWORD, "192.0.2.1") == maya
    guess(maya.username, "192.0.2.1", attempts.PAIR_LIMIT - 1)
    assert person_by_password(maya.username, PASSWORD, "192.0.2.1") == maya


def test_people_can_log_in_while_the_cache_is_away(maya, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:9/0",
        }
    }
    guess(maya.username, "192.0.2.1", attempts.PAIR_LIMIT + 1)
    assert person_by_password(maya.username, PASSWORD, "192.0.2.1") == maya


def test_the_api_says_how_long_to_wait(client, maya):
    for _ in range(attempts.PAIR_LIMIT):
        body = {"username": maya.username, "password": f"wrong-{uuid4()}", "orgId": 51250}
        assert client.post("/auth/ui-token", body, content_type="application/json").status_code == 401
    refused = client.post("/auth/ui-token", body, content_type="application/json")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (429, 4290)
    assert refused["Retry-After"] == str(attempts.WINDOW_SECONDS)


def test_revoking_ends_every_ui_token_of_the_person_at_once(client, maya):
    body = {"username": maya.username, "password": PASSWORD, "orgId": 51250}
    tokens = [
        client.post("/auth/ui-token", body, content_type="application/json").json()["data"]["accessToken"]
        for _ in range(2)
    ]
    listing = "/api_gateway/v2/request-workflow/requests"
    assert [client.get(listing, headers={"X-CAP-UI-AUTH-TOKEN": token}).status_code for token in tokens] == [200, 200]
    assert client.post("/auth/ui-token/revoke", headers={"X-CAP-UI-AUTH-TOKEN": tokens[0]}).status_code == 200
    assert [client.get(listing, headers={"X-CAP-UI-AUTH-TOKEN": token}).status_code for token in tokens] == [401, 401]
    fresh = client.post("/auth/ui-token", body, content_type="application/json").json()["data"]["accessToken"]
    assert client.get(listing, headers={"X-CAP-UI-AUTH-TOKEN": fresh}).status_code == 200


def test_wrong_secrets_of_a_service_account_are_counted_and_the_right_one_is_taken_all_the_same(house):
    account, secret = house.service_account, house.service_secret
    for _ in range(attempts.PAIR_LIMIT):
        assert user_by_basic(account.username, generate_secret(), "192.0.2.1") is None
    with pytest.raises(TooManyAttempts):
        user_by_basic(account.username, generate_secret(), "192.0.2.1")
    assert user_by_basic(account.username, secret, "192.0.2.1") == account


def test_wrong_secrets_of_machines_close_the_address_to_passwords(maya, monkeypatch):
    monkeypatch.setattr(attempts, "ADDRESS_LIMIT", 3)
    for number in range(3):
        assert user_by_basic(f"machine-{number}", generate_secret(), "192.0.2.1") is None
    with pytest.raises(TooManyAttempts):
        person_by_password(maya.username, PASSWORD, "192.0.2.1")

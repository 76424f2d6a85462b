"""Sessions and log-ins are the desk's: elsewhere a cookie is no credential."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.api.gateway import REQUESTS
from tests.house import House


@pytest.fixture
def logged_in(house: House) -> Client:
    client = Client()
    client.force_login(house.checker)
    return client


def test_who_is_logged_in_at_the_desk_is_nobody_to_the_api(logged_in: Client) -> None:
    assert logged_in.get("/admin/").status_code == 200
    assert logged_in.get(REQUESTS).status_code == 401


@pytest.mark.parametrize("path", [REQUESTS, "/healthz", "/api/docs/"])
def test_outside_the_desk_a_request_has_no_session(logged_in: Client, path: str) -> None:
    assert not hasattr(logged_in.get(path).wsgi_request, "session")


def test_outside_the_desk_and_the_api_a_request_has_no_user(logged_in: Client) -> None:
    assert not hasattr(logged_in.get("/healthz").wsgi_request, "user")


def test_at_the_desk_it_has_both(logged_in: Client, house: House) -> None:
    request = logged_in.get("/admin/").wsgi_request
    assert request.session.session_key
    assert request.user == house.checker

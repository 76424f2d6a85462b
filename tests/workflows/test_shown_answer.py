"""A long answer of Intouch is shown in part, over the API and in the admin, and kept whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from tests.admin.conftest import page_of
from tests.api.gateway import Gateway, gateway_of
from tests.house import House
from tests.workflows.journeys import past_the_guards, write
from workflows.models import WorkflowRequest
from workflows.shown_answer import MOST_CHARACTERS, shown_answer
from workflows.states import State

MIB = 1024 * 1024


@pytest.fixture
def at() -> Callable[[User], Client]:
    """Somebody's browser."""

    def log_in(person: User) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return log_in


def answered(house: House, answer: Any) -> WorkflowRequest:
    """A credited request with this answer."""
    request = house.submit()
    with past_the_guards():
        ended = {"state": State.CREDITED, "ended_at": request.created_at, "secret": None}
        write(request, result=json.dumps(answer), **ended)
    request.refresh_from_db()
    return request


def of_body(body: Any, headers: Any = None) -> dict[str, Any]:
    return {"status": 201, "headers": headers or {"Server": ["x"]}, "body": body}


@pytest.mark.parametrize(
    "body", [{"createdId": 38, "warnings": []}, None, "text", ["x" * 16_000]], ids=lambda b: str(b)[:9]
)
def test_a_short_answer_is_shown_as_it_is(house: House, body: Any) -> None:
    assert shown_answer(answered(house, of_body(body))) == of_body(body)


@pytest.mark.parametrize(
    "body", ["x" * MIB, {"message": "x" * MIB}, [{"a": "x" * 99}] * 9_000], ids=["text", "object", "list"]
)
def test_a_long_one_is_cut_and_says_so_everywhere_and_stays_stored(house: House, at: Any, body: Any) -> None:
    request = answered(house, of_body(body))
    gateway: Gateway = gateway_of(house, house.auditor)

    single, listed = gateway.show(request.pk), gateway.list()
    page = at(house.auditor).get(f"/admin/workflows/workflowrequest/{request.pk}/change/").content.decode()

    for shown in (single.data, listed.data[0]):
        output = shown["details"]["IntouchAPITask_Output"]
        assert (output["status"], output["headers"]) == (201, {"Server": ["x"]})
        assert "characters in all]" in output["body"]
        assert len(output["body"]) < MOST_CHARACTERS + 100
    assert "characters in all]" in page
    assert len(page) < 8 * MOST_CHARACTERS
    assert request.answer is not None
    assert request.answer["body"] == body


def test_the_page_of_the_task_shows_no_more(house: House, at: Any) -> None:
    request = answered(house, of_body("x" * MIB))

    assert len(at(house.auditor).get(page_of(request)).content) < 8 * MOST_CHARACTERS


def test_long_headers_are_cut_too(house: House) -> None:
    headers = {f"X-{number}": ["y" * 1000] for number in range(50)}

    shown = shown_answer(answered(house, of_body({}, headers)))

    assert shown is not None
    assert shown["body"] == {}
    assert list(shown["headers"]) == ["X-0", "X-1", "X-2", "X-3", "…"]
    assert shown["headers"]["…"] == ["[cut: 50 headers in all]"]

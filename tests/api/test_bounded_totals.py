"""A list is counted to a bound and no further, and says so."""

from __future__ import annotations

import pytest

from tests.api.gateway import Gateway
from tests.api.rows import request_of
from wire import pages


def test_a_list_beyond_the_bound_says_that_there_are_more_and_still_gives_every_page(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [request_of(gateway.house) for _ in range(4)]
    monkeypatch.setattr(pages, "MOST_COUNTED", 3)

    first, last, beyond = (gateway.list(f"limit=2&PageNo={number}").json for number in (0, 2, 3))

    assert first["pagination"] == {
        "totalElements": 3, "totalPages": 2, "numberOfElements": 2, "number": 0, "totalIsLeast": True,
    }  # fmt: skip
    assert len(last["data"]) == len(made) + 1 - 4  # the template of the rows is one of them
    assert beyond["data"] == []


def test_a_list_of_exactly_the_bound_is_counted_whole(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        request_of(gateway.house)
    monkeypatch.setattr(pages, "MOST_COUNTED", 3)

    assert gateway.list().json["pagination"] == {
        "totalElements": 3, "totalPages": 1, "numberOfElements": 3, "number": 0,
    }  # fmt: skip

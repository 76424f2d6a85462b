"""The Intouch sandbox on a port of its own, and a house that calls it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.house import House
from tests.workflows.journeys import point_to
from tests.workflows.sandbox_client import Client, running


@pytest.fixture
def intouch() -> Iterator[Client]:
    with running() as client:
        yield client


@pytest.fixture
def calling_house(house: House, intouch: Client, settings: Any) -> House:
    """The house of a test that is rolled back; its target is the sandbox, within short bounds."""
    settings.INTOUCH_ALLOW_LOOPBACK = True
    settings.INTOUCH_READ_SECONDS = 1.0
    settings.INTOUCH_TOTAL_SECONDS = 1.0
    return point_to(house, intouch)

"""A committed house with two checkers, and the sandbox that it calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import User
from tests.factories import MembershipFactory, UserFactory
from tests.house import House
from tests.workflows.journeys import point_to
from tests.workflows.sandbox_client import Client, running


@pytest.fixture
def intouch() -> Iterator[Client]:
    with running() as client:
        yield client


@pytest.fixture
def house(committed_house: House, intouch: Client, settings: Any) -> House:
    settings.INTOUCH_ALLOW_LOOPBACK = True
    settings.INTOUCH_BREAKER_FAILURES = 1000
    return point_to(committed_house, intouch)


@pytest.fixture
def other_checker(house: House) -> User:
    user = UserFactory(username="other-checker")
    MembershipFactory(user=user, organisation=house.organisation, is_checker=True)
    return user

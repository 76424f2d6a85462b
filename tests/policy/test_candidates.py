"""Whom a submission finds for its levels is whom `people.eligible` names, though the statement is written out."""

from __future__ import annotations

import itertools
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from accounts.models import User
from tests.factories import MembershipFactory, UserFactory
from tests.house import House
from wire.messages import send
from workflows.rules import people
from workflows.terms.document import Level, Role

RIGHTS: list[dict[str, Any]] = [
    {},
    {"is_checker": True, "is_supervisor": True},
    {"is_administrator": True},
    {"is_checker": True, "is_active": False},
    {"is_checker": True, "decides_up_to": 20},
    {"is_checker": True, "stores": ["store"]},
    {"is_checker": True, "stores": ["store", "other"], "tills": ["till"]},
    {"is_checker": True, "zones": ["elsewhere"]},
    {"is_checker": True, "is_supervisor": True, "concepts": ["concept"]},
]
LEVELS = [
    *[Level(role=role) for role in Role],
    Level(stores=("store",)),
    Level(stores=("store", "other"), tills=("till",)),
    Level(concepts=("concept",), role=Role.SUPERVISOR),
    Level(zones=("elsewhere",)),
]
PLACE = SimpleNamespace(concept_id="concept", zone_id="zone", store_id="store", till_id="till")


@pytest.fixture
def members(house: House) -> list[User]:
    found = [UserFactory(username=f"member-{number}") for number in range(len(RIGHTS))]
    for user, rights in zip(found, RIGHTS, strict=True):
        MembershipFactory(user=user, organisation=house.organisation, **rights)
    return found


@pytest.mark.parametrize("level", LEVELS, ids=str)
def test_a_level_has_as_many_candidates_as_there_are_eligible_members(
    house: House, members: list[User], level: Level
) -> None:
    chosen: list[tuple[int, ...]] = [(), (members[1].pk, members[5].pk), (house.checker.pk,)]
    for place, amount, users in itertools.product([None, PLACE], [None, Decimal(20), Decimal(21)], chosen):
        asked = level.model_copy(update={"users": users})
        where: dict[str, Any] = {"organisation_id": house.organisation.pk, "place": place, "amount": amount}
        able = people.eligible(level=asked, **where).exclude(user_id=house.colleague.pk).count()
        for places in (able, able + 1):
            levels = [asked.model_copy(update={"people": places})] if places else []
            (short,) = send(people.unfillable(levels, **where, without=[house.colleague.pk]))
            assert short == ([1] if places > able else [])

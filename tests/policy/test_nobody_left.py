"""What nobody could decide is refused when it is asked for: matching people and deciding bar the same ones."""

from __future__ import annotations

import pytest
from django.db import transaction

from accounts import access
from accounts.models import Membership
from tests.house import House
from workflows.errors import NobodyCanDecide

pytestmark = pytest.mark.django_db


@pytest.fixture
def alone(house: House) -> House:
    """The house with one checker left."""
    Membership.objects.filter(user=house.colleague).update(is_checker=False)
    return house


def test_the_only_checker_gave_the_maker_the_means_to_log_in(alone: House) -> None:
    with transaction.atomic():
        access.note_given(alone.maker, by=alone.checker, what=access.Change.PASSWORD_SET)
    with pytest.raises(NobodyCanDecide):
        alone.submit()


def test_somebody_else_gave_the_maker_the_means_to_log_in(alone: House) -> None:
    with transaction.atomic():
        access.note_given(alone.maker, by=alone.auditor, what=access.Change.PASSWORD_SET)
    alone.approve(alone.submit())


def test_the_only_checker_has_left(alone: House) -> None:
    Membership.objects.filter(user=alone.checker).update(is_active=False)
    with pytest.raises(NobodyCanDecide):
        alone.submit()


def test_the_only_checker_has_access_that_nobody_confirmed(alone: House) -> None:
    with transaction.atomic():
        access.note_given(alone.checker, by=alone.auditor, what=access.Change.PASSWORD_SET)
    with pytest.raises(NobodyCanDecide):
        alone.submit()


def test_the_only_checker_asks_themselves(alone: House) -> None:
    Membership.objects.filter(user=alone.checker).update(is_maker=True)
    with pytest.raises(NobodyCanDecide):
        alone.submit(maker=alone.checker)


@pytest.mark.parametrize("scope", ["concepts", "zones", "stores", "tills"])
def test_the_only_checker_decides_elsewhere(alone: House, scope: str) -> None:
    Membership.objects.filter(user=alone.checker).update(**{scope: ["elsewhere"]})
    with pytest.raises(NobodyCanDecide):
        alone.submit()


def test_the_only_checker_decides_smaller_amounts(alone: House) -> None:
    Membership.objects.filter(user=alone.checker).update(decides_up_to=19)
    with pytest.raises(NobodyCanDecide):
        alone.submit(points=20)
    alone.approve(alone.submit(points=19))

"""An organisation that is set up: two administrators, and a third person of each kind that matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from accounts.models import User
from tests.factories import MembershipFactory, UserFactory
from tests.house import House
from workflows import execution, services
from workflows.models import Decision, WorkflowRequest


@dataclass
class Council:
    """The house and its administrators; `ada` proposes, `bob` approves."""

    house: House
    ada: User
    bob: User

    def decide(
        self, request: WorkflowRequest, decision: Decision = Decision.APPROVED, *, who: User | None = None
    ) -> WorkflowRequest:
        return services.decide(
            actor=self.house.actor(who or self.bob), request_id=request.pk, decision=decision, message="looked at"
        )

    def carry(self, request: WorkflowRequest) -> WorkflowRequest:
        """Approve, and carry out as a worker does."""
        self.decide(request)
        execution.execute(request.pk)
        request.refresh_from_db()
        return request


def council_of(house: House) -> Council:
    people = {name: UserFactory(username=f"{name}-{house.organisation.pk}") for name in ("ada", "bob")}
    for person in people.values():
        MembershipFactory(user=person, organisation=house.organisation, is_administrator=True)
    return Council(house, **people)


@pytest.fixture
def council(house: House) -> Council:
    return council_of(house)


@pytest.fixture
def committed_council(committed_house: House) -> Any:
    return council_of(committed_house)

"""People at the desk: a client for each, and the task of a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.factories import MembershipFactory, UserFactory
from workflows.models import AdminTask, WorkflowRequest


@pytest.fixture
def at_desk() -> Callable[..., Client]:
    """Log somebody in; `enforce_csrf_checks` as Django's client knows it."""

    def log_in(user: Any, **options: Any) -> Client:
        client = Client(**options)
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def root(house: Any) -> Any:
    """A platform administrator who is a member of nothing."""
    return UserFactory(username="root", is_superuser=True)


@pytest.fixture
def other_house(house: Any) -> Any:
    """A second organisation with its own people."""
    from tests.house import build_house

    return build_house(organisation_id=70001)


@pytest.fixture
def second_checker(house: Any) -> Any:
    checker = UserFactory(username="second-checker")
    MembershipFactory(user=checker, organisation=house.organisation, is_checker=True)
    return checker


def task_of(request: WorkflowRequest) -> AdminTask:
    return AdminTask.objects.get(request=request)


def page_of(request: WorkflowRequest, verb: str = "change") -> str:
    return f"/admin/workflows/admintask/{task_of(request).pk}/{verb}/"


def decision(request: WorkflowRequest, **changes: Any) -> dict[str, Any]:
    """What the form on the page sends."""
    return {"decision": "approved", "message": "looks right", "digest": request.digest, "go_on": "on", **changes}

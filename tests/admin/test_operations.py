"""The operators' page: what is stuck stands first, and every act is audited."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.urls import reverse

from accounts.models import Membership
from tests.factories import MembershipFactory
from tests.house import build_house
from workflows.models import AuditEvent, Pause, TargetBreaker, WorkflowRequest
from workflows.rules import stuck

LIST = "/admin/workflows/delivery/"


@pytest.fixture
def operator(client, house):
    person = MembershipFactory(organisation=house.organisation, is_operator=True).user
    client.force_login(person)
    return person


@pytest.fixture
def given_up(house):
    """A request of unknown outcome without a try left."""
    request = house.approve(house.submit())
    WorkflowRequest.objects.filter(pk=request.pk).update(
        state="unknown", due_at=None, tries=20, last_error="sent, no usable answer: ReadTimeoutError"
    )
    return request


def page(client, query: str = "") -> str:
    answer = client.get(f"{LIST}{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_what_needs_a_person_comes_first_with_tries_and_last_error(client, operator, given_up):
    text = page(client)
    assert given_up.reference_id in text
    assert "none: a person has to look" in text
    assert "ReadTimeoutError" in text
    assert ">20<" in text


def test_reconciling_makes_it_due_and_is_audited(client, operator, given_up):
    client.post(reverse("admin:workflows_delivery_push", args=[given_up.pk]))
    given_up.refresh_from_db()
    assert given_up.due_at is not None
    event = AuditEvent.objects.get(request=given_up, action="operator.reconciled")
    assert (event.actor, event.details["tries"]) == (operator, 20)


def test_a_request_that_a_worker_holds_is_left_alone(client, operator, given_up):
    WorkflowRequest.objects.filter(pk=given_up.pk).update(due_at=Now(), lease_expires_at=Now() + timedelta(minutes=1))
    client.post(reverse("admin:workflows_delivery_push", args=[given_up.pk]))
    assert not AuditEvent.objects.filter(action="operator.reconciled").exists()


def test_pausing_and_resuming_is_seen_and_audited(client, house, operator):
    client.post(f"{LIST}pause/", {"organisation": house.organisation.pk, "request_type": "", "reason": "maintenance"})
    pause = Pause.objects.get()
    assert "maintenance" in page(client)
    client.post(f"{LIST}resume/", {"pause": pause.pk})
    assert not Pause.objects.exists()
    actions = AuditEvent.objects.filter(action__startswith="operator.").order_by("id").values_list("action", flat=True)
    assert list(actions) == ["operator.paused", "operator.resumed"]


def test_a_pause_needs_a_reason(client, house, operator):
    client.post(f"{LIST}pause/", {"organisation": house.organisation.pk, "reason": ""})
    assert not Pause.objects.exists()
    assert "Say why" in page(client)


def test_a_target_that_is_left_alone_is_named(client, house, operator):
    TargetBreaker.objects.create(
        target=house.target, failures=9, open_until=Now() + timedelta(minutes=1), last_error="not sent"
    )
    assert house.target.origin in page(client)


def test_an_auditor_reads_and_changes_nothing(client, house, given_up):
    client.force_login(house.auditor)
    assert given_up.reference_id in page(client)
    client.post(reverse("admin:workflows_delivery_push", args=[given_up.pk]))
    client.post(f"{LIST}pause/", {"organisation": house.organisation.pk, "reason": "no"})
    given_up.refresh_from_db()
    assert (given_up.due_at, Pause.objects.count()) == (None, 0)


@pytest.mark.parametrize("role", ["maker", "checker"])
def test_others_do_not_see_the_page(client, house, given_up, role):
    client.force_login(getattr(house, role))
    assert client.get(LIST).status_code == 403


def test_an_operator_of_another_organisation_sees_and_changes_nothing(client, given_up):
    other = build_house(70001)
    Membership.objects.filter(user=other.auditor).update(is_operator=True)
    client.force_login(other.auditor)
    assert given_up.reference_id not in page(client, "?show=unknown")
    client.post(reverse("admin:workflows_delivery_push", args=[given_up.pk]))
    client.post(f"{LIST}pause/", {"organisation": given_up.organisation_id, "reason": "no"})
    given_up.refresh_from_db()
    assert (given_up.due_at, Pause.objects.count()) == (None, 0)


@pytest.mark.parametrize("key", ["", "x", "-1", "1.5", "9" * 19, "9" * 30, "1 OR 1=1", "٣", "None"])
def test_a_pause_that_is_not_there_cannot_be_ended(client, house, operator, key):
    client.post(f"{LIST}pause/", {"organisation": house.organisation.pk, "request_type": "", "reason": "maintenance"})
    client.post(f"{LIST}resume/", {"pause": key})
    assert "There is no such pause any more" in page(client)
    assert Pause.objects.count() == 1


def test_what_nobody_can_decide_is_named_to_operators_of_its_organisation(client, house, operator):
    request = house.submit()
    assert request.reference_id not in page(client)
    Membership.objects.filter(organisation=house.organisation).update(is_checker=False)
    stuck.check_organisation(house.organisation.pk)
    text = page(client)
    assert "Nobody can decide these" in text
    assert request.reference_id in text
    other = build_house(70001)
    Membership.objects.filter(user=other.auditor).update(is_operator=True)
    client.force_login(other.auditor)
    assert request.reference_id not in page(client)

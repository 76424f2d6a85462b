"""The operators' commands: pause, resume, requeue, reconcile; audited, and nothing is done in a dry run."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from accounts.models import Membership
from tests.house import House, build_house
from workflows import execution
from workflows.models import AuditEvent, LimitUse, Pause, TargetBreaker, WorkflowRequest
from workflows.states import State


@pytest.fixture
def house(committed_house: House) -> House:
    """The auditor of the house is its operator too."""
    Membership.objects.filter(user=committed_house.auditor).update(is_operator=True)
    return committed_house


def command(house: House, name: str, *arguments: Any, username: str = "") -> str:
    said = StringIO()
    who = username or house.auditor.username
    call_command(name, *map(str, arguments), "--org", house.organisation.pk, "--as", who, stdout=said)
    return said.getvalue()


def waiting(house: House, state: State, **changes: Any) -> WorkflowRequest:
    """An approved request that waits in this state for a next try that is far away."""
    request = house.approve(house.submit())
    later = {"state": state, "due_at": Now() + timedelta(hours=1), "tries": 3, "last_error": "HTTP 503"} | changes
    WorkflowRequest.objects.filter(pk=request.pk).update(**later)
    return request


def acts() -> list[tuple[str, str]]:
    """Every act of an operator in the audit trail, and who did it."""
    events = AuditEvent.objects.filter(action__startswith="operator.").order_by("id")
    return [(event.action, event.actor.username) for event in events if event.actor is not None]


@pytest.mark.parametrize(
    ("name", "state", "other", "action"),
    [
        ("requeue", State.EXECUTING, State.UNKNOWN, "operator.requeued"),
        ("reconcile", State.UNKNOWN, State.EXECUTING, "operator.reconciled"),
    ],
)
class TestMakingDue:
    def test_what_waits_in_its_state_is_made_due_and_audited(self, house, name, state, other, action):
        pushed, left = waiting(house, state), waiting(house, other)
        assert "1 made due" in command(house, name)
        assert execution.due_ids(10) == [pushed.pk]
        assert left.pk not in execution.due_ids(10)
        event = AuditEvent.objects.get(action=action)
        assert (event.actor, event.request_id, event.details["tries"]) == (house.auditor, pushed.pk, 3)

    def test_a_dry_run_names_it_and_does_nothing(self, house, name, state, other, action):
        request = waiting(house, state)
        said = command(house, name, "--dry-run")
        assert f"{request.pk} {state} tries=3 HTTP 503" in said
        assert "nothing was done" in said
        assert (execution.due_ids(10), acts()) == ([], [])

    def test_of_several_only_those_that_are_named_are_pushed(self, house, name, state, other, action):
        named, _ = waiting(house, state), waiting(house, state)
        command(house, name, named.pk)
        assert execution.due_ids(10) == [named.pk]

    def test_one_that_a_worker_holds_is_left_alone(self, house, name, state, other, action):
        waiting(house, state, lease_expires_at=Now() + timedelta(minutes=1))
        assert "0 made due" in command(house, name)
        assert acts() == []

    def test_one_of_another_organisation_is_left_alone(self, house, name, state, other, action):
        foreign = waiting(build_house(70001), state)
        assert "0 made due" in command(house, name, foreign.pk)
        assert execution.due_ids(10) == []

    def test_without_the_role_it_is_refused(self, house, name, state, other, action):
        waiting(house, state)
        with pytest.raises(CommandError, match="operator"):
            command(house, name, username=house.checker.username)
        assert (execution.due_ids(10), acts()) == ([], [])


def test_a_request_without_a_try_left_is_reconciled_once_more(house: House) -> None:
    given_up = waiting(house, State.UNKNOWN, due_at=None)
    assert "1 made due" in command(house, "reconcile")
    assert execution.due_ids(10) == [given_up.pk]


def test_a_pause_makes_everything_wait_and_its_end_lets_it_go_on(house: House) -> None:
    request = house.approve(house.submit())
    assert "paused" in command(house, "pause", "--reason", "maintenance")
    assert (execution.due_ids(10), Pause.objects.get().reason) == ([], "maintenance")
    assert "already" in command(house, "pause", "--reason", "again")
    assert "resumed" in command(house, "resume")
    assert execution.due_ids(10) == [request.pk]
    assert "was not paused" in command(house, "resume")
    assert acts() == [("operator.paused", house.auditor.username), ("operator.resumed", house.auditor.username)]


def test_a_pause_of_one_type_leaves_the_others_alone(house: House) -> None:
    request = house.approve(house.submit())
    with pytest.raises(CommandError, match="not supported"):
        command(house, "pause", "--type", "NO-SUCH-TYPE", "--reason", "r")
    Pause.objects.create(
        organisation=house.organisation, request_type="EARN-BADGE", reason="r", paused_by=house.auditor
    )
    assert execution.due_ids(10) == [request.pk]
    command(house, "pause", "--type", "GOODWILL-POINTS", "--reason", "r")
    assert execution.due_ids(10) == []
    command(house, "resume", "--type", "GOODWILL-POINTS")
    assert execution.due_ids(10) == [request.pk]
    assert Pause.objects.get().request_type == "EARN-BADGE"


def test_a_resumption_closes_the_breakers_of_the_organisation_and_of_no_other(house: House) -> None:
    other = build_house(70001)
    for each in (house, other):
        TargetBreaker.objects.create(target=each.target, failures=9, open_until=Now() + timedelta(hours=1))
    command(house, "resume")
    opened = TargetBreaker.objects.exclude(open_until=None)
    assert [breaker.target.organisation_id for breaker in opened] == [other.organisation.pk]
    assert acts() == [("operator.resumed", house.auditor.username)]


@pytest.mark.parametrize("name", ["pause", "resume"])
def test_a_dry_run_neither_pauses_nor_resumes(house: House, name: str) -> None:
    kept = Pause.objects.create(
        organisation=house.organisation, request_type="", reason="kept", paused_by=house.auditor
    )
    if name == "pause":
        kept.delete()
    said = command(house, name, "--dry-run", *(["--reason", "r"] if name == "pause" else []))
    assert f"would {name}" in said
    assert Pause.objects.exists() is (name == "resume")
    assert acts() == []


@pytest.mark.parametrize("name", ["pause", "resume"])
def test_without_the_role_nobody_pauses_or_resumes(house: House, name: str) -> None:
    options = ["--reason", "r"] if name == "pause" else []
    with pytest.raises(CommandError, match="operator"):
        command(house, name, *options, username=house.checker.username)
    assert (Pause.objects.count(), acts()) == (0, [])


def test_limits_are_counted_anew_from_the_requests(house: House) -> None:
    from tests.policy.test_limits import limit, limited

    assert "there are no limits" in command(house, "recount_limits", "--type", "GOODWILL-POINTS")
    limited(house, limit())
    house.submit(points=60)
    LimitUse.objects.update(points=1)
    assert "would count" in command(house, "recount_limits", "--type", "GOODWILL-POINTS", "--dry-run")
    assert LimitUse.objects.get().points == 1
    assert "counted anew per customer" in command(house, "recount_limits", "--type", "GOODWILL-POINTS")
    assert LimitUse.objects.get().points == 60
    assert acts() == [("operator.limits_recounted", house.auditor.username)] * 2

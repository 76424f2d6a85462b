"""Deciding: who may, what is written beside it, and every refusal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import Membership, User
from accounts.moments import spelled
from tests.factories import MembershipFactory, UserFactory, set_terms
from tests.house import House, build_house
from tests.workflows.journeys import actions_of, correlated, counts, events_of, goodwill_of, reread, task_of
from workflows import services
from workflows.errors import AlreadyDecided, ContentChanged, OwnRequest, PermissionDenied, RequestNotFound
from workflows.models import AuditEvent, Decision, WorkflowRequest
from workflows.states import ENDED, State


def decide(house: House, request: WorkflowRequest, decision: Decision, *, by: User | None = None, **more: Any) -> Any:
    return services.decide(
        actor=house.actor(by or house.checker), request_id=request.pk, decision=decision,
        **{"message": "looked at it", **more},
    )  # fmt: skip


def state_in_database(request: WorkflowRequest) -> tuple[Any, ...]:
    """Everything that a decision writes."""
    task, goodwill = task_of(request), goodwill_of(request)
    row = reread(request)
    return (row.state, row.updated_at, row.due_at, task.decision, task.checker_id, goodwill.status, counts().events)


def test_an_approval_makes_the_request_due_at_once(house: House) -> None:
    request = house.submit()
    with correlated("from-the-desk-1"):
        decided = decide(house, request, Decision.APPROVED, message="a late parcel")
    row = reread(request)
    assert decided.state == row.state == State.EXECUTING
    assert WorkflowRequest.objects.filter(pk=request.pk, due_at__lte=Now()).exists()
    assert (row.ended_at, row.tries, row.lease_expires_at) == (None, 0, None)
    assert row.secret is not None, "the call needs it"
    task = task_of(request)
    assert (task.decision, task.message, task.digest) == ("approved", "a late parcel", request.digest)
    assert (task.checker, task.checker_name) == (house.checker, house.checker.email)
    assert task.opened_at <= task.decided_at <= row.updated_at
    goodwill = goodwill_of(request)
    assert (goodwill.status, goodwill.updated_by, goodwill.updated_comments) == (
        "PENDING",
        house.checker,
        "a late parcel",
    )


def test_a_rejection_ends_the_request(house: House) -> None:
    request = house.submit(comments="please")
    decide(house, request, Decision.REJECTED, message="no reason given")
    row = reread(request)
    assert (row.state, row.due_at, row.secret) == (State.REJECTED, None, None)
    assert row.ended_at == row.updated_at >= row.created_at
    goodwill = goodwill_of(request)
    assert (goodwill.status, goodwill.updated_by, goodwill.updated_on) == ("REJECTED", house.checker, row.updated_at)
    assert goodwill.updated_comments == "please; no reason given"


@pytest.mark.parametrize("decision", [Decision.APPROVED, Decision.REJECTED])
def test_the_audit_tells_who_decided_on_what_and_why(house: House, decision: Decision) -> None:
    request = house.submit()
    with correlated("from-the-desk-2"):
        decide(house, request, decision, message="the very reason")
    event = events_of(request)[-1]
    assert (event.action, event.actor, event.actor_name) == (f"task.{decision}", house.checker, house.checker.email)
    assert (event.correlation_id, event.organisation) == ("from-the-desk-2", house.organisation)
    assert event.details == {"message": "the very reason", "digest": request.digest, "level": 1}


def test_the_audit_keeps_the_name_that_somebody_had_then(house: House) -> None:
    request = house.approve(house.submit())
    name = house.checker.email
    house.checker.email = "renamed@example.com"
    house.checker.save()
    assert events_of(request)[-1].actor_name == task_of(request).checker_name == name


@pytest.mark.parametrize("is_superuser", [False, True])
def test_nobody_decides_their_own_request(house: House, is_superuser: bool) -> None:
    Membership.objects.filter(user=house.maker).update(is_checker=True)
    User.objects.filter(pk=house.maker.pk).update(is_superuser=is_superuser)
    request = house.submit()
    before = state_in_database(request)
    for decision in (Decision.APPROVED, Decision.REJECTED):
        with pytest.raises(OwnRequest) as caught:
            decide(house, request, decision, by=house.maker)
        assert (caught.value.code, caught.value.http_status) == (9051, 403)
    assert state_in_database(request) == before


def test_a_maker_without_the_checker_s_right_learns_the_real_reason(house: House) -> None:
    with pytest.raises(OwnRequest):
        decide(house, house.submit(), Decision.APPROVED, by=house.maker)


def test_four_eyes_come_before_the_state(house: House) -> None:
    request = house.approve(house.submit())
    with pytest.raises(OwnRequest):
        decide(house, request, Decision.REJECTED, by=house.maker)


@pytest.mark.parametrize("is_superuser", [False, True])
def test_deciding_takes_the_right_of_a_checker(house: House, is_superuser: bool) -> None:
    User.objects.filter(pk=house.auditor.pk).update(is_superuser=is_superuser)
    request = house.submit()
    before = state_in_database(request)
    with pytest.raises(PermissionDenied, match="CanCheckRequest"):
        decide(house, request, Decision.APPROVED, by=house.auditor)
    assert state_in_database(request) == before


@pytest.mark.parametrize(
    "taken_away",
    [
        lambda house: Membership.objects.filter(user=house.checker).update(is_checker=False),
        lambda house: Membership.objects.filter(user=house.checker).update(is_active=False),
        lambda house: User.objects.filter(pk=house.checker.pk).update(is_active=False),
        lambda house: Membership.objects.filter(user=house.checker).update(stores=["elsewhere"]),
        lambda house: Membership.objects.filter(user=house.checker).delete(),
    ],
    ids=["role", "membership", "account", "scope", "everything"],
)
def test_what_was_taken_away_since_the_page_was_opened_counts_as_taken_away(house: House, taken_away: Any) -> None:
    request = house.submit()
    before = state_in_database(request)
    opened_page = house.actor(house.checker)
    taken_away(house)
    with pytest.raises(PermissionDenied):
        services.decide(actor=opened_page, request_id=request.pk, decision=Decision.APPROVED, message="too late")
    assert state_in_database(request) == before


@pytest.mark.parametrize("scope", ["concepts", "zones", "stores", "tills"])
def test_a_checker_decides_within_their_scope_only(house: House, scope: str) -> None:
    request = house.submit()
    own = {"concepts": "50678331", "zones": "50682286", "stores": "50682288", "tills": "50682289"}[scope]
    Membership.objects.filter(user=house.checker).update(**{scope: ["somewhere"]})
    with pytest.raises(PermissionDenied, match="scope"):
        decide(house, request, Decision.APPROVED)
    Membership.objects.filter(user=house.checker).update(**{scope: ["somewhere", own]})
    assert decide(house, request, Decision.APPROVED).state == State.EXECUTING


def test_requests_of_another_organisation_do_not_exist(house: House) -> None:
    other = build_house(51251)
    theirs = other.submit()
    for request_id in (theirs.pk, uuid4()):
        with pytest.raises(RequestNotFound) as caught:
            services.decide(
                actor=house.actor(house.checker), request_id=request_id, decision=Decision.APPROVED, message="x"
            )
        assert (caught.value.code, caught.value.http_status) == (2007, 404)
    assert reread(theirs).state == State.WAITING


def test_somebody_in_two_organisations_has_in_each_the_rights_of_that_one(house: House) -> None:
    other = build_house(51251)
    MembershipFactory(user=house.checker, organisation=other.organisation, is_auditor=True)
    with pytest.raises(PermissionDenied):
        services.decide(
            actor=other.actor(house.checker), request_id=other.submit().pk, decision=Decision.APPROVED, message="x"
        )


@pytest.mark.parametrize("first", [Decision.APPROVED, Decision.REJECTED])
@pytest.mark.parametrize("second", [Decision.APPROVED, Decision.REJECTED])
def test_a_second_decision_is_refused_and_names_the_first(house: House, first: Decision, second: Decision) -> None:
    late = MembershipFactory(user=UserFactory(), organisation=house.organisation, is_checker=True).user
    request = house.submit()
    decide(house, request, first)
    before = state_in_database(request)
    with pytest.raises(AlreadyDecided) as caught:
        decide(house, request, second, by=late)
    assert (caught.value.code, caught.value.http_status) == (2002, 409)
    at = spelled(request.tasks.get().decided_at, house.organisation)
    assert f"already {first.label} by {house.checker.email} at {at}." in str(caught.value)
    assert state_in_database(request) == before


def test_a_checker_who_clicks_twice_decides_once(house: House) -> None:
    request = house.approve(house.submit())
    with pytest.raises(AlreadyDecided):
        decide(house, request, Decision.APPROVED)
    assert actions_of(request) == ["request.submitted", "task.approved"]


def test_what_needed_no_decision_cannot_be_decided(house: House) -> None:
    set_terms(house.policy, auto_approval="all")
    with pytest.raises(AlreadyDecided, match="approved when it was made"):
        decide(house, house.submit(), Decision.REJECTED)


@pytest.mark.parametrize("end", ["withdrawn", "expired"])
def test_what_ended_undecided_cannot_be_decided(house: House, end: str) -> None:
    request = house.submit()
    if end == "withdrawn":
        services.withdraw(actor=house.actor(house.maker), request_id=request.pk)
    else:
        services.expire(organisation_id=house.organisation.pk, request_id=request.pk)
    with pytest.raises(AlreadyDecided, match=f"already {end}"):
        decide(house, request, Decision.APPROVED)


def test_the_digest_that_the_checker_saw_must_be_the_request_s(house: House) -> None:
    request = house.submit()
    before = state_in_database(request)
    for digest in ("", "0" * 64, request.digest.upper(), request.digest[:-1]):
        with pytest.raises(ContentChanged) as caught:
            decide(house, request, Decision.APPROVED, digests=[digest])
        assert (caught.value.http_status, caught.value.problems[0].reference) == (412, "If-Match")
    assert state_in_database(request) == before
    assert decide(house, request, Decision.APPROVED, digests=[request.digest]).state == State.EXECUTING


def test_the_right_comes_before_the_digest(house: House) -> None:
    with pytest.raises(OwnRequest):
        decide(house, house.submit(), Decision.APPROVED, by=house.maker, digests=["wrong"])


@pytest.mark.parametrize("decision", [Decision.WITHDRAWN, Decision.EXPIRED])
def test_only_approved_and_rejected_are_decisions_of_a_checker(house: House, decision: Decision) -> None:
    request = house.submit()
    before = state_in_database(request)
    with pytest.raises(IntegrityError):
        decide(house, request, decision)
    assert state_in_database(request) == before


def test_an_event_outside_of_a_transaction_is_refused(committed_house: House) -> None:
    from workflows import audit

    request = committed_house.submit()
    with pytest.raises(RuntimeError, match="transaction"):
        audit.record("request.looked_at", request=request, actor=None)
    assert AuditEvent.objects.filter(request=request).count() == 1


def test_a_change_that_fails_half_way_leaves_nothing(committed_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from workflows import audit

    request = committed_house.submit()
    before = state_in_database(request)

    def fail(*_: Any, **__: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(audit, "event", fail)
    with pytest.raises(OSError, match="disk"):
        decide(committed_house, request, Decision.APPROVED)
    with pytest.raises(OSError, match="disk"):
        committed_house.submit()
    assert state_in_database(request) == before
    assert counts().requests == 1


@pytest.mark.parametrize("hours", [-1, 1])
def test_an_approval_is_due_at_once_even_where_the_clock_of_the_web_host_is_wrong(
    house: House, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    request = house.submit()
    wrong = timezone.now() + timedelta(hours=hours)
    with monkeypatch.context() as patch:
        patch.setattr(timezone, "now", lambda: wrong)
        house.approve(request)
    assert WorkflowRequest.objects.filter(pk=request.pk, due_at__lte=Now()).exists()
    assert reread(request).updated_at >= request.created_at


def test_every_end_has_a_time_and_no_secret(house: House) -> None:
    requests = [house.submit() for _ in range(3)]
    decide(house, requests[0], Decision.REJECTED)
    services.withdraw(actor=house.actor(house.maker), request_id=requests[1].pk)
    services.expire(organisation_id=house.organisation.pk, request_id=requests[2].pk)
    for row in WorkflowRequest.objects.all():
        assert row.state in ENDED
        assert (row.secret, row.ended_at is None) == (None, False)

"""Submitting: what is kept, what is refused, and what happens when the same is sent again."""

from __future__ import annotations

import copy
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models.functions import Now

from goodwill.models import GoodwillRequest
from tests.factories import MembershipFactory, UserFactory, set_terms
from tests.house import FAKE_CREDENTIAL, House, build_house
from tests.workflows.journeys import actions_of, correlated, counts, events_of, goodwill_of, task_of
from wire import secrets
from wire.redaction import MASK
from workflows import services, submitting
from workflows.bindings import secret_binding
from workflows.errors import PermissionDenied, ReferenceReused
from workflows.models import AutoApproval, RequestSource, WorkflowRequest
from workflows.states import State
from workflows.submission import read_submission
from workflows.submitting import Submitted

TASK = "IntouchAPITask-Payload"


def submit(house: House, body: dict[str, Any], *, maker: Any = None, **options: Any) -> Submitted:
    submission = read_submission(body, organisation=house.organisation, slug="GOODWILL-POINTS")
    return submitting.submit(actor=house.actor(maker or house.maker), submission=submission, **options)


def test_a_submitted_request_waits_with_a_task_and_is_in_the_history(house: House) -> None:
    with correlated("from-the-till-1"):
        submitted = submit(house, house.body(points=20, comments="late parcel"), source=RequestSource.FILE)
    request = WorkflowRequest.objects.get()
    assert (submitted.request.pk, submitted.replayed) == (request.pk, False)
    assert (request.state, request.maker, request.maker_name) == (State.WAITING, house.maker, house.maker.email)
    assert (request.organisation, request.target, request.source) == (house.organisation, house.target, "file")
    assert (request.amount, request.customer_id, request.reason) == (Decimal(20), 382332518, "reason")
    assert (request.till_id, request.store_id) == ("50682289", "50682288")
    assert (request.correlation_id, request.tries, request.due_at, request.ended_at) == (
        "from-the-till-1",
        0,
        None,
        None,
    )
    assert request.pk.version == 7
    task = task_of(request)
    assert (task.maker, task.level, task.decision, task.organisation) == (house.maker, 1, None, house.organisation)
    goodwill = goodwill_of(request)
    assert (goodwill.status, goodwill.points, goodwill.comments) == ("PENDING", Decimal(20), "late parcel")
    assert (goodwill.added_by, goodwill.added_on, goodwill.program) == (house.maker, request.created_at, house.program)


def test_the_audit_tells_who_submitted_and_under_which_correlation_id(house: House) -> None:
    with correlated("from-the-till-2"):
        request = house.submit()
    (event,) = events_of(request)
    assert (event.action, event.actor, event.actor_name) == ("request.submitted", house.maker, house.maker.email)
    assert (event.correlation_id, event.organisation) == ("from-the-till-2", house.organisation)
    assert event.details == {
        "source": "api", "digest": request.digest, "one_step": False, "auto_approved": False, "rule": "default",
    }  # fmt: skip


def test_the_payload_is_kept_as_sent_but_for_the_credential(house: House) -> None:
    body = house.body(points=Decimal("20"))
    request = submit(house, copy.deepcopy(body)).request
    sent = body["payload"][TASK]
    sent["headers"]["Authorization"] = MASK
    assert WorkflowRequest.objects.get().content == sent
    assert list(request.content["body"]) == list(sent["body"]), "in the order in which it was sent"


def test_the_credential_is_kept_encrypted_and_opens_for_its_own_row_only(house: House) -> None:
    first, second = house.submit(), house.submit()
    first.refresh_from_db()
    stored = bytes(first.secret)
    assert secrets.decrypt(stored, secret_binding(first.pk)).value == FAKE_CREDENTIAL
    with pytest.raises(secrets.SecretUnreadable):
        secrets.decrypt(stored, secret_binding(second.pk))


def test_the_service_changes_nothing_in_the_body_that_it_was_given(house: House) -> None:
    body = house.body()
    before = copy.deepcopy(body)
    submit(house, body)
    assert body == before


@pytest.mark.parametrize("role", ["checker", "auditor"])
def test_only_a_maker_may_submit(house: House, role: str) -> None:
    with pytest.raises(PermissionDenied, match="CanMakeRequest"):
        house.submit(maker=getattr(house, role))
    assert counts().requests == 0


@pytest.mark.parametrize("scope", ["concepts", "zones", "stores", "tills"])
def test_a_maker_may_submit_within_their_scope_only(house: House, scope: str) -> None:
    own = {"concepts": "50678331", "zones": "50682286", "stores": "50682288", "tills": "50682289"}[scope]
    membership = house.membership(house.maker)
    setattr(membership, scope, ["somewhere", own])
    membership.save()
    assert house.submit().state == State.WAITING
    setattr(membership, scope, ["somewhere"])
    membership.save()
    with pytest.raises(PermissionDenied, match="scope") as caught:
        house.submit()
    assert caught.value.problems[0].reference == "entityInfo"
    assert counts().requests == 1


def grant_one_step(house: House) -> None:
    membership = house.membership(house.maker)
    membership.may_issue_in_one_step = True
    membership.save()


def test_one_step_needs_an_explicit_grant(house: House) -> None:
    with pytest.raises(PermissionDenied, match="explicit grant"):
        submit(house, house.body(), one_step=True)
    assert counts().requests == 0


def test_one_step_goes_straight_to_execution_and_is_audited(house: House) -> None:
    grant_one_step(house)
    request = submit(house, house.body(), one_step=True).request
    assert (request.state, request.one_step, request.auto_approved) == (State.EXECUTING, True, False)
    assert request.tasks.count() == 0
    assert WorkflowRequest.objects.filter(pk=request.pk, due_at__lte=Now()).exists()
    assert events_of(request)[0].details["one_step"] is True
    assert (goodwill_of(request).status, goodwill_of(request).one_step) == ("PENDING", True)


@pytest.mark.parametrize(
    ("policy", "up_to", "points", "automatic"),
    [
        (AutoApproval.OFF, None, 1, False), (AutoApproval.ALL, None, 9999, True),
        (AutoApproval.UP_TO, 20, 19, True), (AutoApproval.UP_TO, 20, 20, True), (AutoApproval.UP_TO, 20, 21, False),
    ],
)  # fmt: skip
def test_the_policy_may_approve_by_itself_up_to_an_amount(
    house: House, policy: AutoApproval, up_to: int | None, points: int, automatic: bool
) -> None:
    set_terms(house.policy, auto_approval=policy, auto_approval_up_to=up_to)
    request = house.submit(points=points)
    assert request.auto_approved == automatic
    assert request.state == (State.EXECUTING if automatic else State.WAITING)
    assert request.tasks.count() == (0 if automatic else 1)
    assert ("AUTO_APPROVED" in goodwill_of(request).updated_comments) == automatic
    assert events_of(request)[0].details["auto_approved"] == automatic


def test_one_step_is_not_called_automatic_where_the_policy_would_approve_too(house: House) -> None:
    grant_one_step(house)
    set_terms(house.policy, auto_approval=AutoApproval.ALL)
    request = submit(house, house.body(), one_step=True).request
    assert (request.one_step, request.auto_approved) == (True, False)


def test_the_same_again_returns_the_first_and_creates_nothing(house: House) -> None:
    body = house.body()
    first = submit(house, copy.deepcopy(body))
    before = counts()
    again = submit(house, copy.deepcopy(body))
    assert (first.replayed, again.replayed) == (False, True)
    assert again.request.pk == first.request.pk
    assert counts() == before
    assert actions_of(first.request) == ["request.submitted"]


def test_the_same_again_after_the_end_returns_the_ended_request(house: House) -> None:
    body = house.body()
    first = submit(house, copy.deepcopy(body)).request
    services.withdraw(actor=house.actor(house.maker), request_id=first.pk)
    assert submit(house, body).request.state == State.WITHDRAWN


SAME = {
    "another credential": lambda task: task["headers"].update(Authorization="Basic b3RoZXI6b3RoZXI="),
    "a number written otherwise": lambda task: task["body"].update(points=Decimal("2.0E1")),
    "another order of keys": lambda task: task.update(body=dict(reversed(task["body"].items()))),
}
OTHER = {
    "points": lambda task: task["body"].update(points=21),
    "customer": lambda task: task["body"].update(earningEntityId=1),
    "reason": lambda task: task["body"].update(reason="other"),
    "comments": lambda task: task["body"].update(comments="added"),
    "source": lambda task: task["body"].update(source="OTHER"),
    "till": lambda task: task["body"].update(awardingTillId=1),
}


@pytest.mark.parametrize("name", SAME)
def test_what_means_the_same_is_the_same(house: House, name: str) -> None:
    first, second = house.body(referenceId="one"), house.body(referenceId="one")
    SAME[name](second["payload"][TASK])
    submit(house, first)
    assert submit(house, second).replayed


@pytest.mark.parametrize("name", OTHER)
def test_a_reference_is_not_used_for_other_content(house: House, name: str) -> None:
    first, second = house.body(referenceId="one"), house.body(referenceId="one")
    OTHER[name](second["payload"][TASK])
    kept = submit(house, first).request
    before = counts()
    with pytest.raises(ReferenceReused) as caught:
        submit(house, second)
    assert (caught.value.problems[0].code, caught.value.http_status) == (2008, 409)
    assert caught.value.problems[0].reference == f"payload.{TASK}.body.referenceId"
    assert counts() == before
    assert WorkflowRequest.objects.get().digest == kept.digest


def test_another_entity_is_other_content(house: House) -> None:
    first, second = house.body(referenceId="one"), house.body(referenceId="one")
    second["entityInfo"]["tillId"] = "1"
    submit(house, first)
    with pytest.raises(ReferenceReused):
        submit(house, second)


def test_one_step_is_not_a_repetition_of_a_request_that_waits(house: House) -> None:
    grant_one_step(house)
    body = house.body()
    submit(house, copy.deepcopy(body))
    with pytest.raises(ReferenceReused) as caught:
        submit(house, body, one_step=True)
    assert caught.value.problems[0].reference == "is_one_step_change"


def test_a_reference_belongs_to_its_organisation(house: House) -> None:
    other = build_house(51251)
    first, second = house.submit(referenceId="one"), other.submit(referenceId="one")
    assert first.pk != second.pk
    assert GoodwillRequest.objects.values("organisation").distinct().count() == 2


def test_an_idempotency_key_returns_the_first_for_the_same_and_refuses_other_content(house: House) -> None:
    body = house.body()
    first = submit(house, copy.deepcopy(body), idempotency_key="key-1")
    assert submit(house, copy.deepcopy(body), idempotency_key="key-1").request.pk == first.request.pk
    with pytest.raises(ReferenceReused) as caught:
        submit(house, house.body(), idempotency_key="key-1")
    assert caught.value.problems[0].reference == "Idempotency-Key"
    assert counts().requests == 1


def test_an_idempotency_key_is_the_caller_s_own(house: House) -> None:
    other = MembershipFactory(user=UserFactory(), organisation=house.organisation, is_maker=True).user
    submit(house, house.body(), idempotency_key="key-1")
    assert not submit(house, house.body(), maker=other, idempotency_key="key-1").replayed


def test_the_database_s_clock_makes_an_automatic_request_due(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.utils import timezone

    set_terms(house.policy, auto_approval=AutoApproval.ALL)
    ahead = timezone.now() + timedelta(hours=1)
    with monkeypatch.context() as patch:
        patch.setattr(timezone, "now", lambda: ahead)
        request = house.submit()
    assert WorkflowRequest.objects.filter(pk=request.pk, due_at__lte=Now()).exists()

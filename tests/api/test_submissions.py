"""E1: what is accepted, what is answered and what is stored."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from goodwill.models import GoodwillRequest, GoodwillStatus
from tests.api.gateway import BODY, MISSING, SUBMIT, TASK, Gateway, assert_refused, gateway_of, put, put_raw, stored
from tests.factories import MembershipFactory, ProgramFactory, UserFactory, set_terms
from tests.house import build_house
from wire import strict_json
from workflows.models import AdminTask, AutoApproval, WorkflowPolicy, WorkflowRequest
from workflows.states import State

ONE_STEP = "is_one_step_change=true"

ACCEPTED = [
    *[(f"entityInfo.{name}", value) for name in ("tillId", "storeId", "zoneId", "conceptId")
      for value in (50682289, 0, 2**63, "x" * 64, "till-7")],
    (f"{TASK}.path", "/internal/goodwill"),
    (f"{TASK}.pathParams", MISSING),
    (f"{TASK}.queryParams", MISSING),
    (f"{TASK}.hostname", "HTTP://Internal-Intouch-API.default:1900"),
    (f"{TASK}.hostname", "http://internal-intouch-api.default:1900/"),
    (f"{TASK}.headers.X-CAP-API-AUTH-ORG-ID", 51250),
    (f"{TASK}.headers.X-CAP-API-AUTH-ORG-ID", MISSING),
    (f"{TASK}.headers.content-type", MISSING),
    (f"{TASK}.headers.Authorization", "Bearer abc"),
    (f"{BODY}.comments", "sorry for the delay"),
    (f"{BODY}.comments", ""),
    (f"{BODY}.comments", "x" * 1000),
    (f"{BODY}.reason", "x" * 1000),
    (f"{BODY}.referenceId", "x" * 255),
    (f"{BODY}.referenceId", "r"),
    (f"{BODY}.source", "x" * 64),
    (f"{BODY}.earningEntityId", 1),
    (f"{BODY}.earningEntityId", 2**63 - 1),
    (f"{BODY}.awardingTillId", 2**63 - 1),
    (f"{BODY}.points", 1),
    (f"{BODY}.points", 10_000),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), ACCEPTED, ids=lambda value: str(value)[:50])
def test_a_valid_variant_is_accepted_and_echoed_as_sent(gateway: Gateway, path: str, value: Any) -> None:
    body = put(gateway.house.body(), path, value)

    answer = gateway.submit(body)

    assert answer.status == 200, answer.text
    expected = strict_json.dumps(body["payload"]["IntouchAPITask-Payload"])
    assert strict_json.dumps(answer.data["details"]["IntouchAPITask-Payload"]) == expected


@pytest.mark.parametrize(
    ("origin", "hostname"),
    [
        ("https://eucrm-new.cc.capillarytech.com", "eucrm-new.cc.capillarytech.com"),
        ("https://intouch.test", "https://intouch.test:443"),
        ("http://intouch.test", "http://intouch.test:80"),
    ],
)
def test_a_bare_host_means_https_and_a_default_port_may_be_named(gateway: Gateway, origin: str, hostname: str) -> None:
    gateway.house.target.origin = origin
    gateway.house.target.save()

    assert gateway.submit(put(gateway.house.body(), f"{TASK}.hostname", hostname)).status == 200


def test_a_target_that_is_switched_off_cannot_be_named(gateway: Gateway) -> None:
    gateway.house.target.is_enabled = False
    gateway.house.target.save()

    assert_refused(gateway.submit(), 400, (2022, f"{TASK}.hostname"))


@pytest.mark.parametrize("raw", ["20", "20.0", "20.000000", "2e1", "2E+1", "200e-1"])
def test_every_spelling_of_a_whole_number_is_that_number(gateway: Gateway, raw: str) -> None:
    answer = gateway.submit(put_raw(gateway.house.body(), f"{BODY}.points", raw))

    assert answer.status == 200
    assert answer.data["details"]["IntouchAPITask-Payload"]["body"]["points"] == 20
    assert WorkflowRequest.objects.get().amount == GoodwillRequest.objects.get().points == Decimal(20)


@pytest.mark.parametrize("raw", ["0.1", "12.50", "0.000001", "1234.567890"])
def test_decimals_are_echoed_digit_by_digit(gateway: Gateway, raw: str) -> None:
    gateway.house.program.points_decimals = 6
    gateway.house.program.save()

    answer = gateway.submit(put_raw(gateway.house.body(), f"{BODY}.points", raw))

    assert f'"points":{raw},' in answer.text
    assert f'"points":{raw},' in gateway.show(answer.data["requestId"]).text
    assert WorkflowRequest.objects.get().amount == Decimal(raw)


@pytest.mark.parametrize("path", [SUBMIT, f"{SUBMIT}/"])
def test_a_submission_opens_one_task_and_writes_one_event(gateway: Gateway, path: str) -> None:
    before = stored()

    answer = gateway.having(X_CAP_REQUEST_ID="submission-0001").submit(path=path)

    assert {name: count - before[name] for name, count in stored().items()} == dict.fromkeys(before, 1)
    request = WorkflowRequest.objects.get(pk=answer.data["requestId"])
    assert (request.state, request.maker_id, request.source) == (State.WAITING, gateway.house.maker.pk, "api")
    assert (request.till_id, request.concept_id) == ("50682289", "50678331")
    assert request.pk.version == 7
    event = request.events.get()
    assert (event.action, event.correlation_id) == ("request.submitted", "submission-0001")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["ETag"] == f'"{request.digest}"'
    assert "Idempotent-Replay" not in answer.headers


def test_a_service_account_submits_under_its_own_name(gateway: Gateway) -> None:
    account = gateway.house.service_account

    answer = gateway.by(account, gateway.house.service_secret).submit()

    assert (answer.data["userId"], answer.data["userName"]) == (account.pk, account.username)


@pytest.mark.parametrize("role", ["checker", "auditor"])
def test_somebody_who_is_no_maker_does_not_submit_and_learns_nothing_of_the_body(gateway: Gateway, role: str) -> None:
    before = stored()

    assert_refused(gateway_of(gateway.house, getattr(gateway.house, role)).submit(b"{"), 403, (2001, None))
    assert stored() == before


@pytest.mark.parametrize("scope", ["tills", "stores", "zones", "concepts"])
def test_a_maker_submits_within_their_scope_only(gateway: Gateway, scope: str) -> None:
    membership = gateway.house.membership(gateway.house.maker)
    inside = gateway.house.body()["entityInfo"][f"{scope[:-1]}Id"]
    setattr(membership, scope, ["1"])
    membership.save()

    assert_refused(gateway.submit(), 403, (2001, "entityInfo"))

    setattr(membership, scope, ["1", inside])
    membership.save()
    assert gateway.submit().status == 200


def test_a_workflow_that_is_switched_off_is_unavailable(gateway: Gateway) -> None:
    set_terms(gateway.house.policy, is_enabled=False)

    assert_refused(gateway.submit(), 503, (2021, None))

    WorkflowPolicy.objects.filter(pk=gateway.house.policy.pk).update(active=None)
    assert_refused(gateway.submit(), 503, (2021, None))


def _grant_one_step(gateway: Gateway) -> None:
    membership = gateway.house.membership(gateway.house.maker)
    membership.may_issue_in_one_step = True
    membership.save()


def test_one_step_needs_the_explicit_grant(gateway: Gateway) -> None:
    before = stored()

    assert_refused(gateway.submit(query=ONE_STEP), 403, (2001, "is_one_step_change"))
    assert stored() == before


def test_one_step_goes_to_execution_at_once_without_a_checker(gateway: Gateway) -> None:
    _grant_one_step(gateway)

    answer = gateway.submit(gateway.house.body(comments="yes"), query=ONE_STEP)

    assert answer.data["state"] == "IntouchAPITask"
    assert not [name for name in answer.data["details"] if name.startswith("AdminTask")]
    assert not AdminTask.objects.exists()
    request = WorkflowRequest.objects.get()
    assert request.due_at is not None
    assert request.events.get(action="request.submitted").details["one_step"] is True
    row = gateway.history().data[0]
    assert (row["oneStep"], row["goodwillStatus"], row["comments"]) == (True, "PENDING", "yes")
    assert "updatedComments" not in row


def test_one_step_is_never_above_the_cap(gateway: Gateway) -> None:
    _grant_one_step(gateway)

    assert_refused(gateway.submit(gateway.house.body(points=10_001), query=ONE_STEP), 400, (2015, f"{BODY}.points"))


def test_a_request_made_in_one_step_cannot_be_decided(gateway: Gateway) -> None:
    _grant_one_step(gateway)
    request_id = gateway.submit(query=ONE_STEP).data["requestId"]

    assert_refused(gateway_of(gateway.house, gateway.house.checker).decide(request_id), 409, (2002, None))


@pytest.mark.parametrize(
    ("rule", "up_to", "points", "automatic"),
    [(AutoApproval.UP_TO, 100, 100, True), (AutoApproval.UP_TO, 100, 101, False), (AutoApproval.UP_TO, 100, 1, True),
     (AutoApproval.ALL, None, 10_000, True), (AutoApproval.OFF, None, 1, False)],
)  # fmt: skip
def test_the_policy_approves_by_itself_up_to_its_amount(
    gateway: Gateway, rule: AutoApproval, up_to: int | None, points: int, automatic: bool
) -> None:
    set_terms(gateway.house.policy, auto_approval=rule, auto_approval_up_to=up_to)

    answer = gateway.submit(gateway.house.body(points=points, comments="yes"))

    assert answer.data["state"] == ("IntouchAPITask" if automatic else "AdminTask")
    assert "AdminTask_Output" not in answer.data["details"]
    assert AdminTask.objects.exists() is not automatic
    row = gateway.history().data[0]
    assert row["oneStep"] is False
    assert row.get("updatedComments") == ("yes; AUTO_APPROVED" if automatic else None)
    assert len(gateway.history(query=f"autoApprove={str(automatic).lower()}").data) == 1


def test_an_automatic_approval_without_a_comment_is_marked_as_well(gateway: Gateway) -> None:
    set_terms(gateway.house.policy, auto_approval=AutoApproval.UP_TO, auto_approval_up_to=100)

    gateway.submit()

    row = gateway.history().data[0]
    assert (row["comments"], row["updatedComments"]) == ("", "AUTO_APPROVED")


def test_one_step_and_an_automatic_policy_together_are_one_step(gateway: Gateway) -> None:
    _grant_one_step(gateway)
    set_terms(gateway.house.policy, auto_approval=AutoApproval.ALL)

    gateway.submit(query=ONE_STEP)

    row = GoodwillRequest.objects.get()
    assert (row.one_step, row.auto_approved, row.status) == (True, False, GoodwillStatus.PENDING)


def test_two_organisations_may_use_one_reference_and_one_program_id(gateway: Gateway) -> None:
    other = build_house(60000)
    ProgramFactory(organisation=other.organisation, program_id=1)

    first = gateway.submit(gateway.house.body(referenceId="same"))
    second = gateway_of(other).submit(other.body(referenceId="same"))

    assert (first.status, second.status) == (200, 200)
    assert first.data["requestId"] != second.data["requestId"]
    assert "Idempotent-Replay" not in second.headers


def test_the_maker_stays_the_maker_when_somebody_else_sends_the_same_again(gateway: Gateway) -> None:
    colleague = UserFactory()
    MembershipFactory(user=colleague, organisation=gateway.house.organisation, is_maker=True)
    body = gateway.house.body()
    first = gateway.submit(body)

    again = gateway.by(colleague).submit(body)

    assert again.headers["Idempotent-Replay"] == "true"
    assert again.data["userId"] == first.data["userId"] == gateway.house.maker.pk

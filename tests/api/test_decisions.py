"""E2: a checker approves or rejects."""

from __future__ import annotations

import pytest
from uuid6 import uuid7

from accounts.services import ensure_service_secret
from tests.api.gateway import (
    BODY,
    MISSING,
    ORGANISATION,
    SUBMIT,
    Gateway,
    assert_refused,
    decision_body,
    put,
    put_raw,
    stored,
)
from tests.factories import MembershipFactory, ServiceAccountFactory, UserFactory
from tests.house import build_house
from tests.workflows.journeys import past_the_guards
from workflows import services
from workflows.models import AdminTask, WorkflowRequest
from workflows.states import State

DECISION = "payload.AdminTask-Payload"
REFERENCE = f"{BODY}.referenceId"


def test_an_approval_is_answered_with_what_was_decided_and_by_whom(checker: Gateway) -> None:
    request = checker.house.submit()

    answer = checker.decide(request.pk, "approved", "approving the request")

    assert answer.status == 200
    assert answer.data["state"] == "IntouchAPITask"
    assert answer.data["endTime"] is answer.data["endTimeUtc"] is None
    assert (answer.data["userId"], answer.data["userName"]) == (request.maker_id, request.maker_name)
    details = answer.data["details"]
    assert list(details) == [
        "IntouchAPITask-Payload", "AdminTask-Payload", "AdminTask_Output", "ValidateCheckerAccess_Output",
        "AdminTask_Actor", "ValidateMakerAccess_Output", "ValidatePayload_Output",
    ]  # fmt: skip
    assert details["AdminTask-Payload"] == {
        "actionDecision": "approved", "actionMessage": "approving the request",
    }  # fmt: skip
    assert details["AdminTask_Output"] == "approved"
    assert details["ValidateCheckerAccess_Output"] is True
    actor = details["AdminTask_Actor"]
    assert actor.pop("decidedAt").endswith("Z")
    assert actor == {"userId": checker.house.checker.pk, "userName": checker.house.checker.email}


def test_a_rejection_ends_the_request_and_erases_its_credential(checker: Gateway) -> None:
    request = checker.house.submit()

    answer = checker.decide(request.pk, "rejected", "not this time")

    assert answer.data["state"] == "rejected"
    assert answer.data["details"]["AdminTask_Output"] == "rejected"
    assert answer.data["endTimeUtc"] >= answer.data["startTimeUtc"]
    request.refresh_from_db()
    assert (request.state, request.secret) == (State.REJECTED, None)
    assert checker.history().data[0]["goodwillStatus"] == "REJECTED"


@pytest.mark.parametrize("name", ["AdminTask", "admintask", "ADMINTASK", "adminTask"])
def test_the_action_is_compared_without_regard_to_case(checker: Gateway, name: str) -> None:
    body = put(decision_body(checker.house.submit().pk), "actionName", name)

    assert checker.call("PUT", SUBMIT, body).status == 200


@pytest.mark.parametrize("name", ["IntouchAPITask", "AdminTask ", "Admin", "", "admin-task"])
def test_another_action_is_refused(checker: Gateway, name: str) -> None:
    body = put(decision_body(checker.house.submit().pk), "actionName", name)

    assert_refused(checker.call("PUT", SUBMIT, body), 400, (2007, "actionName"))


@pytest.mark.parametrize("length", [1, 1000])
def test_a_message_of_any_allowed_length_is_kept(checker: Gateway, length: int) -> None:
    message = "ü" * length

    answer = checker.decide(checker.house.submit().pk, message=message)

    assert answer.data["details"]["AdminTask-Payload"]["actionMessage"] == message


WRONG = [
    *[(f"{DECISION}.actionMessage", raw) for raw in ('""', '"  "', "null", "1", "[]", '"' + "x" * 1001 + '"')],
    *[(f"{DECISION}.actionDecision", raw) for raw in ('"Approved"', '"approve"', '""', "true", "null", "1", "[]", "{}",
                                                      '"withdrawn"', '"expired"')],
    *[("requestId", raw) for raw in ("1", "null", "[]", "true", '"' + "x" * 65 + '"')],
    *[("actionName", raw) for raw in ("1", "null", "{}", '"' + "x" * 65 + '"')],
    *[("payload", raw) for raw in ("null", "[]", '"x"')],
    *[(DECISION, raw) for raw in ("null", "[]", '"approved"')],
    *[(name, '"x"') for name in ("extra", "payload.extra", f"{DECISION}.extra", "checkerId", f"{DECISION}.state")],
]  # fmt: skip


@pytest.mark.parametrize(("path", "raw"), WRONG)
def test_a_wrong_field_of_a_decision_is_named_and_nothing_decided(checker: Gateway, path: str, raw: str) -> None:
    body = decision_body(checker.house.submit().pk)
    before = stored()

    answer = checker.call("PUT", SUBMIT, put_raw(body, path, raw))

    assert_refused(answer, 400, (2008, path))
    assert stored() == before
    assert AdminTask.objects.get().decision is None


@pytest.mark.parametrize(
    "path", ["requestId", "actionName", "payload", DECISION, f"{DECISION}.actionDecision", f"{DECISION}.actionMessage"]
)
def test_every_field_of_a_decision_is_mandatory(checker: Gateway, path: str) -> None:
    body = decision_body(checker.house.submit().pk)

    assert_refused(checker.call("PUT", SUBMIT, put(body, path, MISSING)), 400, (2008, path))


UNKNOWN = ("", "1", "x" * 36, "ffcf19fb-a3fd-11ee-9fa7-4650f67465b8", "ffcf19fba3fd11ee9fa74650f67465b8",
           "{ffcf19fb-a3fd-11ee-9fa7-4650f67465}", "../requests", "ffcf19fb-a3fd-11ee-9fa7-4650f67465b8 ")  # fmt: skip


@pytest.mark.parametrize("request_id", UNKNOWN)
def test_an_unknown_request_cannot_be_decided(checker: Gateway, request_id: str) -> None:
    assert_refused(checker.decide(request_id), 404, (2007, "requestId"))


def test_a_request_of_another_organisation_is_unknown(checker: Gateway) -> None:
    foreign = build_house(60000).submit()

    assert_refused(checker.decide(foreign.pk), 404, (2007, "requestId"))
    assert_refused(checker.show(foreign.pk), 404, (2007, "requestId"))
    assert_refused(checker.having(**{ORGANISATION: "60000"}).decide(foreign.pk), 403, (2001, None))
    foreign.refresh_from_db()
    assert foreign.state == State.WAITING


def test_a_request_of_another_type_is_not_found_under_this_address(checker: Gateway) -> None:
    request = checker.house.submit()
    other = WorkflowRequest.objects.get(pk=request.pk)
    other.pk, other.request_type, other._state.adding = uuid7(), "EARN-BADGE", True
    with past_the_guards():  # there is no policy for this type
        other.save(force_insert=True)

    assert_refused(checker.decide(other.pk), 404, (2007, "requestId"))


def test_a_maker_does_not_decide_their_own_request_whatever_else_they_are(checker: Gateway) -> None:
    house = checker.house
    both = UserFactory(is_superuser=True)
    MembershipFactory(user=both, organisation=house.organisation, is_maker=True, is_checker=True)
    request = house.submit(maker=both)

    assert_refused(checker.by(both).decide(request.pk), 403, (9051, None))
    assert checker.decide(request.pk).status == 200


@pytest.mark.parametrize("role", ["auditor", "service_account"])
def test_somebody_who_is_no_checker_does_not_decide(checker: Gateway, role: str) -> None:
    house = checker.house
    secret = {"secret": house.service_secret} if role == "service_account" else {}
    caller = checker.by(getattr(house, role), **secret)

    assert_refused(caller.decide(house.submit().pk), 403, (2001, None))


def test_a_checker_decides_within_their_scope_only(checker: Gateway) -> None:
    membership = checker.house.membership(checker.house.checker)
    membership.tills = ["1", "2"]
    membership.save()
    request = checker.house.submit()

    assert_refused(checker.decide(request.pk), 403, (2001, None))

    membership.tills = ["1", request.till_id]
    membership.save()
    assert checker.decide(request.pk).status == 200


def test_a_service_account_may_be_a_checker(checker: Gateway) -> None:
    account = ServiceAccountFactory()
    MembershipFactory(user=account, organisation=checker.house.organisation, is_checker=True)
    secret = ensure_service_secret(account).secret
    assert secret is not None

    answer = checker.by(account, secret).decide(checker.house.submit().pk)

    assert answer.data["details"]["AdminTask_Actor"]["userName"] == account.username


@pytest.mark.parametrize("first", ["approved", "rejected"])
@pytest.mark.parametrize("second", ["approved", "rejected"])
def test_a_late_checker_is_told_who_was_faster(checker: Gateway, first: str, second: str) -> None:
    request = checker.house.submit()
    checker.decide(request.pk, first)

    late = checker.decide(request.pk, second)

    assert_refused(late, 409, (2002, None))
    message = late.json["errors"][0]["message"]
    assert first in message
    assert checker.house.checker.email in message


@pytest.mark.parametrize("end", ["withdrawn", "expired"])
def test_what_ended_without_a_decision_cannot_be_decided(checker: Gateway, end: str) -> None:
    house = checker.house
    request = house.submit()
    if end == "withdrawn":
        services.withdraw(actor=house.actor(house.maker), request_id=request.pk)
    else:
        services.expire(organisation_id=house.organisation.pk, request_id=request.pk)

    assert_refused(checker.decide(request.pk), 409, (2002, None))
    shown = checker.show(request.pk).data
    assert (shown["state"], shown["details"]["AdminTask_Output"]) == ("rejected", end)
    assert "AdminTask_Actor" not in shown["details"]
    assert shown["endTime"]


@pytest.mark.parametrize("tag", ['"{digest}"', 'W/"{digest}"', "{digest}", "*", "", '"other", "{digest}"'])
def test_a_decision_on_what_was_looked_at_is_taken(checker: Gateway, tag: str) -> None:
    request = checker.house.submit()
    assert checker.show(request.pk).headers["ETag"] == f'"{request.digest}"'

    answer = checker.having(If_Match=tag.format(digest=request.digest)).decide(request.pk)

    assert answer.status == 200


@pytest.mark.parametrize("tag", ['"other"', "other", 'W/"other"', '""', '"one", "two"', "{digest}x"])
def test_a_decision_on_something_else_is_refused(checker: Gateway, tag: str) -> None:
    request = checker.house.submit()
    before = stored()

    answer = checker.having(If_Match=tag.format(digest=request.digest)).decide(request.pk)

    assert_refused(answer, 412, (2002, "If-Match"))
    assert stored() == before
    assert checker.decide(request.pk).status == 200


def test_one_decision_writes_one_event_with_the_digest_that_was_decided(checker: Gateway) -> None:
    request = checker.house.submit()

    checker.having(X_CAP_REQUEST_ID="decision-0001").decide(request.pk)

    event = request.events.get(action="task.approved")
    assert (event.actor_id, event.correlation_id) == (checker.house.checker.pk, "decision-0001")
    assert event.details["digest"] == AdminTask.objects.get(request=request).digest == request.digest
    assert WorkflowRequest.objects.get(pk=request.pk).state == State.EXECUTING

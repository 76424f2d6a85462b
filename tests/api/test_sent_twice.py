"""The same request sent twice creates one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.gateway import BODY, MISSING, TASK, Answer, Gateway, assert_refused, put, put_raw, stored
from tests.factories import MembershipFactory, UserFactory, set_terms
from tests.house import FAKE_CREDENTIAL, House
from wire import strict_json
from workflows.set_up import allow_target

REFERENCE = f"{BODY}.referenceId"


def _reversed(value: Any) -> Any:
    """The same JSON with every object's keys the other way round."""
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    return value


SAME: dict[str, Callable[[Any], Any]] = {
    "as it was": lambda body: body,
    "with white space": lambda body: strict_json.dumps(body).replace(",", " ,\r\n\t").encode(),
    "with another secret": lambda body: put(body, f"{TASK}.headers.Authorization", "Basic YW5vdGhlcg=="),
    "without the secret": lambda body: put(body, f"{TASK}.headers.Authorization", MISSING),
    "in another order": _reversed,
    "with 20.0": lambda body: put_raw(body, f"{BODY}.points", "20.0"),
    "with 2e1": lambda body: put_raw(body, f"{BODY}.points", "2e1"),
    "with numbers as entity ids": lambda body: put(body, "entityInfo.tillId", 50682289),
    "with escapes": lambda body: put_raw(body, f"{BODY}.reason", r'"re\u0061son"'),
}


@pytest.mark.parametrize("how", SAME)
def test_the_same_content_returns_the_first_request_and_creates_nothing(gateway: Gateway, how: str) -> None:
    target = gateway.house.target
    allow_target(
        organisation=target.organisation, origin=target.origin, base_url=target.base_url, credential="Basic b3duOm93"
    )
    body = gateway.house.body()
    first = gateway.submit(body)
    before = stored()

    again = gateway.submit(SAME[how](body))

    assert (again.status, again.headers.get("Idempotent-Replay")) == (200, "true")
    assert again.data["requestId"] == first.data["requestId"]
    assert again.data["startTime"] == first.data["startTime"]
    assert stored() == before


def _lower_cap(house: House) -> None:
    set_terms(house.policy, cap=5)


def _list_reasons(house: House) -> None:
    set_terms(house.policy, reasons=["another"])


def _move_target(house: House) -> None:
    house.target.is_enabled = False
    house.target.save()


def _renumber_program(house: House) -> None:
    house.program.program_id = 99
    house.program.save()


@pytest.mark.parametrize("change", [_lower_cap, _list_reasons, _move_target, _renumber_program])
def test_what_would_be_refused_by_now_is_still_found(gateway: Gateway, change: Callable[[House], None]) -> None:
    body = gateway.house.body()
    first = gateway.submit(body)
    change(gateway.house)
    before = stored()

    again = gateway.submit(body)

    assert (again.status, again.headers.get("Idempotent-Replay")) == (200, "true")
    assert again.data["requestId"] == first.data["requestId"]
    assert gateway.submit(put(body, REFERENCE, "new")).status == 400
    assert stored() == before


BARELY: dict[str, Callable[[Any], Any]] = {
    "other content": lambda body: put(body, f"{BODY}.reason", "another"),
    "a key more": lambda body: {**body, "more": 1},
    "a masked credential": lambda body: put(body, f"{TASK}.headers.Authorization", "***"),
    "another header": lambda body: put(body, f"{TASK}.headers.X-More", "***"),
    "entity ids that are none": lambda body: put(body, "entityInfo.tillId", True),
    "no entity": lambda body: {"payload": body["payload"]},
    "a payload of another kind": lambda body: {**body, "payload": []},
    "no reference": lambda body: put(body, REFERENCE, MISSING),
}


@pytest.mark.parametrize("how", BARELY)
def test_what_is_barely_the_same_meets_the_policy_of_now(gateway: Gateway, how: str) -> None:
    body = gateway.house.body()
    gateway.submit(body)
    _lower_cap(gateway.house)
    before = stored()

    again = gateway.submit(BARELY[how](body))

    assert (again.status, again.headers.get("Idempotent-Replay")) == (400, None)
    assert stored() == before


def test_what_is_found_again_obeys_scope_step_and_key(gateway: Gateway) -> None:
    membership = gateway.house.membership(gateway.house.maker)
    membership.may_issue_in_one_step = True
    membership.save()
    body = gateway.house.body()
    _with_key(gateway, "key-1", gateway.house.body())
    gateway.submit(body)
    _lower_cap(gateway.house)

    assert_refused(_with_key(gateway, "key-1", body), 409, (2008, "Idempotency-Key"))
    assert_refused(gateway.submit(body, query="is_one_step_change=true"), 409, (2008, "is_one_step_change"))
    membership.tills = ["1"]
    membership.save()
    assert_refused(gateway.submit(body), 403, (2001, "entityInfo"))


def test_a_replay_shows_the_secret_that_was_sent_this_time_and_no_other(gateway: Gateway) -> None:
    body = gateway.house.body()
    gateway.submit(body)

    again = gateway.submit(put(body, f"{TASK}.headers.Authorization", "Basic YW5vdGhlcg=="))

    assert "Basic YW5vdGhlcg==" in again.text
    assert FAKE_CREDENTIAL not in again.text


DIFFERENT = [
    (f"{BODY}.points", 21), (f"{BODY}.reason", "another"), (f"{BODY}.earningEntityId", 1), (f"{BODY}.comments", "new"),
    (f"{BODY}.awardingTillId", 1), (f"{BODY}.source", "WEB"), (f"{TASK}.path", "/internal/goodwill"),
    ("entityInfo.tillId", "1"), ("entityInfo.conceptId", "1"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), DIFFERENT)
def test_other_content_under_the_same_reference_is_refused(gateway: Gateway, path: str, value: Any) -> None:
    body = gateway.house.body()
    gateway.submit(body)
    before = stored()

    assert_refused(gateway.submit(put(body, path, value)), 409, (2008, REFERENCE))
    assert stored() == before


def test_the_same_reference_in_one_step_is_other_content(gateway: Gateway) -> None:
    membership = gateway.house.membership(gateway.house.maker)
    membership.may_issue_in_one_step = True
    membership.save()
    body = gateway.house.body()
    gateway.submit(body)

    assert_refused(gateway.submit(body, query="is_one_step_change=true"), 409, (2008, "is_one_step_change"))


def test_a_decided_request_is_returned_as_it_stands_now(gateway: Gateway, settings: Any) -> None:
    settings.DECISION_WAIT_SECONDS = 0
    body = gateway.house.body()
    request_id = gateway.submit(body).data["requestId"]
    gateway.by(gateway.house.checker).decide(request_id, "rejected")

    again = gateway.submit(body)

    assert (again.data["requestId"], again.data["state"]) == (request_id, "rejected")
    assert again.data["details"]["AdminTask_Output"] == "rejected"


def _with_key(gateway: Gateway, key: str, body: Any) -> Answer:
    return gateway.having(Idempotency_Key=key).submit(body)


def test_the_same_key_with_the_same_content_is_a_replay(gateway: Gateway) -> None:
    body = gateway.house.body()
    first = _with_key(gateway, "key-1", body)

    again = _with_key(gateway, "key-1", body)

    assert again.headers["Idempotent-Replay"] == "true"
    assert again.data["requestId"] == first.data["requestId"]


def test_the_same_key_with_another_reference_is_refused(gateway: Gateway) -> None:
    _with_key(gateway, "key-1", gateway.house.body())
    before = stored()

    assert_refused(_with_key(gateway, "key-1", gateway.house.body()), 409, (2008, "Idempotency-Key"))
    assert stored() == before


def test_the_same_key_with_other_content_under_the_same_reference_names_the_reference(gateway: Gateway) -> None:
    body = gateway.house.body()
    _with_key(gateway, "key-1", body)

    assert_refused(_with_key(gateway, "key-1", put(body, f"{BODY}.points", 21)), 409, (2008, REFERENCE))


def test_another_key_with_the_same_content_is_a_replay(gateway: Gateway) -> None:
    body = gateway.house.body()
    first = _with_key(gateway, "key-1", body)

    for again in (_with_key(gateway, "key-2", body), gateway.submit(body)):
        assert again.headers["Idempotent-Replay"] == "true"
        assert again.data["requestId"] == first.data["requestId"]


def test_keys_belong_to_their_caller(gateway: Gateway) -> None:
    colleague = UserFactory()
    MembershipFactory(user=colleague, organisation=gateway.house.organisation, is_maker=True)
    first = _with_key(gateway, "key-1", gateway.house.body())

    second = _with_key(gateway.by(colleague), "key-1", gateway.house.body())

    assert second.status == 200
    assert first.data["requestId"] != second.data["requestId"]

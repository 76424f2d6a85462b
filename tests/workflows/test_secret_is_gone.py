"""One sentinel credential through a whole life: nowhere in clear, and nowhere at all when the request has ended."""

from __future__ import annotations

import base64
import logging
from typing import Any

import pytest

from tests.house import House
from tests.workflows.journeys import attempt, reread, whole_database
from tests.workflows.sandbox_client import Client
from wire import strict_json
from workflows import services, set_up, submitting
from workflows.models import Decision, WorkflowRequest
from workflows.states import ENDED, State
from workflows.submission import read_submission

USER, PASSWORD = "sentinel-user", "sentinel-password-4711"
BARE = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
SENTINEL = f"Basic {BARE}"
TRACES = [BARE, PASSWORD, SENTINEL.encode().hex(), BARE.encode().hex(), base64.b64encode(SENTINEL.encode()).decode()]


def submit(house: House) -> WorkflowRequest:
    body = house.body()
    body["payload"]["IntouchAPITask-Payload"]["headers"]["Authorization"] = SENTINEL
    submission = read_submission(body, organisation=house.organisation, slug="GOODWILL-POINTS")
    assert BARE not in repr(submission)
    return submitting.submit(actor=house.actor(house.maker), submission=submission).request


def rejected(house: House, _: Client) -> None:
    request = submit(house)
    services.decide(actor=house.actor(house.checker), request_id=request.pk, decision=Decision.REJECTED, message="no")


def withdrawn(house: House, _: Client) -> None:
    services.withdraw(actor=house.actor(house.maker), request_id=submit(house).pk)


def expired(house: House, _: Client) -> None:
    services.expire(organisation_id=house.organisation.pk, request_id=submit(house).pk)


def credited(house: House, _: Client) -> None:
    assert attempt(house.approve(submit(house))).state == State.CREDITED


def credited_after_trouble(house: House, intouch: Client) -> None:
    for fault in ("503", "drop-before-credit", "garbage"):
        intouch.order(fault)
    request = house.approve(submit(house))
    while reread(request).state not in ENDED:
        attempt(request)


def refused(house: House, intouch: Client) -> None:
    intouch.order("401")
    assert attempt(house.approve(submit(house))).state == State.FAILED


ENDS = [rejected, withdrawn, expired, credited, credited_after_trouble, refused]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_nothing_of_the_credential_is_left_when_the_request_has_ended(
    calling_house: House, intouch: Client, end: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    end(calling_house, intouch)
    row = WorkflowRequest.objects.get()
    assert row.state in ENDED
    assert row.secret is None
    logged = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    dump = whole_database()
    assert row.reference_id in dump, "the dump holds what it should"
    assert [trace for trace in TRACES if trace in dump + logged] == []


@pytest.mark.parametrize("fault", ["503", "drop-after-credit", "drip"])
def test_while_it_waits_the_credential_is_there_encrypted_only(
    calling_house: House, intouch: Client, fault: str
) -> None:
    request = calling_house.approve(submit(calling_house))
    intouch.order(fault, **({"delay": 0.2} if fault == "drip" else {}))
    row = attempt(request)
    assert row.state == State.UNKNOWN
    assert row.secret is not None
    assert [trace for trace in TRACES if trace in whole_database()] == []


def test_the_call_carries_the_credential_of_the_maker(calling_house: House, intouch: Client) -> None:
    seen = seen_credentials(intouch)
    attempt(calling_house.approve(submit(calling_house)))
    assert seen == [SENTINEL]


def test_the_target_s_own_credential_is_used_where_the_maker_sends_none(calling_house: House, intouch: Client) -> None:
    set_up.allow_target(
        organisation=calling_house.organisation, origin=calling_house.target.origin, base_url=intouch.server.url,
        allows_internal=True, credential=SENTINEL,
    )  # fmt: skip
    seen = seen_credentials(intouch)
    body = calling_house.body()
    del body["payload"]["IntouchAPITask-Payload"]["headers"]["Authorization"]
    submission = read_submission(body, organisation=calling_house.organisation, slug="GOODWILL-POINTS")
    request = submitting.submit(actor=calling_house.actor(calling_house.maker), submission=submission).request
    assert attempt(calling_house.approve(request)).state == State.CREDITED
    assert seen == [SENTINEL]
    assert [trace for trace in TRACES if trace in whole_database()] == []


def test_without_any_credential_nothing_is_sent(calling_house: House, intouch: Client) -> None:
    set_up.allow_target(
        organisation=calling_house.organisation, origin=calling_house.target.origin, base_url=intouch.server.url,
        allows_internal=True, credential=SENTINEL,
    )  # fmt: skip
    request = calling_house.approve(submit(calling_house))
    WorkflowRequest.objects.filter(pk=request.pk).update(secret=None)
    calling_house.target.credential = None
    calling_house.target.save()
    row = attempt(request)
    assert (row.state, intouch.ledger()["calls"]) == (State.FAILED, 0)
    assert "no credential" in row.last_error


def test_a_credential_that_does_not_open_is_never_sent_as_it_is(
    calling_house: House, intouch: Client, settings: Any
) -> None:
    request, keys = calling_house.approve(submit(calling_house)), settings.FIELD_ENCRYPTION_KEYS
    settings.FIELD_ENCRYPTION_KEYS = {"other": b"x" * 32}
    row = attempt(request)
    assert (row.state, intouch.ledger()["calls"]) == (State.EXECUTING, 0)
    assert "FIELD_ENCRYPTION_KEYS" in row.last_error
    settings.FIELD_ENCRYPTION_KEYS = {next(iter(keys)): b"x" * 32}
    row = attempt(row)
    assert (row.state, intouch.ledger()["calls"]) == (State.FAILED, 0)
    assert "altered" in row.last_error


def test_an_echoed_credential_is_masked_in_what_is_kept(calling_house: House) -> None:
    from tests.workflows.raw_servers import answering, raw_server

    body = strict_json.dumps({"errors": [{"message": f"who is {SENTINEL}?"}], "token": BARE}).encode()
    answer = b"HTTP/1.1 400 Bad\r\nx-echo: %s\r\ncontent-length: %d\r\n\r\n" % (SENTINEL.encode(), len(body)) + body
    request = calling_house.approve(submit(calling_house))
    with raw_server(answering(answer)) as server:
        calling_house.target.base_url = server.url
        calling_house.target.save()
        row = attempt(request)
    assert f"Authorization: {SENTINEL}".encode() in server.requests[0]
    assert (row.state, row.last_error) == (State.FAILED, "who is ***?")
    assert [trace for trace in TRACES if trace in whole_database()] == []


def seen_credentials(intouch: Client) -> list[str]:
    """What the sandbox is sent as Authorization, from now on."""
    seen: list[str] = []
    handler: Any = intouch.server.RequestHandlerClass

    class Watching(handler):  # type: ignore[misc]
        def _read_award(self) -> Any:
            seen.append(self.headers["Authorization"])
            return super()._read_award()

    intouch.server.RequestHandlerClass = Watching  # type: ignore[assignment]
    return seen

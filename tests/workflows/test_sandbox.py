"""The Intouch sandbox as an API: credits, references, the ledger and the look-up."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.sandbox_client import (
    FAKE_CREDENTIAL,
    Client,
    award,
    headers,
    running,
)

GOODWILL = "/internal/goodwill/"


@pytest.fixture
def sandbox() -> Iterator[Client]:
    with running() as client:
        yield client


def test_a_first_call_is_credited_and_carries_the_meaningless_header(sandbox: Client) -> None:
    reply = sandbox.credit(comments="sorry")

    assert (reply.status, reply.json) == (201, {"createdId": 1, "warnings": []})
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["success"] == "0"
    [credit] = sandbox.ledger()["credits"]
    assert credit.pop("creditedAt").endswith("Z")
    assert credit == {
        "createdId": 1,
        "orgId": 51250,
        "referenceId": "ref-1",
        "customerId": 382332518,
        "programId": 2739,
        "points": 20,
    }


def test_the_trailing_slash_may_be_missing(sandbox: Client) -> None:
    assert sandbox.call("POST", "/internal/goodwill", award(), headers()).status == 201


def test_a_known_reference_is_refused_and_not_credited_again(sandbox: Client) -> None:
    sandbox.credit()

    reply = sandbox.credit(points=30)

    assert reply.status == 400
    assert reply.json == {
        "data": None,
        "errors": [{"status": False, "code": 9045, "message": "Reference number already exists"}],
        "warnings": [],
    }
    ledger = sandbox.ledger()
    assert (len(ledger["credits"]), ledger["calls"], ledger["duplicates"]) == (1, 2, 1)


def test_two_organisations_may_share_a_reference(sandbox: Client) -> None:
    assert [sandbox.credit("51250").status, sandbox.credit("51251").status] == [201, 201]
    assert sandbox.credits() == 2


def test_fifty_calls_at_once_credit_only_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(50)
    # A slow disk holds the door open between the look and the credit: without the lock many would slip in.
    monkeypatch.setattr(os, "fsync", lambda fd: time.sleep(0.3))

    def post(client: Client) -> int:
        together.wait()
        return client.credit().status

    with running(tmp_path / "ledger.jsonl") as client, ThreadPoolExecutor(50) as pool:
        statuses = sorted(pool.map(post, [client] * 50))
        ledger = client.ledger()

    assert statuses == [201] + [400] * 49
    assert (len(ledger["credits"]), ledger["calls"], ledger["duplicates"]) == (1, 50, 49)


def test_a_call_without_credential_is_401_and_counted(sandbox: Client) -> None:
    sent = headers()
    del sent["Authorization"]

    reply = sandbox.call("POST", GOODWILL, award(), sent)

    assert (reply.status, reply.json["data"]) == (401, None)
    assert (sandbox.credits(), sandbox.ledger()["calls"]) == (0, 1)


def test_the_credential_is_neither_kept_nor_shown(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "ledger.jsonl"
    with running(path) as client:
        client.credit()
        shown = client.call("GET", "/ledger").body.decode()

    printed = capfd.readouterr()
    assert FAKE_CREDENTIAL.split()[1] not in path.read_text() + shown + printed.out + printed.err
    assert printed.err == ""


@pytest.mark.parametrize("org", ["", "abc", "-1", "0", "1.5", "٣", str(2**63), "9" * 400])
def test_an_organisation_must_be_an_id(sandbox: Client, org: str) -> None:
    assert sandbox.call("POST", GOODWILL, award(), headers(org.encode().decode("latin-1"))).status == 400
    assert sandbox.credits() == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[(name, None) for name in award()],
        *[(name, [1]) for name in award()],
        *[("points", value) for value in (0, -1, True, "20", 10**19)],
        *[(name, value) for name in ("programId", "earningEntityId") for value in (0, True, "1", 1.0, 2**63)],
        ("referenceId", "x" * 256),
        ("referenceId", ""),
        ("baseType", "MONEY"),
        ("earningEntityType", "TILL"),
        ("comments", 7),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_credited(sandbox: Client, field: str, value: Any) -> None:
    reply = sandbox.credit(**{field: value})

    assert (reply.status, len(reply.json["errors"])) == (400, 1)
    assert reply.json["errors"][0]["message"].startswith(field)
    assert sandbox.credits() == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"points": NaN}',
        b"[" * 100_000,
        b'{"points": ' + b"9" * 100_000 + b"}",
        b'{"points": 1e999999999999999999999}',
        json.dumps(award()).replace('"points": 20', '"points": 1e999999999').encode(),
        json.dumps(award()).replace('"points": 20', '"points": 1e-999999999').encode(),
    ],
)
def test_a_malformed_body_is_400_with_a_list_of_errors(sandbox: Client, body: bytes) -> None:
    reply = sandbox.call("POST", GOODWILL, body, headers())

    assert reply.status == 400
    assert reply.json["errors"]
    assert sandbox.credits() == 0


@pytest.mark.parametrize(
    ("sent", "shown"),
    [("20", "20"), ("0.10", "0.10"), ("2e2", "200"), ("1234567890123456789.123456789", None), ("0.1", "0.1")],
)
def test_points_are_shown_digit_by_digit(tmp_path: Path, sent: str, shown: str | None) -> None:
    body = json.dumps(award()).replace('"points": 20', f'"points": {sent}').encode()
    for already in (False, True):
        with running(tmp_path / "ledger.jsonl") as client:
            assert client.call("POST", GOODWILL, body, headers()).status == (400 if already else 201)
            assert f'"points": {shown or sent}}}' in client.call("GET", "/ledger").body.decode()


def test_the_ledger_can_be_filtered(sandbox: Client) -> None:
    sandbox.credit("51250", referenceId="a", earningEntityId=1)
    sandbox.credit("51251", referenceId="a", earningEntityId=2)
    sandbox.credit("51250", referenceId="ü &", earningEntityId=2)

    def found(**filters: str) -> list[int]:
        return [credit["createdId"] for credit in sandbox.ledger(**filters)["credits"]]

    assert found() == [1, 2, 3]
    assert found(referenceId="a") == [1, 2]
    assert found(referenceId="ü &") == [3]
    assert found(customerId="2") == [2, 3]
    assert found(orgId="51250", referenceId="a") == [1]
    assert found(orgId="1") == []


@pytest.mark.parametrize("query", ["reference=a", "orgId=1&orgId=2", "&".join(f"a{n}=1" for n in range(50))])
def test_a_mistyped_filter_is_refused(sandbox: Client, query: str) -> None:
    assert sandbox.call("GET", f"/ledger?{query}").status == 400


def test_a_look_up_tells_whether_a_reference_was_credited(sandbox: Client) -> None:
    assert sandbox.look_up().json == {"referenceId": "ref-1", "credited": False, "createdId": None}
    sandbox.credit()
    assert sandbox.look_up().json == {"referenceId": "ref-1", "credited": True, "createdId": 1}
    assert sandbox.look_up(org="51251").json["credited"] is False
    assert sandbox.call("GET", "/ledger/lookup?referenceId=ref-1&orgId=51250").json["credited"] is True


@pytest.mark.parametrize("query", ["", "referenceId=a", "orgId=1", "orgId=1&referenceId=", "orgId=x"])
def test_a_look_up_needs_a_reference_and_an_organisation(sandbox: Client, query: str) -> None:
    assert sandbox.call("GET", f"/ledger/lookup?{query}").status == 400


def test_emptying_the_ledger_forgets_credits_and_counters(sandbox: Client) -> None:
    sandbox.credit()
    assert sandbox.call("DELETE", "/ledger").json == {"credits": [], "calls": 0, "duplicates": 0}
    assert sandbox.credit().status == 201

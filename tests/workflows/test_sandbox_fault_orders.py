"""Ordering faults from the Intouch sandbox: whom they befall, how often, and which are refused."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.workflows.sandbox_client import Client, request_bytes, running
from workflows.sandbox.faults import KINDS

NO_ANSWER = (ConnectionResetError, http.client.RemoteDisconnected)


@pytest.fixture
def sandbox() -> Iterator[Client]:
    with running() as client:
        yield client


def test_faults_happen_in_order_and_as_often_as_told(sandbox: Client) -> None:
    sandbox.order("500", times=2)
    sandbox.order("404")
    assert [sandbox.credit().status for _ in range(4)] == [500, 500, 404, 201]
    assert sandbox.call("GET", "/faults").json == {"faults": []}


def test_a_fault_with_times_zero_lasts_until_cleared(sandbox: Client) -> None:
    sandbox.order("503", times=0)
    assert [sandbox.credit().status for _ in range(5)] == [503] * 5
    assert sandbox.call("GET", "/faults").json["faults"][0]["times"] == 0
    assert sandbox.call("DELETE", "/faults").json == {"faults": []}
    assert sandbox.credit().status == 201


def test_a_fault_for_one_reference_spares_the_others(sandbox: Client) -> None:
    sandbox.order("500", referenceId="b")
    assert [sandbox.credit(referenceId=reference).status for reference in "aba"] == [201, 500, 400]


def test_a_fault_for_the_look_up_spares_the_credit(sandbox: Client) -> None:
    sandbox.order("503", lookup=True)
    assert sandbox.credit().status == 201
    assert sandbox.look_up().status == 503
    assert sandbox.look_up().json["credited"] is True


@pytest.mark.parametrize("fault", ["500-after-credit", "drop-after-credit", "late-credit", "garbage", "slow"])
def test_a_fault_of_the_look_up_credits_nothing(sandbox: Client, fault: str) -> None:
    sandbox.order(fault, lookup=True, delay=0)
    try:
        sandbox.look_up()
    except NO_ANSWER:
        assert fault in ("drop-after-credit", "late-credit")
    assert sandbox.credits() == 0


def test_a_wrong_call_uses_no_fault_up(sandbox: Client) -> None:
    sandbox.order("500")
    assert sandbox.credit(points=-1).status == 400
    assert sandbox.credit().status == 500


def test_a_known_reference_is_counted_even_if_a_fault_answers(sandbox: Client) -> None:
    sandbox.credit()
    sandbox.order("500")
    sandbox.order("500-after-credit")
    sandbox.credit()
    sandbox.credit()
    assert sandbox.ledger()["duplicates"] == 2


def test_pending_faults_are_shown_as_ordered(sandbox: Client) -> None:
    sandbox.order("429", times=3, referenceId="a", retryAfter=5)
    sandbox.order("slow", delay=0.5, lookup=True)
    sandbox.credit(referenceId="a")
    first, second = sandbox.call("GET", "/faults").json["faults"]
    assert (first["fault"], first["times"], first["referenceId"], first["retryAfter"]) == ("429", 2, "a", 5)
    assert (second["fault"], float(second["delay"]), second["lookup"]) == ("slow", 0.5, True)


def test_an_unknown_fault_is_refused_with_the_known_ones(sandbox: Client) -> None:
    reply = sandbox.call("POST", "/faults", {"fault": "explode"})
    assert reply.status == 400
    assert all(name in reply.json["errors"][0]["message"] for name in KINDS)


@pytest.mark.parametrize(
    "options",
    [
        {"times": -1},
        {"times": True},
        {"times": "1"},
        {"delay": -1},
        {"delay": 1e300},
        {"delay": "1"},
        {"retryAfter": "1\r\nevil: 1"},
        {"location": "http://a/\nb"},
        {"lookup": 1},
        {"referenceId": 1},
        {"status": 200},
        {"tmies": 2},
    ],
)
def test_a_wrong_option_of_a_fault_is_named(sandbox: Client, options: dict[str, Any]) -> None:
    reply = sandbox.call("POST", "/faults", {"fault": "500", **options})
    assert reply.status == 400
    assert reply.json["errors"][0]["message"].startswith(next(iter(options)))
    assert sandbox.call("GET", "/faults").json == {"faults": []}


@pytest.mark.parametrize("body", [b"", b"[]", b'{"fault": []}', b'{"fault": "redirect"}'])
def test_what_is_no_fault_is_refused(sandbox: Client, body: bytes) -> None:
    assert sandbox.call("POST", "/faults", body).status == 400


def test_a_fault_leaves_the_connection_usable_if_the_answer_was_whole(sandbox: Client) -> None:
    sandbox.order("503")
    with sandbox.open() as connection:
        for status in (b"503", b"201"):
            connection.sendall(request_bytes())
            assert connection.recv(65536).startswith(b"HTTP/1.1 " + status)


def test_stopping_the_sandbox_ends_every_wait() -> None:
    begun = time.monotonic()
    with running() as client:
        client.order("slow", delay=60)
        connection = client.open()
        connection.sendall(request_bytes())
        time.sleep(0.05)
    with connection:
        assert connection.recv(1) == b""
    assert time.monotonic() - begun < 5

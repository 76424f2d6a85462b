"""The Intouch sandbox told to fail: every fault looks as it should, and credits or not as it should."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.workflows.sandbox_client import Client, read_all, request_bytes, running
from workflows.sandbox.faults import HUGE_BYTES

NO_ANSWER = (ConnectionResetError, http.client.RemoteDisconnected)


@pytest.fixture
def sandbox() -> Iterator[Client]:
    with running() as client:
        yield client


@pytest.mark.parametrize("status", [500, 503, 429, 400, 401, 404, 409])
def test_a_status_is_answered_and_nothing_is_credited(sandbox: Client, status: int) -> None:
    sandbox.order(str(status))

    reply = sandbox.credit()

    assert (reply.status, reply.json["data"]) == (status, None)
    assert reply.json["errors"][0]["code"] != 9045
    assert sandbox.credits() == 0
    assert sandbox.credit().status == 201


@pytest.mark.parametrize("fault", ["500-after-credit", "503-after-credit"])
def test_a_status_after_the_credit_hides_a_credit(sandbox: Client, fault: str) -> None:
    sandbox.order(fault)
    assert sandbox.credit().status == int(fault[:3])
    assert sandbox.credits() == 1
    assert sandbox.credit().json["errors"][0]["code"] == 9045


@pytest.mark.parametrize(("fault", "after"), [("503", 5), ("429", 99999999), ("503-after-credit", "soon")])
def test_retry_after_is_sent_as_ordered(sandbox: Client, fault: str, after: Any) -> None:
    sandbox.order(fault, retryAfter=after)
    assert sandbox.credit().headers["retry-after"] == str(after)
    sandbox.order(fault)
    assert "retry-after" not in sandbox.credit(referenceId="b").headers


def test_failure_body_is_a_failure_with_status_200(sandbox: Client) -> None:
    sandbox.order("failure-body")
    reply = sandbox.credit()
    status = {"success": "false", "code": 500, "message": "All requests have failed"}
    assert (reply.status, reply.json) == (200, {"response": {"status": status}})
    assert sandbox.credits() == 0


def test_item_failure_body_hides_the_failure_in_an_item(sandbox: Client) -> None:
    sandbox.order("item-failure-body")
    reply = sandbox.credit()
    assert reply.status == 200
    assert reply.json["response"]["status"]["success"] == "true"
    assert reply.json["response"]["item"][0]["item_status"]["success"] == "false"
    assert sandbox.credits() == 0


def test_errors_body_is_a_list_of_errors_with_status_200(sandbox: Client) -> None:
    sandbox.order("errors-body")
    reply = sandbox.credit()
    assert (reply.status, reply.json["data"], reply.json["errors"][0]["code"]) == (200, None, 1234)
    assert sandbox.credits() == 0


def test_wrong_body_says_nothing_and_credits_nothing(sandbox: Client) -> None:
    sandbox.order("wrong-body")
    reply = sandbox.credit()
    assert (reply.status, reply.json) == (200, {})
    assert sandbox.credits() == 0


def test_slow_credits_after_the_wait(sandbox: Client) -> None:
    sandbox.order("slow", delay=1)
    with sandbox.open() as connection:
        connection.sendall(request_bytes())
        time.sleep(0.1)
        assert sandbox.credits() == 0
        assert connection.recv(65536).startswith(b"HTTP/1.1 201 Created")
    assert sandbox.credits() == 1


def test_late_answer_credits_before_the_wait(sandbox: Client) -> None:
    sandbox.order("late-answer", delay=1)
    begun = time.monotonic()
    with sandbox.open() as connection:
        connection.sendall(request_bytes())
        assert sandbox.credits_in_time(1)
        assert time.monotonic() - begun < 1
        assert connection.recv(65536).startswith(b"HTTP/1.1 201 Created")
    assert time.monotonic() - begun >= 1


def test_late_credit_comes_after_the_connection_is_gone(sandbox: Client) -> None:
    sandbox.order("late-credit", delay=0.5)
    with pytest.raises(NO_ANSWER):
        sandbox.credit()
    assert sandbox.look_up().json["credited"] is False
    assert sandbox.credits_in_time(1)


def test_late_credit_does_not_leak_into_an_emptied_ledger(sandbox: Client) -> None:
    sandbox.order("late-credit", delay=0.2)
    with pytest.raises(NO_ANSWER):
        sandbox.credit()
    sandbox.call("DELETE", "/ledger")
    time.sleep(0.4)
    assert sandbox.credits() == 0


@pytest.mark.parametrize(("fault", "credits"), [("drop-before-credit", 0), ("drop-after-credit", 1)])
def test_drop_resets_the_connection_without_an_answer(sandbox: Client, fault: str, credits: int) -> None:
    sandbox.order(fault)
    with sandbox.open() as connection:
        connection.sendall(request_bytes())
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    assert sandbox.credits() == credits


def test_drip_sends_the_answer_byte_by_byte_from_the_start(sandbox: Client) -> None:
    sandbox.order("drip", delay=0.003)
    begun = time.monotonic()
    answer = sandbox.raw(request_bytes())
    assert time.monotonic() - begun >= 0.003 * len(answer)
    assert answer.startswith(b"HTTP/1.1 201 Created\r\n")
    assert answer.endswith(b'\r\n\r\n{"createdId": 1, "warnings": []}')
    assert sandbox.credits() == 1


def test_drip_takes_half_a_second_per_byte_unless_told(sandbox: Client) -> None:
    sandbox.order("drip")
    begun = time.monotonic()
    with sandbox.open() as connection:
        connection.sendall(request_bytes())
        assert [connection.recv(1) for _ in range(3)] == [b"H", b"T", b"T"]
    assert time.monotonic() - begun >= 1


def test_drip_body_sends_the_headers_at_once(sandbox: Client) -> None:
    sandbox.order("drip-body", delay=0.001)
    with sandbox.open() as connection:
        connection.sendall(request_bytes())
        assert b"content-length: 32\r\n" in connection.recv(65536)
        assert read_all(connection).endswith(b'"warnings": []}')
    assert sandbox.credits() == 1


def test_huge_is_a_right_answer_of_a_hundred_mebibytes(sandbox: Client) -> None:
    sandbox.order("huge")
    reply = sandbox.credit()
    assert (reply.status, reply.headers["transfer-encoding"]) == (201, "chunked")
    assert len(reply.body) > HUGE_BYTES == 100 * 2**20
    assert reply.json["createdId"] == 1


def test_huge_bears_a_client_that_has_had_enough(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with running() as client:
        client.order("huge")
        with client.open() as connection:
            connection.sendall(request_bytes())
            connection.recv(1000)
        time.sleep(0.2)
        assert client.credits() == 1
    assert (caplog.records, capfd.readouterr().err) == ([], "")


def test_garbage_is_not_json(sandbox: Client) -> None:
    sandbox.order("garbage")
    reply = sandbox.credit()
    assert (reply.status, reply.headers["content-type"]) == (201, "application/json")
    with pytest.raises(json.JSONDecodeError):
        _ = reply.json
    assert sandbox.credits() == 1


def test_empty_has_no_body(sandbox: Client) -> None:
    sandbox.order("empty")
    reply = sandbox.credit()
    assert (reply.status, reply.body, reply.headers["content-length"]) == (201, b"", "0")
    assert sandbox.credits() == 1


def test_cut_status_line_ends_after_the_status_line(sandbox: Client) -> None:
    sandbox.order("cut-status-line")
    assert sandbox.raw(request_bytes()) == b"HTTP/1.1 201 Created\r\n"
    assert sandbox.credits() == 1


def test_cut_body_ends_before_its_announced_length(sandbox: Client) -> None:
    sandbox.order("cut-body")
    with pytest.raises(http.client.IncompleteRead):
        sandbox.credit()
    assert sandbox.credits() == 1


@pytest.mark.parametrize("status", [None, 301, 302, 303, 307, 308])
def test_redirect_points_elsewhere_and_credits_nothing(sandbox: Client, status: int | None) -> None:
    sandbox.order("redirect", location="http://127.0.0.1:1/canary", **({"status": status} if status else {}))
    reply = sandbox.credit()
    assert (reply.status, reply.headers["location"]) == (status or 307, "http://127.0.0.1:1/canary")
    assert sandbox.credits() == 0

"""The Intouch sandbox as an HTTP server: connections, addresses, and clients that break the rules."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator

import pytest

from tests.workflows.sandbox_client import (
    Client,
    award,
    headers,
    read_all,
    request_bytes,
    running,
)
from workflows.sandbox.server import MAX_BODY

GOODWILL = "/internal/goodwill/"


@pytest.fixture
def sandbox() -> Iterator[Client]:
    with running() as client:
        yield client


def test_one_connection_carries_many_calls_and_refusals(sandbox: Client) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.server.server_port, timeout=5)
    connection.connect()
    connection.auto_open = 0  # a second connection would be an error
    wrong = dict(headers(), Authorization="")
    calls = [(GOODWILL, headers(), 201), (GOODWILL, headers(), 400), (GOODWILL, wrong, 401)]
    calls += [("/nowhere", headers(), 404), ("/ledger", headers(), 405), (GOODWILL, headers(), 400)]
    for path, sent, status in calls:
        connection.request("POST", path, json.dumps(award()), sent)
        response = connection.getresponse()
        assert response.read()
        assert (response.status, response.will_close) == (status, False)
    connection.close()


def test_calls_may_be_pipelined(sandbox: Client) -> None:
    last = b"GET /ledger HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    answers = sandbox.raw(request_bytes(referenceId="a") + request_bytes(referenceId="b") + last)
    assert answers.count(b"HTTP/1.1 201 Created") == 2
    assert answers.count(b"HTTP/1.1 200 OK") == 1


def test_an_answer_leaves_in_one_piece_without_delay(sandbox: Client) -> None:
    with sandbox.open() as connection:
        connection.sendall(request_bytes())
        assert connection.recv(65536).endswith(b'{"createdId": 1, "warnings": []}')


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/internal", 404),
        ("GET", "//[", 404),
        ("GET", GOODWILL, 405),
        ("PUT", GOODWILL, 405),
        ("DELETE", "/ledger/lookup", 405),
        ("OPTIONS", "/faults", 405),
        ("BREW", "/ledger", 501),
    ],
)
def test_a_wrong_address_is_refused_in_json(sandbox: Client, method: str, path: str, status: int) -> None:
    reply = sandbox.call(method, path)
    assert (reply.status, reply.json["errors"][0]["status"]) == (status, False)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
        (b"GET /ledger HTTP/9.9\r\n\r\n", 505),
        (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET /ledger HTTP/1.1\r\na: " + b"a" * 200_000 + b"\r\n\r\n", 431),
        (b"GET /ledger HTTP/1.1\r\n" + b"a: b\r\n" * 5000 + b"\r\n", 431),
        (b"POST /faults HTTP/1.1\r\ncontent-length: -1\r\n\r\n", 400),
        (b"POST /faults HTTP/1.1\r\ncontent-length: 1_0\r\n\r\n0123456789", 400),
        (b"POST /faults HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n00", 400),
        (b"POST /faults HTTP/1.1\r\ncontent-length: " + b"9" * 5000 + b"\r\n\r\n", 413),
        (b"POST /faults HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 411),
    ],
)
def test_what_is_no_http_is_refused_in_json_and_closed(sandbox: Client, data: bytes, status: int) -> None:
    with sandbox.open() as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"connection: close" in head
    assert json.loads(body)["errors"][0]["code"] == status
    assert sandbox.credit().status == 201


def test_a_body_that_is_too_large_is_refused_readably(sandbox: Client) -> None:
    assert sandbox.call("POST", GOODWILL, b" " * (20 * MAX_BODY), headers()).status == 413


def test_a_body_that_ends_before_its_announced_length_changes_nothing(sandbox: Client) -> None:
    with sandbox.open() as connection:
        connection.sendall(request_bytes().replace(b"content-length: 2", b"content-length: 12"))
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection) == b""
    assert sandbox.credits() == 0


def test_clients_that_leave_are_not_worth_a_line(
    sandbox: Client, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    for data in (b"", b"GET", request_bytes()[:40], request_bytes()[:-5]):
        with sandbox.open() as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            read_all(connection)
    assert sandbox.credits() == 0
    assert (caplog.records, capfd.readouterr().err) == ([], "")

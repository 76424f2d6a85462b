"""The real server, told odd things over a bare socket: it refuses what two readers could read differently."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.api.gateway import ORGANISATION, REQUESTS, SUBMIT, basic
from tests.faults.killable import Process
from tests.faults.service import Service

pytestmark = [pytest.mark.xdist_group("security-service"), pytest.mark.timeout(120)]

SECONDS = 20.0
THREADS = 3
READ_SECONDS = 2
OTHER = 60001


@dataclass(frozen=True)
class Said:
    """What came back until the server closed, or as much as was waited for."""

    raw: bytes

    @property
    def status(self) -> int:
        """0 where the connection was closed without a word."""
        return int(self.raw.split(b" ", 2)[1]) if self.raw.startswith(b"HTTP/") else 0

    @property
    def answers(self) -> int:
        return self.raw.count(b"HTTP/1.1 ")

    @property
    def codes(self) -> list[int]:
        body = self.raw.partition(b"\r\n\r\n")[2]
        return [error["code"] for error in json.loads(body).get("errors", [])]


@dataclass(frozen=True)
class Wire:
    """One gunicorn with one process and few threads, and a member of one organisation to talk as."""

    web: Process
    authorization: str
    organisation: int

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.web.port), timeout=SECONDS)

    def send(self, raw: bytes) -> Said:
        """Send bytes as they are and read until the end."""
        with self.connect() as connection:
            # Refused before the end: what it said is still to be read.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(raw)
            received = b""
            with contextlib.suppress(ConnectionResetError):
                while chunk := connection.recv(65536):
                    received += chunk
            return Said(received)

    def head(self, *lines: str, method: str = "GET", path: str = REQUESTS, newline: str = "\r\n") -> bytes:
        first = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: {self.authorization}"]
        return (newline.join([*first, "Connection: close", *lines]) + newline * 2).encode("latin-1")

    def ask(self, *lines: str, body: bytes = b"", **options: str) -> Said:
        return self.send(self.head(*lines, **options) + body)

    @property
    def own(self) -> str:
        return f"{ORGANISATION}: {self.organisation}"


@pytest.fixture(scope="module")
def wire(service: Service) -> Iterator[Wire]:
    web = service.web(shared=False, WEB_THREADS=str(THREADS), WEB_READ_SECONDS=str(READ_SECONDS))
    # The canary's story begins with pages that the first request of its organisation, the first one, closes.
    furnished = service.organisations[1]
    with service.running(web):
        yield Wire(web, basic(*furnished["makers"][0]), furnished["organisation"])


def stored(service: Service) -> list[tuple[int, ...]]:
    """How many requests, decisions, events and calls there are."""
    tables = ("workflowrequest", "admintask", "auditevent", "intouchcall")
    return service.sql("SELECT " + ", ".join(f"(SELECT count(*) FROM workflows_{table})" for table in tables))


def test_a_well_formed_request_is_answered(wire: Wire) -> None:
    assert wire.ask().status == 200
    assert wire.ask(wire.own).status == 200
    assert wire.ask(f"{ORGANISATION}: {OTHER}").status == 403


UNDERSCORES = ["X_CAP_API_AUTH_ORG_ID", "X-CAP_API-AUTH_ORG-ID", "x_cap-api-auth-org-id", "X_Cap_Api_Auth_Org_Id"]


@pytest.mark.parametrize("name", UNDERSCORES)
def test_an_underscore_poses_as_no_hyphen(wire: Wire, name: str) -> None:
    """Were it read, the other organisation would be named: 403, or 400 for two."""
    spoof = f"{name}: {OTHER}"

    assert [wire.ask(*lines).status for lines in ([spoof], [wire.own, spoof], [spoof, wire.own])] == [200, 200, 200]


@pytest.mark.parametrize("first", ["51250", str(OTHER), ""])
def test_an_organisation_that_is_named_twice_is_refused(wire: Wire, first: str) -> None:
    said = wire.ask(f"{ORGANISATION}: {first}", wire.own)

    assert (said.status, said.codes) == (400, [2005])


def test_a_credential_that_is_sent_twice_is_refused(wire: Wire) -> None:
    for second in (wire.authorization, basic("nobody", "nothing"), "Bearer x"):
        said = wire.ask(f"Authorization: {second}")
        assert (said.status, said.codes) == (401, [2013])


BODY = b'{"a": 1}'
SMUGGLED = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"
AMBIGUOUS: dict[str, tuple[list[str], bytes]] = {
    "TE and CL": (["Transfer-Encoding: chunked", f"Content-Length: {len(BODY)}"], b"0\r\n\r\n" + SMUGGLED),
    "CL and TE": ([f"Content-Length: {len(BODY)}", "Transfer-Encoding: chunked"], b"0\r\n\r\n" + SMUGGLED),
    "two lengths that differ": (["Content-Length: 8", "Content-Length: 0"], BODY + SMUGGLED),
    "two lengths that agree": (["Content-Length: 8", "Content-Length: 8"], BODY),
    "a list of lengths": (["Content-Length: 8, 8"], BODY),
    "a signed length": (["Content-Length: +8"], BODY),
    "a negative length": (["Content-Length: -8"], BODY),
    "a length with an underscore": (["Content-Length: 0_8"], BODY),
    "a length in other digits": (["Content-Length: \xb2"], BODY),
    "a length in hexadecimal": (["Content-Length: 0x8"], BODY),
    "an unknown coding": (["Transfer-Encoding: xchunked"], b"0\r\n\r\n"),
    "identity last": (["Transfer-Encoding: chunked, identity"], b"0\r\n\r\n"),
    "chunked twice": (["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], b"0\r\n\r\n"),
    "a blank before the colon": (["Transfer-Encoding : chunked"], b"0\r\n\r\n"),
    "a tab before the value's end": (["Transfer-Encoding: \x0bchunked"], b"0\r\n\r\n"),
    "a folded coding": (["Transfer-Encoding:", " chunked"], b"0\r\n\r\n"),
    "a chunk size with a sign": (["Transfer-Encoding: chunked"], b"+8\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk size with a prefix": (["Transfer-Encoding: chunked"], b"0x8\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk that is longer than said": (["Transfer-Encoding: chunked"], b"2\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk size of nothing": (["Transfer-Encoding: chunked"], b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
}  # fmt: skip


@pytest.mark.parametrize("how", AMBIGUOUS)
def test_a_body_whose_end_is_in_doubt_is_refused_and_nothing_behind_it_read(
    wire: Wire, service: Service, how: str
) -> None:
    lines, rest = AMBIGUOUS[how]
    before = stored(service)

    said = wire.ask(wire.own, "Content-Type: application/json", *lines, method="POST", path=SUBMIT, body=rest)

    assert said.status in (0, 400, 411, 501), said.raw[:200]
    assert said.answers <= 1
    assert stored(service) == before


def heads(wire: Wire) -> dict[str, bytes]:
    """Heads that are not HTTP as it is written down."""
    good = wire.head(wire.own)
    return {
        "bare line feeds": wire.head(wire.own, newline="\n"),
        "a bare line feed in between": good.replace(b"Connection: close\r\n", b"Connection: close\n"),
        "bare carriage returns": wire.head(wire.own, newline="\r") + b"\r\n\r\n",
        "a folded header": wire.head(wire.own, "X-Folded: a", " b"),
        "a folded organisation": wire.head(f"{ORGANISATION}: {wire.organisation}", f" ,{OTHER}"),
        "a header without a colon": wire.head(wire.own, "X-None"),
        "a header without a name": wire.head(wire.own, ": x"),
        "a name with a blank": wire.head(wire.own, "X None: x"),
        "a blank before the colon": wire.head(f"{ORGANISATION} : {wire.organisation}"),
        "a NUL in a value": wire.head(wire.own, "X-Nul: a\x00b"),
        "a line feed in a value": wire.head(wire.own, "X-Lf: a\nX-Injected: b"),
        "a carriage return in a value": wire.head(wire.own, "X-Cr: a\rb"),
        "100 KB in one header": wire.head(wire.own, f"X-Long: {'x' * 100_000}"),
        "a thousand headers": wire.head(wire.own, *(f"X-{number}: x" for number in range(1000))),
        "an address of 100 KB": wire.head(wire.own, path=f"{REQUESTS}?x={'x' * 100_000}"),
        "an address with a blank": wire.head(wire.own, path=f"{REQUESTS} x"),
        "no version": good.replace(b" HTTP/1.1", b"", 1),
        "another version": good.replace(b"HTTP/1.1", b"HTTP/9.9", 1),
        "HTTP/2 without a word": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 9,
        "a method of odd characters": good.replace(b"GET", b"G(T", 1),
        "a method in lower case with a tab": good.replace(b"GET ", b"get\t", 1),
        "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200 + b"\r\n\r\n",
        "two hosts": wire.head(wire.own, "Host: evil.test"),
        "another host": good.replace(b"Host: localhost", b"Host: evil.test"),
        "a host with user-info": good.replace(b"Host: localhost", b"Host: evil.test@localhost"),
    }


HEADS = list(heads(Wire(Process("none", [], {}, Path()), "Basic x", 1)))


@pytest.mark.parametrize("how", HEADS)
def test_an_odd_head_is_refused(wire: Wire, service: Service, how: str) -> None:
    before = stored(service)

    said = wire.send(heads(wire)[how])

    assert said.status in (0, 400, 405, 414, 431, 501, 505), said.raw[:300]
    assert said.answers <= 1
    assert stored(service) == before


def test_an_encoded_slash_leads_nowhere_else(wire: Wire) -> None:
    for path in (
        f"{REQUESTS}/..%2f..%2fadmin",
        "/api_gateway/v2/request-workflow/..%2F..%2F..%2Fadmin%2f",
        "//admin//",
    ):
        assert wire.ask(wire.own, path=path).status == 404


def test_nothing_of_a_secret_is_logged_when_a_head_is_refused(wire: Wire, service: Service) -> None:
    secret = "Y2FuYXJ5OndpcmUtc2VydmVy"
    for line in (f"Authorization Basic {secret}", f"Authoriz\x00ation: Basic {secret}", f" Basic {secret}",
                 f"Authorization: Basic {secret}\x00"):  # fmt: skip
        assert wire.send(f"GET / HTTP/1.1\r\nHost: localhost\r\n{line}\r\n\r\n".encode()).status == 400
    assert wire.send(f"GET /?secret={secret} HTTP/9.9\r\n\r\n".encode()).status in (400, 505)

    logged = b"".join(log.read_bytes() for log in service.directory.glob("web-*.log"))
    assert b"Invalid" in logged
    assert secret.encode() not in logged


def slow(wire: Wire) -> dict[str, bytes]:
    """Requests that stop midway."""
    post = wire.head(wire.own, "Content-Type: application/json", "Content-Length: 99", method="POST", path=SUBMIT)
    return {"says nothing": b"", "stops in the head": wire.head()[:40], "stops in the body": post + b'{"a'}


@pytest.mark.parametrize("how", ["says nothing", "stops in the head", "stops in the body"])
def test_clients_that_stop_midway_do_not_take_the_server_with_them(wire: Wire, how: str) -> None:
    """More of them than there are threads."""
    with contextlib.ExitStack() as stack:
        for _ in range(THREADS + 2):
            stack.enter_context(wire.connect()).sendall(slow(wire)[how])

        assert wire.ask(path="/healthz").status == 200


def test_clients_that_send_a_byte_now_and_then_do_not_either(wire: Wire) -> None:
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(wire.connect()) for _ in range(THREADS + 2)]
        for connection in connections:
            connection.sendall(slow(wire)["stops in the head"])
        enough = threading.Event()
        dripping = threading.Thread(target=_drip, args=(connections, enough))
        dripping.start()
        try:
            assert wire.ask(path="/healthz").status == 200
        finally:
            enough.set()
            dripping.join()


def _drip(connections: list[socket.socket], enough: threading.Event) -> None:
    while not enough.wait(0.2):
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.sendall(b"x")


def test_an_answer_may_take_longer_than_its_request(wire: Wire, service: Service) -> None:
    """An approval waits for its outcome, and there is no worker here."""
    submitted = service.client("maker", organisation=1, web=wire.web).submit("waits-for-long")
    request_id = submitted.json()["data"]["requestId"]

    checker = service.client("checker", organisation=1, web=wire.web)
    decided = checker.decide(request_id, prefer=f"wait={2 * READ_SECONDS}")

    assert (decided.status_code, decided.json()["data"]["state"]) == (200, "IntouchAPITask")


def test_a_kept_connection_that_is_idle_for_longer_is_answered_again(wire: Wire) -> None:
    with wire.connect() as connection:
        for _ in range(2):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert _one_answer(connection).startswith(b"HTTP/1.1 200 ")
            time.sleep(READ_SECONDS + 1.5)


def _one_answer(connection: socket.socket) -> bytes:
    """Head and body of one answer; the connection stays open."""
    with connection.makefile("rb", buffering=0) as stream:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = stream.read(1)
            assert byte, f"closed after {head!r}"
            head += byte
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        return head + b"".join(stream.read(1) for _ in range(length))


@pytest.mark.parametrize("how", ["in the head", "in the body"])
def test_a_request_that_was_sent_in_part_does_nothing(wire: Wire, service: Service, how: str) -> None:
    """A body that is cut is no shorter body: nothing of it is stored."""
    body = json.dumps(service.client("maker", organisation=1, web=wire.web).body("cut-on-the-way")).encode()
    head = wire.head(
        wire.own, "Content-Type: application/json", f"Content-Length: {len(body)}", method="POST", path=SUBMIT
    )

    said = wire.send(head[:-2] if how == "in the head" else head + body[:-1])

    assert said.status in (0, 400), said.raw[:300]
    found = service.sql("SELECT count(*) FROM workflows_workflowrequest WHERE reference_id = %s", "cut-on-the-way")
    assert found[0][0] == 0

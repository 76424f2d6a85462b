"""A running sandbox and a client for it that hides nothing: no retries, no redirects, raw bytes on demand."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from workflows.sandbox.server import SandboxServer, make_server

FAKE_CREDENTIAL = "Basic bm90OnJlYWw="


@dataclass(frozen=True)
class Reply:
    """What came back, whole."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body, parse_float=Decimal)


def award(**changes: Any) -> dict[str, Any]:
    """Return a right body, with changes."""
    body = {
        "referenceId": "ref-1",
        "reason": "a late parcel",
        "baseType": "POINTS",
        "programId": 2739,
        "awardingTillId": 50682616,
        "earningEntityType": "CUSTOMER",
        "earningEntityId": 382332518,
        "points": 20,
        "source": "API",
    }
    return body | changes


def headers(org: str = "51250", **more: str) -> dict[str, str]:
    return {
        "Authorization": FAKE_CREDENTIAL,
        "X-CAP-API-AUTH-ORG-ID": org,
        "content-type": "application/json",
    } | more


class Client:
    """Talks to one sandbox, on a fresh connection for each call."""

    def __init__(self, server: SandboxServer) -> None:
        self.server = server

    def call(
        self,
        method: str,
        path: str,
        content: Any = None,
        sent: dict[str, str] | None = None,
        timeout: float = 10,
    ) -> Reply:
        """Send one request; bytes go out as they are, anything else as JSON."""
        body = content if content is None or isinstance(content, bytes) else json.dumps(content).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request(method, path, body, sent or {})
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, names, response.read())

    def credit(self, org: str = "51250", *, timeout: float = 10, **changes: Any) -> Reply:
        return self.call("POST", "/internal/goodwill/", award(**changes), headers(org), timeout)

    def look_up(self, reference: str = "ref-1", org: str = "51250") -> Reply:
        return self.call("GET", f"/ledger/lookup?{urlencode({'referenceId': reference})}", sent=headers(org))

    def ledger(self, **filters: str) -> Any:
        return self.call("GET", f"/ledger?{urlencode(filters)}").json

    def order(self, fault: str, **options: Any) -> Reply:
        """Order a fault and make sure that it was understood."""
        reply = self.call("POST", "/faults", {"fault": fault, **options})
        assert reply.status == 201, reply.body
        return reply

    def credits(self) -> int:
        """Say how many credits there really are: what every fault test asks in the end."""
        return len(self.ledger()["credits"])

    def credits_in_time(self, wanted: int) -> bool:
        """Wait for a credit that comes on its own."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and self.credits() != wanted:
            time.sleep(0.02)
        return self.credits() == wanted

    def raw(self, data: bytes, timeout: float = 5) -> bytes:
        """Send bytes and return all that comes back until the sandbox closes."""
        with self.open(timeout) as connection:
            connection.sendall(data)
            return read_all(connection)

    def open(self, timeout: float = 5) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.server.server_port), timeout=timeout)


def request_bytes(**changes: Any) -> bytes:
    """Return a right call as it looks on the wire."""
    body = json.dumps(award(**changes)).encode()
    lines = ["POST /internal/goodwill/ HTTP/1.1", "host: sandbox", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers().items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def read_all(connection: socket.socket) -> bytes:
    data = b""
    while received := connection.recv(65536):
        data += received
    return data


@contextlib.contextmanager
def running(ledger: Path | None = None) -> Iterator[Client]:
    """Run a sandbox on a free port for the length of the block."""
    server = make_server("127.0.0.1", 0, ledger)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Client(server)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

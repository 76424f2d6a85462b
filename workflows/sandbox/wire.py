"""What goes over the wire: strict JSON in, whole answers out, and the ways to spoil an answer."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus

CHUNK = 64 * 1024
LINGER_SECONDS = 5.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def read_json(raw: bytes) -> object:
    """Parse a body; numbers with a point become Decimal. Raises ValueError on everything that is not JSON."""
    try:
        return json.loads(raw.decode("utf-8"), parse_float=Decimal, parse_constant=_refuse_constant)
    except (ArithmeticError, RecursionError) as error:
        raise ValueError("a number is too large, or the nesting is too deep") from error


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, not yet sent."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, content: object, headers: Mapping[str, str] | None = None) -> Answer:
        return cls(status, json.dumps(content).encode(), headers or {})

    @classmethod
    def error(
        cls, status: int, *messages: str, code: int | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Make an error in the envelope of the real API, one item per message."""
        items = [{"status": False, "code": code or status, "message": message} for message in messages]
        return cls.of(status, {"data": None, "errors": items, "warnings": []}, headers)

    def head(self, framing: str, *, keep_alive: bool) -> bytes:
        """Render the status line and the headers; `framing` is the header that tells where the body ends."""
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            "content-type: application/json",
            *(f"{name}: {value}" for name, value in self.headers.items()),
            framing,
            "connection: keep-alive" if keep_alive else "connection: close",
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def render(self, *, keep_alive: bool) -> bytes:
        """Render it whole, so that it leaves in one packet."""
        return self.head(f"content-length: {len(self.body)}", keep_alive=keep_alive) + self.body


class Wire:
    """One connection to a client. `keep_alive` turns false once it can carry no further answer."""

    def __init__(self, connection: socket.socket, stopping: threading.Event) -> None:
        self._connection = connection
        self._stopping = stopping
        self.keep_alive = True

    def send(self, answer: Answer) -> None:
        self._connection.sendall(answer.render(keep_alive=self.keep_alive))

    def send_last(self, data: bytes) -> None:
        """Send raw bytes after which the connection ends."""
        self.keep_alive = False
        self._connection.sendall(data)

    def send_padded(self, answer: Answer, padding: int) -> None:
        """Send the answer in chunks, followed by `padding` bytes of white space: huge, yet right."""
        self.send_last(answer.head("transfer-encoding: chunked", keep_alive=False))
        self._connection.sendall(_chunk(answer.body))
        full = _chunk(b" " * CHUNK)
        for _ in range(padding // CHUNK):
            self._connection.sendall(full)
        self._connection.sendall(_chunk(b" " * (padding % CHUNK)) + b"0\r\n\r\n")

    def drip(self, data: bytes, interval: float) -> None:
        """Send one byte per interval: every single read succeeds, the answer as a whole never comes."""
        self.keep_alive = False
        for byte in data:
            self._connection.sendall(bytes([byte]))
            self.pause(interval)

    def pause(self, seconds: float) -> None:
        """Wait, but not longer than the server lives: then the connection fails."""
        if self._stopping.wait(seconds):
            raise ConnectionAbortedError("the sandbox is stopping")

    def close(self) -> None:
        """End the connection without another byte."""
        self.keep_alive = False
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """End the connection with an RST, as a process that dies does."""
        self.keep_alive = False
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        # The server would say goodbye first (a FIN), if it found the socket still open.
        self._connection.close()

    def linger(self) -> None:
        """Let a client that is still sending read its refusal: closing on unread data would reset it away."""
        self.keep_alive = False
        deadline = time.monotonic() + LINGER_SECONDS
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
            self._connection.settimeout(1)
            while time.monotonic() < deadline and self._connection.recv(CHUNK):
                pass


def _chunk(data: bytes) -> bytes:
    """Frame one chunk; of nothing, nothing, for an empty chunk would end the body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n" if data else b""

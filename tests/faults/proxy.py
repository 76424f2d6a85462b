"""A TCP proxy that spoils one connection after the other as told, and then forwards faithfully.

It does without root what packet filters do: cutting after so many bytes in either direction, swallowing, refusing.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CHUNK = 4096


@dataclass(frozen=True)
class Fault:
    """What happens to one connection. None: as many bytes as there are.

    Attributes:
        request_bytes: of the client's are forwarded, then both sides are closed.
        answer_bytes: of the server's are forwarded, then both sides are closed.
        swallows: takes everything, forwards and answers nothing.
    """

    request_bytes: int | None = None
    answer_bytes: int | None = None
    swallows: bool = False


class Proxy:
    """Listens on a free port of this host; each new connection takes the next fault."""

    def __init__(self, port: int, faults: Sequence[Fault]) -> None:
        self._to, self._faults = port, list(faults)
        self._open: list[socket.socket] = []
        self._guard = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        with self._guard:
            for each in (self._listener, *self._open):
                _end(each)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._guard:
                fault = self._faults.pop(0) if self._faults else Fault()
                self._open.append(client)
            if not fault.swallows:
                self._join(client, fault)

    def _join(self, client: socket.socket, fault: Fault) -> None:
        server = socket.create_connection(("127.0.0.1", self._to))
        with self._guard:
            self._open.append(server)
        for source, sink, most in ((client, server, fault.request_bytes), (server, client, fault.answer_bytes)):
            threading.Thread(target=_forward, args=(source, sink, most), daemon=True).start()


def _forward(source: socket.socket, sink: socket.socket, most: int | None) -> None:
    left = most
    with contextlib.suppress(OSError):
        while left is None or left > 0:
            data = source.recv(CHUNK if left is None else min(CHUNK, left))
            if not data:
                break
            sink.sendall(data)
            left = None if left is None else left - len(data)
    _end(source)
    _end(sink)


def _end(each: socket.socket) -> None:
    # Shutting down, unlike closing, wakes the threads that wait in accept and recv.
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


@contextlib.contextmanager
def proxy(port: int, *faults: Fault) -> Iterator[Proxy]:
    """A proxy to this port for the length of the block."""
    running = Proxy(port, faults)
    try:
        yield running
    finally:
        running.close()

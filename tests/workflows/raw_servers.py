"""Servers of bare sockets that misbehave as a test tells them to, and remember what they were sent."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

HTTP_OK = (
    b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 31\r\n\r\n"
    b'{"createdId":38,"warnings":[ ]}'
)
CHUNK = 64 * 1024


class Conversation:
    """One accepted connection, from the server's side."""

    def __init__(self, connection: socket.socket, server: RawServer) -> None:
        self.connection = connection
        self.server = server

    def read_request(self) -> bytes:
        """Read a request whole, head and body; empty where the client is gone."""
        data = b""
        while b"\r\n\r\n" not in data:
            received = self.connection.recv(CHUNK)
            if not received:
                return b""
            data += received
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        while len(body) < int(lengths[0] if lengths else 0):
            body += self.connection.recv(CHUNK)
        self.server.requests.append(head + b"\r\n\r\n" + body)
        return self.server.requests[-1]

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)
        self.server.sent += len(data)

    def drip(self, data: bytes, seconds: float) -> None:
        """One byte at a time, for as long as the client listens."""
        for byte in data:
            self.send(bytes([byte]))
            if self.server.stopping.wait(seconds):
                return

    def wait(self, seconds: float) -> None:
        self.server.stopping.wait(seconds)


Behaviour = Callable[[Conversation], None]


class RawServer:
    """Listens on a free port of this host. `requests` holds what came in, `sent` counts the bytes that went out."""

    def __init__(self, behave: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.sent = 0
        self.stopping = threading.Event()
        self._behave, self._tls = behave, tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._open: list[socket.socket] = []
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            self._threads.append(threading.Thread(target=self._converse, args=(connection,)))
            self._threads[-1].start()

    def _converse(self, connection: socket.socket) -> None:
        # What a client does to a connection (leaving, resetting, refusing the certificate) is no fault of the server.
        with contextlib.suppress(OSError), connection:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            with connection:
                self._behave(Conversation(connection, self))

    def close(self) -> None:
        self.stopping.set()
        # Shutting down, unlike closing, wakes the threads that wait in accept and recv.
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()


@contextlib.contextmanager
def raw_server(behave: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """A server for the length of the block; each connection is handed to `behave`, which may return at any time."""
    server = RawServer(behave, tls)
    try:
        yield server
    finally:
        server.close()


def answering(*answers: bytes) -> Behaviour:
    """Answer the requests of a connection with these bytes, one after the other; then close it."""

    def behave(conversation: Conversation) -> None:
        for answer in answers:
            if not conversation.read_request():
                return
            conversation.send(answer)

    return behave


def good_answers(conversation: Conversation) -> None:
    """Behave well, for as many requests as come on one connection."""
    while conversation.read_request():
        conversation.send(HTTP_OK)

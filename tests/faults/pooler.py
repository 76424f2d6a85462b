"""`python -m tests.faults.pooler --port N --servers 2 URL`: pools connections of PostgreSQL by the transaction.

It stands where pgbouncer would, of which there is no package among the requirements, and does what its transaction
mode does to a client: between two transactions the server's session is given to somebody else, each time another one.
What a client had set in its session is gone, or somebody else's. Clients are not asked for a password: loopback only.
"""

from __future__ import annotations

import argparse
import queue
import socket
import struct
import sys
import threading
from contextlib import suppress

from psycopg import pq

PARAMETERS = (
    "server_version", "server_encoding", "client_encoding", "DateStyle", "IntervalStyle", "TimeZone",
    "integer_datetimes", "standard_conforming_strings", "is_superuser", "session_authorization", "application_name",
)  # fmt: skip
ENCRYPTION_REQUESTS = (80877103, 80877104)
ENDS_A_TURN = (b"Q", b"S")


class Gone(Exception):
    """The other side has closed its connection."""


class Server:
    """One session of PostgreSQL; logged in by libpq, then spoken to directly."""

    def __init__(self, url: str) -> None:
        self._connection = pq.PGconn.connect(f"{url}?sslmode=disable&gssencmode=disable".encode())
        if self._connection.status != pq.ConnStatus.OK:
            raise Gone(self._connection.error_message)
        self.socket = socket.socket(fileno=self._connection.socket)
        self.socket.setblocking(True)
        self.parameters = {name: self._connection.parameter_status(name.encode()) or b"" for name in PARAMETERS}

    def close(self) -> None:
        self.socket.detach()
        self._connection.finish()


class Pool:
    """So many servers; the one that has rested longest is next."""

    def __init__(self, url: str, size: int) -> None:
        self._url = url
        self._resting: queue.Queue[Server | None] = queue.Queue()
        for _ in range(size):
            self._resting.put(None)

    def take(self) -> Server:
        server = self._resting.get()
        if server is not None:
            return server
        try:
            return Server(self._url)
        except Gone:
            self._resting.put(None)
            raise

    def give_back(self, server: Server, *, is_clean: bool) -> None:
        """A session in the middle of something is ended, which rolls it back."""
        if not is_clean:
            server.close()
        self._resting.put(server if is_clean else None)


def read_exactly(source: socket.socket, count: int) -> bytes:
    parts = b""
    while len(parts) < count:
        part = source.recv(count - len(parts))
        if not part:
            raise Gone
        parts += part
    return parts


def read_message(source: socket.socket) -> tuple[bytes, bytes]:
    """The kind of a message, and all of its bytes."""
    head = read_exactly(source, 5)
    (length,) = struct.unpack("!I", head[1:])
    return head[:1], head + read_exactly(source, length - 4)


def message(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("!I", len(content) + 4) + content


class Client(threading.Thread):
    """One client; it has a server for as long as a transaction of it is open."""

    def __init__(self, connection: socket.socket, pool: Pool) -> None:
        super().__init__(daemon=True)
        self._socket, self._pool = connection, pool
        self._server: Server | None = None

    def run(self) -> None:
        with suppress(Gone, OSError):
            self._greet()
            while self._turn():
                pass
        if self._server is not None:
            self._pool.give_back(self._server, is_clean=False)
        self._socket.close()

    def _greet(self) -> None:
        while True:
            (length,) = struct.unpack("!I", read_exactly(self._socket, 4))
            (code,) = struct.unpack("!I", read_exactly(self._socket, length - 4)[:4])
            if code not in ENCRYPTION_REQUESTS:
                break
            self._socket.sendall(b"N")
        server = self._pool.take()
        parameters = [name.encode() + b"\0" + value + b"\0" for name, value in server.parameters.items()]
        self._pool.give_back(server, is_clean=True)
        hello = [message(b"R", struct.pack("!I", 0)), *(message(b"S", each) for each in parameters)]
        self._socket.sendall(b"".join([*hello, message(b"K", bytes(8)), message(b"Z", b"I")]))

    def _turn(self) -> bool:
        """Forward one message of the client, and all that the server has to say to it; False after a goodbye."""
        kind, raw = read_message(self._socket)
        if kind == b"X":
            return False
        if self._server is None:
            self._server = self._pool.take()
        self._server.socket.sendall(raw)
        if kind in ENDS_A_TURN:
            self._answer(self._server)
        return True

    def _answer(self, server: Server) -> None:
        while True:
            kind, raw = read_message(server.socket)
            self._socket.sendall(raw)
            if kind == b"Z":
                break
        if raw[5:6] == b"I":
            self._server = None
            self._pool.give_back(server, is_clean=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.pooler", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--servers", type=int, default=2)
    parser.add_argument("url")
    options = parser.parse_args()
    pool = Pool(options.url, options.servers)
    with socket.create_server(("127.0.0.1", options.port)) as listener:
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Client(connection, pool).start()


if __name__ == "__main__":
    sys.exit(main())

"""A stand-in for Intouch that costs next to nothing, the same for us and for everybody we are compared with.

    python -m bench.stub PORT [SECONDS]

Answers every request with the 201 of a good credit, after SECONDS, over connections that it keeps open.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time

BODY = b'{"createdId":38,"warnings":[]}'
ANSWER = (
    b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
)  # fmt: skip


def serve(port: int, seconds: float = 0.0, host: str = "127.0.0.1") -> None:
    with socket.create_server((host, port), backlog=256) as listener:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_answer, args=(connection, seconds), daemon=True).start()


def _answer(connection: socket.socket, seconds: float) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    rest = b""
    with connection, contextlib.suppress(OSError):
        while True:
            while b"\r\n\r\n" not in rest:
                received = connection.recv(65536)
                if not received:
                    return
                rest += received
            head, _, rest = rest.partition(b"\r\n\r\n")
            missing = _length(head) - len(rest)
            while missing > 0:
                received = connection.recv(65536)
                rest += received
                missing -= len(received)
            rest = rest[_length(head) :]
            if seconds:
                time.sleep(seconds)
            connection.sendall(ANSWER)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


if __name__ == "__main__":
    serve(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0.0, *sys.argv[3:4])

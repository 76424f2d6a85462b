"""gunicorn's threads, of which no client keeps one by not sending the rest of its request.

gunicorn waits without a limit once the first byte of a head or a body has come (measured with 27.0.1): as many half
requests as there are threads would stop the service. A proxy that buffers whole requests does the same and more.

Two things of gunicorn's inside are relied upon: a thread serves a connection in `handle`, and its socket is `sock`.
gunicorn is pinned, and tests/security/test_wire_server.py talks to the real server, so a release that changes either
is noticed before it is used.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

READ_SECONDS = float(os.environ.get("WEB_READ_SECONDS") or 30)
_LOOK_SECONDS = 1.0


class BoundedThreadWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Head and body must arrive within READ_SECONDS. Only reading is ended then: an answer may take longer, and the
    connection ends with it. A kept connection that is idle is in no thread, and in no danger.
    """

    def init_process(self) -> None:
        self._deadlines: dict[Any, float] = {}
        threading.Thread(target=self._end_slow_reading, name="slow-clients", daemon=True).start()
        super().init_process()

    def handle(self, conn: Any) -> Any:
        self._deadlines[conn] = time.monotonic() + READ_SECONDS
        try:
            return super().handle(conn)
        finally:
            del self._deadlines[conn]

    def _end_slow_reading(self) -> None:
        while self.alive:
            time.sleep(_LOOK_SECONDS)
            now = time.monotonic()
            for conn, deadline in list(self._deadlines.items()):
                if deadline < now:
                    # Whoever reads finds the end of the connection; what was read whole already is not affected.
                    with contextlib.suppress(OSError):
                        conn.sock.shutdown(socket.SHUT_RD)

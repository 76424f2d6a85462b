"""Services under gunicorn with the service's own configuration, real requests to them, and the CPU that those cost."""

from __future__ import annotations

import http.client
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from bench import processes

CONNECTIONS = 4


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one round: requests per second, and CPU microseconds of the web and the database processes per request."""

    rate: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Served:
    """A service that answers at a port of this machine.

    Args:
        request: the path, the headers and the body of the next request.
    """

    port: int
    process: int
    path: str
    headers: dict[str, str]
    body: Callable[[], str]

    def round(self, seconds: float, database: int) -> Cost:
        """Load it with keep-alive connections for so long.

        Args:
            database: the process of the database server that its sessions are children of.
        """
        counts = [0] * CONNECTIONS
        ends = time.monotonic() + seconds
        before = processes.cpu_seconds([self.process, database])
        started = time.monotonic()
        clients = [threading.Thread(target=self._client, args=(counts, place, ends)) for place in range(CONNECTIONS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        took = time.monotonic() - started
        spent = processes.cpu_seconds([self.process, database]) - before
        return Cost(rate=sum(counts) / took, cpu=spent / sum(counts) * 1e6)

    def _client(self, counts: list[int], place: int, ends: float) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        while time.monotonic() < ends:
            connection.request("POST", self.path, self.body(), {**self.headers, "Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{answer.status}: {text[:500]!r}")
            counts[place] += 1
        connection.close()


@contextmanager
def gunicorn(application: str, settings: str = "config.settings") -> Iterator[tuple[int, int]]:
    """The port and the process of an application under gunicorn, once it listens."""
    port = processes.free_port()
    environment = {"BIND": f"127.0.0.1:{port}", "DJANGO_SETTINGS_MODULE": settings}
    command = [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.py", application]
    with processes.running(command, environment) as process:
        processes.wait_until(partial(processes.listens, port), f"{application} listens")
        yield port, process

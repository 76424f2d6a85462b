"""Services under gunicorn with the service's own configuration, real requests to them, and the CPU that those cost."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 4
_TICKS = os.sysconf("SC_CLK_TCK")


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
        before = _cpu(self.process) + _cpu(database)
        started = time.monotonic()
        clients = [threading.Thread(target=self._client, args=(counts, place, ends)) for place in range(CONNECTIONS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        took = time.monotonic() - started
        spent = _cpu(self.process) + _cpu(database) - before
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
    port = _free_port()
    environment = {**os.environ, "BIND": f"127.0.0.1:{port}", "DJANGO_SETTINGS_MODULE": settings}
    command = [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.py", application]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def _wait_for(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"nothing listens at {port}")


def _cpu(root: int) -> float:
    """CPU seconds of a process and its children, those that have ended included."""
    total = 0.0
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit() and (fields := _stat(directory)) is not None:
            if int(directory.name) == root:
                total += sum(fields[11:15]) / _TICKS
            elif fields[1] == root:
                total += sum(fields[11:13]) / _TICKS
    return total


def _stat(directory: Path) -> list[int] | None:
    """Numbers of /proc/PID/stat behind the name and the state; 1: parent, 11 to 14: CPU of itself and its children."""
    try:
        return [0, *map(int, (directory / "stat").read_text().rpartition(")")[2].split()[1:])]
    except OSError:
        return None  # it has ended meanwhile

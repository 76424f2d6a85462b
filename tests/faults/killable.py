"""Processes and servers with pids of their own, to be killed, frozen and started again.

`tests.faults.service.Service` puts a whole service together out of them. Beside `tests.faults.processes`, whose
processes share the database of the test; here the servers themselves are among the victims. Nothing is ever stopped
but by the pid that was started here.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import requests

from config.embedded.directories import PROJECT, postgres_home
from config.embedded.postgres import Postgres
from config.embedded.processes import server_options, unprivileged_account
from config.embedded.server import Server
from config.embedded.valkey import Valkey

START_SECONDS = 120.0
STOP_SECONDS = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers(url: str) -> bool:
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(url, timeout=5).ok
        except requests.RequestException:
            return False


def wait_until(holds: Callable[[], object], what: str, seconds: float = START_SECONDS) -> None:
    """Return when `holds()` is true; an AssertionError that names `what` after so many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.03)


class Process:
    """A program that can be started any number of times, in a process group of its own.

    Start it from a thread that lives as long as it shall: the kernel ends it together with that thread.
    """

    port: int
    """Where it listens; of a web process only."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name, self.command, self.environment, self.log = name, list(command), dict(environment), log
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> Process:
        with self.log.open("ab") as log:
            options = server_options(None, signal.SIGKILL) | {"env": self.environment, "cwd": PROJECT}
            self._running = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options)
        return self

    @property
    def pid(self) -> int:
        assert self._running is not None, f"{self.name} was not started"
        return self._running.pid

    @property
    def is_alive(self) -> bool:
        return self._running is not None and self._running.poll() is None

    @property
    def said(self) -> str:
        """Everything that it wrote, over all its starts."""
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    def signal(self, number: int) -> None:
        """Tell the process alone, not its group."""
        if self.is_alive:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End the whole group at once, as a machine does that loses power."""
        self._tell_group(signal.SIGKILL)
        self.wait()

    def stop(self) -> None:
        """Ask to end; insist after a while."""
        self._tell_group(signal.SIGCONT)
        self._tell_group(signal.SIGTERM)
        try:
            self.wait()
        except subprocess.TimeoutExpired:
            self.kill()

    def wait(self, seconds: float = STOP_SECONDS) -> int | None:
        """The exit code once it ends; negative for a signal."""
        return None if self._running is None else self._running.wait(seconds)

    def _tell_group(self, number: int) -> None:
        if self.is_alive:
            os.killpg(self.pid, number)


class OwnServer:
    """A server of `config.embedded` at a port that stays its own, to be stopped hard and started again."""

    def __init__(self, server: Server, arguments: Sequence[str]) -> None:
        self.server = server
        self.arguments = list(arguments)
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start it and return its URL once it answers."""
        with self.server.log.open("ab") as log:
            options = server_options(self.server.account, self.server.stop_signals[-1])
            self._running = subprocess.Popen(
                self.arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options
            )
        wait_until(lambda: self._answers() or self._running.poll() is not None, f"{self.server.title} answers")
        url = self.server.url()
        assert url is not None, self.server.log.read_text()[-2000:]
        return url

    def _answers(self) -> bool:
        return self.server.pid() == self.pid and self.server.url() is not None

    @property
    def pid(self) -> int:
        assert self._running is not None
        return self._running.pid

    @property
    def is_alive(self) -> bool:
        return self._running is not None and self._running.poll() is None

    def signal(self, number: int) -> None:
        if self.is_alive:
            os.kill(self.pid, number)

    def end(self, number: int) -> None:
        """Stop it with this signal and wait for its death."""
        if self._running is None:
            return
        self.signal(signal.SIGCONT)
        self.signal(number)
        try:
            self._running.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self._running.wait(STOP_SECONDS)


class OwnPostgres(OwnServer):
    """A PostgreSQL with few connections, so that they can be used up; crash-safe, unlike that of other tests."""

    def __init__(self, directory: Path, stack: ExitStack, *, max_connections: int = 100) -> None:
        account = unprivileged_account()
        home = postgres_home(stack, directory, account, temporary=True)
        server = Postgres(directory, home, account, temporary=True)
        server.prepare()
        # The later of two wins: what was committed must survive a crash here.
        own = ["--fsync=on", "--full_page_writes=on", f"--max_connections={max_connections}"]
        super().__init__(server, [*server.arguments(free_port()), *own])

    def crash(self) -> None:
        """Immediate shutdown: no goodbye to anybody, recovery at the next start."""
        self.end(signal.SIGQUIT)


class OwnValkey(OwnServer):
    """A Valkey that can lose everything."""

    def __init__(self, directory: Path) -> None:
        server = Valkey(directory)
        super().__init__(server, server.arguments(free_port()))

    def crash(self, *, empty: bool) -> None:
        """Die at once; `empty` also takes away what it had written to its disk."""
        self.end(signal.SIGKILL)
        if empty:
            for path in sorted(self.server.mark.parent.rglob("*"), reverse=True):
                if "appendonly" in path.name and path.is_file():
                    path.unlink()

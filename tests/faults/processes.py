"""The real processes, started by a test and ended by their own pid: worker, beat, sandbox, and one-off scripts."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
from django.db import connection

PATIENCE = 120.0
# Short, so that tests need not wait; a worker that is not hurt meets none of these bounds.
BOUNDS = {
    "INTOUCH_CONNECT_SECONDS": "2", "INTOUCH_READ_SECONDS": "5", "INTOUCH_TOTAL_SECONDS": "5",
    "INTOUCH_LEASE_SECONDS": "10", "INTOUCH_BACKOFF_SECONDS": "0.1", "INTOUCH_BACKOFF_MOST_SECONDS": "0.5",
    "INTOUCH_ALLOW_LOOPBACK": "true", "SWEEP_SECONDS": "1", "LOG_FORMAT": "json", "LOG_LEVEL": "INFO",
}  # fmt: skip


def environment(**changes: str) -> dict[str, str]:
    """The environment of a process that shares the test's database and broker."""
    database = connection.settings_dict
    user, password = quote(str(database["USER"]), safe=""), quote(str(database["PASSWORD"]), safe="")
    url = f"postgresql://{user}:{password}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    return {**os.environ, **BOUNDS, "DATABASE_URL": url, **changes}


def eventually(is_so: Callable[[], Any], what: str) -> None:
    """Wait until something is so; fail where it does not become so in a time that is ample on any machine."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, f"did not happen: {what}"
        time.sleep(0.05)


@dataclass(frozen=True)
class Process:
    """A started process and where its output goes."""

    popen: subprocess.Popen[bytes]
    log: Path

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    @property
    def is_running(self) -> bool:
        return self.popen.poll() is None

    def signal(self, number: signal.Signals) -> None:
        self.popen.send_signal(number)

    def ended_with(self) -> int:
        """Wait for its end; the exit code, negative for a signal."""
        return self.popen.wait(PATIENCE)

    def end(self) -> None:
        """Politely, so that it takes its own children along; or else not."""
        self.popen.terminate()
        try:
            self.popen.wait(PATIENCE / 2)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait(PATIENCE)


@contextlib.contextmanager
def started(log: Path, *arguments: str, **changes: str) -> Iterator[Process]:
    """`python ARGUMENTS` for the length of the block."""
    with log.open("wb") as file:
        popen = subprocess.Popen(
            [sys.executable, *arguments], env=environment(**changes), stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
    process = Process(popen, log)
    try:
        yield process
    finally:
        process.end()


@dataclass(frozen=True)
class Sandbox:
    """The Intouch sandbox as a process: the independent witness of what was credited."""

    url: str

    def order(self, fault: str, **options: Any) -> None:
        answer = requests.post(f"{self.url}/faults", json={"fault": fault, **options}, timeout=PATIENCE)
        assert answer.status_code == 201, answer.text

    def ledger(self) -> dict[str, Any]:
        found: dict[str, Any] = requests.get(f"{self.url}/ledger", timeout=PATIENCE).json()
        return found

    def credited(self) -> list[str]:
        """The references that were credited, in order; one that was credited twice would stand here twice."""
        return sorted(credit["referenceId"] for credit in self.ledger()["credits"])

    def calls(self) -> int:
        return int(self.ledger()["calls"])


@contextlib.contextmanager
def sandbox_process(folder: Path) -> Iterator[Sandbox]:
    """`python -m workflows.sandbox` on a free port, with a ledger that survives."""
    log = folder / "sandbox.log"
    with started(log, "-u", "-m", "workflows.sandbox", "--port", "0", "--ledger", str(folder / "ledger")) as process:
        eventually(lambda: "listening on" in process.output or not process.is_running, "the sandbox starts")
        found = re.search(r"listening on (\S+)", process.output)
        assert found is not None, process.output
        yield Sandbox(found[1])


WORKER = ("-m", "celery", "-A", "config", "worker", "--pool", "threads", "--concurrency", "2")


@contextlib.contextmanager
def worker(folder: Path, name: str = "worker", *options: str, **changes: str) -> Iterator[Process]:
    """A Celery worker as in production."""
    hostname = f"{name}-{os.getpid()}-{time.monotonic_ns()}@test"
    with started(folder / f"{name}.log", *WORKER, "--hostname", hostname, *options, **changes) as process:
        yield process

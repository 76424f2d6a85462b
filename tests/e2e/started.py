"""Starting `config.run` as the Makefile does, each time with servers, ports and a directory of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
EMBEDDED = [sys.executable, "-m", "config.embedded", "--temporary", "--"]
START_SECONDS, END_SECONDS = 240, 60
# What a shell of a developer would not have: the servers of the test run itself.
_NOT_PASSED_ON = {
    "DATABASE_URL", "CELERY_BROKER_URL", "DJANGO_SETTINGS_MODULE", "PORT", "SANDBOX_PORT", "GOODWILL_VAR",
    "PYTHONDONTWRITEBYTECODE",
}  # fmt: skip


def developer_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}


def run_demo() -> subprocess.CompletedProcess[str]:
    """`make demo`, without make."""
    command = [*EMBEDDED, sys.executable, "-m", "config.run", "demo"]
    return subprocess.run(
        command, cwd=PROJECT, env=developer_environment(), capture_output=True, text=True, timeout=START_SECONDS
    )


@contextmanager
def embedded_servers() -> Iterator[dict[str, str]]:
    """The environment of a command inside `config.embedded`; its servers outlive several starts."""
    tell = "import json, os, sys; print(json.dumps(dict(os.environ)), flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [*EMBEDDED, sys.executable, "-c", tell],
        cwd=PROJECT, env=developer_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        assert holder.stdin is not None
        yield json.loads(holder.stdout.readline())
        holder.stdin.close()
        assert holder.wait(END_SECONDS) == 0


@dataclass
class Started:
    """A running `config.run serve`."""

    process: subprocess.Popen[str]
    var: Path
    out: Path
    ports: tuple[int, int]

    @property
    def printed(self) -> str:
        return self.out.read_text()

    @property
    def summary(self) -> dict[str, Any]:
        return json.loads((self.var / "demo.json").read_text())

    @property
    def pids(self) -> dict[str, int]:
        """The processes that it says it has started, by name."""
        return {name: int(pid) for name, pid in re.findall(r"(\w+) \(pid (\d+)\)", self.printed)}

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not (self.var / "demo.json").exists() or "Ctrl-C" not in self.printed:
            assert self.process.poll() is None, self.printed
            assert time.monotonic() < deadline, self.printed
            time.sleep(0.1)

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal to the group of the launcher, as a terminal does, and return the exit code."""
        os.killpg(self.process.pid, number)
        return self.process.wait(END_SECONDS)

    def left(self) -> list[str]:
        """What is still there of its processes, their own children, and its ports."""
        groups = [name for name, pid in self.pids.items() if _group_exists(pid)]
        return groups + [f"port {port}" for port in self.ports if not is_free(port)]


@contextmanager
def started(environment: dict[str, str], var: Path, ports: tuple[int, int]) -> Iterator[Started]:
    """`config.run serve` within servers that run already; ended here if the test has not done so."""
    own = {"PORT": str(ports[0]), "SANDBOX_PORT": str(ports[1]), "GOODWILL_VAR": str(var)}
    out = var.with_suffix(f".{time.monotonic_ns()}.out")
    with out.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.run", "serve"], cwd=PROJECT, env=environment | own,
            stdout=file, stderr=subprocess.STDOUT, text=True, start_new_session=True, preexec_fn=_heed_ctrl_c,
        )  # fmt: skip
    run = Started(process, var, out, ports)
    try:
        yield run
    finally:
        if process.poll() is None:
            run.end(signal.SIGTERM)


def _heed_ctrl_c() -> None:
    """As in a terminal: what runs in a shell's background ignores Ctrl-C, and all that it starts does so too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        for probe in (first, second):
            probe.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _group_exists(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True

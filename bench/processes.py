"""Real processes for the benchmarks: started, waited for, ended by their own pid, and asked for their CPU time."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from bench.report import PROJECT

START_SECONDS = 60
STOP_SECONDS = 20
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(roots: Sequence[int]) -> float:
    """User and system time of these processes, of all that descend from them, and of what those have outlived."""
    parents = {pid: _stat(pid) for pid in _all_pids()}
    family, total = set(roots), 0.0
    grew = True
    while grew:
        found = {pid for pid, (parent, *_) in parents.items() if parent in family} - family
        family |= found
        grew = bool(found)
    for pid in family:
        _parent, _name, own, ended_children = parents.get(pid, (0, "", 0.0, 0.0))
        total += own + ended_children
    return total


def servers() -> list[int]:
    """PostgreSQL and the broker that `config.embedded` has started beside this process.

    Raises:
        SystemExit: there are none; a server of somebody else's has the load of somebody else in its CPU time.
    """
    beside = [pid for pid in _all_pids() if _stat(pid)[0] == os.getppid()]
    found = [pid for pid in beside if _stat(pid)[1] in ("postgres", "valkey-server", "redis-server")]
    if len(found) != 2:
        raise SystemExit("start this with `python -m config.embedded --temporary --`, which brings servers of its own")
    return found


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def running(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Iterator[int]:
    """A process for the length of the block; its pid. What it says is shown where it ends too early."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, cwd=PROJECT, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            yield process.pid
            if process.poll() is not None:
                log.seek(0)
                raise SystemExit(f"{command[2]} ended with code {process.returncode}:\n{log.read().decode()[-2000:]}")
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until(is_so: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    """Ask until it is so.

    Raises:
        SystemExit: it did not become so in time.
    """
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise SystemExit(f"gave up after {seconds:.0f} s: {what}")
        time.sleep(0.02)


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _stat(pid: int) -> tuple[int, str, float, float]:
    """Parent, name, own CPU seconds and those of ended children; nothing of a process that is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0, "", 0.0, 0.0
    name = text[text.index("(") + 1 : text.rindex(")")]
    rest = text[text.rindex(")") + 1 :].split()
    own, ended = int(rest[11]) + int(rest[12]), int(rest[13]) + int(rest[14])
    return int(rest[1]), name, own / _TICKS, ended / _TICKS

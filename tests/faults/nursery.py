"""Workers and beats that start in a moment: forked from a process that has imported everything.

`Nursery` is the side of the tests, `python -m tests.faults.nursery` the mother. What she forks becomes a Celery process
of its own, with its own pid and session, exactly as `celery -A config worker` would be from there on.
"""

from __future__ import annotations

import ctypes
import datetime
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from config.embedded.directories import PROJECT
from config.embedded.processes import PR_SET_PDEATHSIG, server_options
from tests.faults.killable import wait_until


class Nursery:
    """Starts Celery processes; they end with it at the latest."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._guard = threading.Lock()
        options = server_options(None, signal.SIGKILL) | {"env": dict(environment), "cwd": PROJECT}
        with log.open("ab") as file:
            self._mother = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.nursery"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, text=True, **options,
            )  # fmt: skip

    def start(self, arguments: Sequence[str], log: Path, **oddities: Any) -> Child:
        """`celery ARGUMENTS`; the oddities are those of `_become`."""
        pid = self.ask(arguments=list(arguments), log=str(log), **oddities)
        return Child(self, pid, log)

    def ask(self, **command: Any) -> Any:
        with self._guard:
            assert self._mother.stdin is not None
            assert self._mother.stdout is not None
            print(json.dumps(command), file=self._mother.stdin, flush=True)
            return json.loads(self._mother.stdout.readline())

    def close(self) -> None:
        self._mother.kill()
        self._mother.communicate()


class Child:
    """One forked process."""

    def __init__(self, nursery: Nursery, pid: int, log: Path) -> None:
        self._nursery, self.pid, self._log = nursery, pid, log

    @property
    def said(self) -> str:
        return self._log.read_text("utf-8", "replace")

    @property
    def exit_code(self) -> int | None:
        """None while it lives; negative for a signal."""
        code: int | None = self._nursery.ask(code_of=self.pid)
        return code

    def signal(self, number: int) -> None:
        self._nursery.ask(signal=number, pid=self.pid)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.wait()

    def wait(self) -> int:
        """The exit code once it ends."""
        wait_until(lambda: self.exit_code is not None, f"process {self.pid} ends")
        code = self.exit_code
        assert code is not None
        return code


class _Mother:
    """Reads one command per line and answers each with one line."""

    def __init__(self) -> None:
        self._codes: dict[int, int | None] = {}

    def serve(self) -> None:
        answers = sys.stdout
        for line in sys.stdin:
            command = json.loads(line)
            self._reap()
            if "arguments" in command:
                answer: int | None = self._fork(**command)
            elif "signal" in command:
                answer = self._signal(command["pid"], command["signal"])
            else:
                answer = self._codes[command["code_of"]]
            print(json.dumps(answer), file=answers, flush=True)

    def _fork(self, *, arguments: list[str], log: str, **oddities: Any) -> int:
        pid = os.fork()
        if pid == 0:
            _become(arguments, log, **oddities)
        self._codes[pid] = None
        return pid

    def _signal(self, pid: int, number: int) -> None:
        if self._codes[pid] is None:  # not reaped, so the pid is still that child's
            os.kill(pid, number)

    def _reap(self) -> None:
        for pid in [pid for pid, code in self._codes.items() if code is None]:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._codes[pid] = os.waitstatus_to_exitcode(status)


def _become(
    arguments: list[str], log: str, *, failpoint: str = "", visibility_timeout: float = 0, clock: float = 0
) -> None:
    """Never return.

    Args:
        failpoint: what FAILPOINT would be.
        visibility_timeout: seconds after which the broker hands a message out once more.
        clock: seconds by which this process's clock is wrong.
    """
    try:
        os.setsid()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for descriptor in (1, 2):
            os.dup2(file, descriptor)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        _make_odd(failpoint, visibility_timeout, clock)
        _celery(arguments)
    finally:
        os._exit(70)


def _make_odd(failpoint: str, visibility_timeout: float, clock: float) -> None:
    from config.celery import app
    from workflows import failpoints

    failpoints._actions = failpoints._armed(failpoint)
    if visibility_timeout:
        hasty = {"unacked_restore_interval": 1, "unacked_restore_throttle": 1}
        options = app.conf.broker_transport_options
        app.conf.broker_transport_options = options | hasty | {"visibility_timeout": visibility_timeout}
    if clock:
        _shift_clock(clock)


def _shift_clock(seconds: float) -> None:
    """What Python code reads as the time of day is wrong from now on; the monotonic clock is not, as in life."""
    from django.utils import timezone

    real_time, real_now = time.time, timezone.now
    time.time = lambda: real_time() + seconds
    timezone.now = lambda: real_now() + datetime.timedelta(seconds=seconds)


def _celery(arguments: list[str]) -> None:
    from celery.signals import task_received

    from config.celery import app

    task_received.connect(_say, weak=False)
    try:
        code = app.start(arguments)  # Celery returns what it would exit with
    except SystemExit as ended:
        code = ended.code
    sys.stdout.flush()
    os._exit(int(code or 0))


def _say(request: Any = None, **_: Any) -> None:
    """Which request a message was for."""
    print("received", getattr(request, "args", None), flush=True)


if __name__ == "__main__":
    import django

    from config.celery import app

    django.setup()
    app.loader.import_default_modules()
    _Mother().serve()

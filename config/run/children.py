"""The processes of a run: started together, ended together, whatever ends them.

honcho was tried: a Ctrl-C before it has noted a process id ends in a KeyError, and a closed terminal or a killed
honcho leaves its processes running. Here each child is told by the kernel when we die (on Linux), has a session of its
own so that Ctrl-C reaches us alone, and is ended with its whole process group.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from config.embedded.directories import PROJECT
from config.embedded.processes import pause, server_options
from config.run.trouble import Trouble

STOP_SECONDS = 20
LOOK_SECONDS = 0.2
LAST_LINES = 15
# A line of structlog (for reading or as JSON), or the first one of a traceback that nobody logged.
_WORTH_SHOWING = re.compile(r'\[(warning|error|critical)\s*\]|"level": "(warning|error|critical)"|^Traceback')


@dataclass
class Child:
    """A started process; `looked_at` bytes of its log were searched for warnings."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    looked_at: int = 0

    def new_warnings(self) -> list[str]:
        with self.log.open("rb") as file:
            file.seek(self.looked_at)
            lines, newline, _ = file.read().rpartition(b"\n")
        self.looked_at += len(lines + newline)
        return [line for line in lines.decode("utf-8", "replace").splitlines() if _WORTH_SHOWING.search(line)]

    def obituary(self) -> str:
        """What it said last, and how it ended."""
        code = self.process.returncode
        how = f"with code {code}" if code >= 0 else f"by {signal.Signals(-code).name}"
        end = self.log.read_text("utf-8", "replace").splitlines()[-LAST_LINES:]
        return "\n".join([f"the end of {self.log}:", *(f"    {line}" for line in end), f"{self.name} ended {how}"])


class Children:
    """All processes of a run; leaving the context ends them, the latest first."""

    def __init__(self, *, environment: Mapping[str, str], logs: Path, show: Callable[[str], None]) -> None:
        self._environment = environment
        self._logs = logs
        self._show = show
        self._lasting: list[Child] = []
        self._passing: list[Child] = []

    def __enter__(self) -> Children:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a process that is to last as long as the run."""
        self._lasting.append(self._spawn(name, command, None))

    def run(self, name: str, command: Sequence[str]) -> str:
        """Run a process to its end and return what it printed, which is kept nowhere; its log is its stderr.

        Raises:
            Trouble: it failed.
        """
        with tempfile.TemporaryFile() as answer:
            child = self._spawn(name, command, answer)
            self._passing.append(child)
            while child.process.poll() is None:
                pause(0.02)
            if child.process.returncode != 0:
                raise Trouble(child.obituary())
            answer.seek(0)
            return answer.read().decode()

    def watch(self, seconds: float = LOOK_SECONDS) -> None:
        """Wait a moment, and show the warnings of the meantime.

        Raises:
            Trouble: a process that is to last has ended.
            Interrupted: by a signal.
        """
        pause(seconds)
        for child in self._lasting:
            for line in child.new_warnings():
                self._show(f"{child.name:8}| {line}")
        for child in self._lasting:
            if child.process.poll() is not None:
                raise Trouble(f"{child.obituary()}, so everything else was ended too.")

    def named(self) -> str:
        """`web (pid 12), worker (pid 13)`"""
        return ", ".join(f"{child.name} (pid {child.process.pid})" for child in self._lasting)

    def _spawn(self, name: str, command: Sequence[str], stdout: IO[bytes] | None) -> Child:
        path = self._logs / f"{name}.log"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags, 0o600), "wb") as log:
            options = server_options(None) | {"env": self._environment, "cwd": PROJECT}
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout or log, stderr=log, **options)
        return Child(name, process, path)

    def _stop(self) -> None:
        """Politely for so long, then by force; not to be hurried, as a call to Intouch may be on its way."""
        deadline = time.monotonic() + STOP_SECONDS
        for child in [*self._passing, *reversed(self._lasting)]:
            child.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.1, deadline - time.monotonic()))
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()

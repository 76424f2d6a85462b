"""The life of an embedded server, whichever it is."""

import abc
import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from config.embedded.processes import Account, StartError, command_line, pause, server_options

START_SECONDS, STOP_SECONDS, ATTEMPTS = 60, 20, 3


class Server(abc.ABC):
    """A server whose files belong to one launcher at a time.

    The kernel lets the lock go when the launcher dies, so a server that runs while we hold it is left over
    from such a death. A pid proves nothing after a crash: a process is ours if its command line names `mark`.
    """

    title: str
    mark: Path
    pid_file: Path
    lock: Path
    log: Path
    stop_signals: tuple[signal.Signals, ...]
    account: Account | None = None

    @abc.abstractmethod
    def prepare(self) -> None:
        """Make what the start needs. Called with the lock held and no server running."""

    @abc.abstractmethod
    def arguments(self, port: int) -> Sequence[str]:
        """The command that serves on this port, in the foreground."""

    @abc.abstractmethod
    def url(self) -> str | None:
        """Where the running server answers; None while it does not."""

    def serve(self, stack: ExitStack) -> str:
        """The URL of a server that answers: another launcher's, or our own, which ends with `stack`."""
        if shared := self._take_lock(stack):
            print(f"config.embedded: shares the {self.title} of another start", file=sys.stderr)
            return shared
        if left := self.pid():
            self._stop(left)
        self.prepare()
        for _ in range(ATTEMPTS):  # another process may take the free port first
            if url := self._start(stack):
                return url
            pause(0.3)
        end = "\n".join(self.log.read_text(errors="replace").splitlines()[-12:])
        raise StartError(f"{self.title} does not start. The end of {self.log}:\n{end}")

    def pid(self) -> int | None:
        """The pid of the running server, if it is really ours."""
        pid = self.noted_pid()
        return pid if pid and self._runs_as(pid) else None

    def noted_pid(self) -> int | None:
        try:
            return int(self.pid_file.read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return None

    def _runs_as(self, pid: int) -> bool:
        return str(self.mark) in (command_line(pid) or "")

    def _take_lock(self, stack: ExitStack) -> str | None:
        """None with the lock held until `stack` closes, or the URL of the server of the one who holds it."""
        file = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        stack.callback(os.close, file)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return None
            if self.pid() and (url := self.url()):
                return url
            pause(0.1)
        raise StartError(f"another start holds {self.lock} but its server does not answer: end that one first")

    def _start(self, stack: ExitStack) -> str | None:
        """None if it ended at once."""
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as log:
            options = server_options(self.account, self.stop_signals[0])
            process = subprocess.Popen(
                self.arguments(_free_port()), stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options
            )
        stack.callback(self._end, process)
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None:
            if self.pid() == process.pid and (url := self.url()):
                return url
            if time.monotonic() > deadline:
                raise StartError(f"{self.title} does not answer within {START_SECONDS} s: see {self.log}")
            pause(0.03)
        return None

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            self._stop(process.pid)
        process.wait()

    def _stop(self, pid: int) -> None:
        """Ask ever less politely until it is gone; not to be hurried by signals."""
        for number in (*self.stop_signals, signal.SIGKILL):
            deadline = time.monotonic() + STOP_SECONDS
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            while time.monotonic() < deadline:
                if not self._runs_as(pid):
                    return
                time.sleep(0.03)
        raise StartError(f"{self.title} (pid {pid}) cannot be stopped")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

"""Signals, the command that was asked for, and the processes around it."""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

GRACE, LAST_GRACE = 30, 5
LINUX, PR_SET_PDEATHSIG = sys.platform == "linux", 1

_signals: list[int] = []
_command: list[subprocess.Popen[bytes]] = []


class StartError(Exception):
    """Something that was asked for cannot be started; the message says what to do."""


class Interrupted(Exception):
    """A signal came before the command ran; its number is the only argument."""


@dataclass(frozen=True)
class Account:
    """Whom root becomes for PostgreSQL, which refuses to be run by root."""

    name: str
    uid: int
    gid: int


def unprivileged_account() -> Account | None:
    """None for an ordinary user, who stays who he is. Accounts are used as found, never made."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, found.pw_uid, found.pw_gid)
    raise StartError("root may not run PostgreSQL and no user `postgres` or `nobody` exists: set DATABASE_URL")


def catch_signals() -> None:
    """Note what asks the launcher to end. A handler never raises: between a fork and the note of its pid, an
    exception would lose a server. What was ignored (nohup, a background job) stays ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _note)
    signal.signal(signal.SIGALRM, _lose_patience)


def pause(seconds: float) -> None:
    """Sleep while something starts; raise Interrupted if a signal came, as nothing can get lost here."""
    time.sleep(seconds)
    if _signals:
        raise Interrupted(_signals[0])


def run_command(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command in the launcher's own group, so that the terminal is its; return its exit code."""
    pause(0)
    try:
        child = subprocess.Popen(arguments, env=environment, preexec_fn=_die_with_launcher(signal.SIGTERM))
    except OSError as error:
        print(f"config.embedded: {arguments[0]}: {error.strerror}", file=sys.stderr)
        return 127 if isinstance(error, FileNotFoundError) else 126
    _command.append(child)
    if _signals:  # one came while the child was being made, and missed it
        child.terminate()
        signal.alarm(GRACE)
    code = child.wait()
    return code if code >= 0 else 128 - code


def _note(number: int, _frame: FrameType | None) -> None:
    _signals.append(number)
    for child in _command:
        if not _sent_by_terminal(number):  # which told the child as well; Celery takes a second SIGINT badly
            child.send_signal(number)
        signal.alarm(GRACE if len(_signals) == 1 else LAST_GRACE)


def _lose_patience(number: int, _frame: FrameType | None) -> None:
    """SIGTERM when the first grace is over, SIGKILL when the last one is."""
    _signals.append(number)
    for child in _command:
        child.send_signal(signal.SIGTERM if len(_signals) == 2 else signal.SIGKILL)
        signal.alarm(LAST_GRACE)


def _sent_by_terminal(number: int) -> bool:
    if number == signal.SIGTERM:
        return False
    try:
        with Path("/dev/tty").open("rb", buffering=0) as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False


def server_options(account: Account | None, death: signal.Signals = signal.SIGTERM) -> dict[str, Any]:
    """Popen's options for a server: out of reach of Ctrl-C, of our secrets and of PG* variables.

    `death` is what it gets when the launcher dies. The kernel forgets that wish when the user changes, but
    preexec_fn comes after that.
    """
    drop = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    environment = {"PATH": os.defpath, "LC_ALL": "C"}
    preexec = _die_with_launcher(death)
    return drop | {"env": environment, "cwd": "/", "start_new_session": True, "preexec_fn": preexec}


def _die_with_launcher(death: signal.Signals) -> Callable[[], None] | None:
    """Best effort, Linux only; elsewhere the next start stops what was left."""
    if not LINUX:
        return None
    prctl, launcher = ctypes.CDLL(None).prctl, os.getpid()

    def in_child() -> None:
        prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(death), 0, 0, 0)
        if os.getppid() != launcher:  # it died before the wish was known
            os._exit(1)

    return in_child


def command_line(pid: int) -> str | None:
    """The arguments of a process, empty for a zombie; None if it is gone, or not ours to see."""
    if LINUX:
        try:
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" "))
        except OSError:
            return None
    listed = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], stdout=subprocess.PIPE, check=False)
    return os.fsdecode(listed.stdout) or None

"""Where a run lives: its ports, its directory and what is started there."""

from __future__ import annotations

import fcntl
import os
import socket
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from config.embedded.directories import PROJECT
from config.run.trouble import Trouble

HOST = "127.0.0.1"
NEEDED = ("DATABASE_URL", "CELERY_BROKER_URL")


@dataclass(frozen=True, slots=True)
class Place:
    port: int
    sandbox_port: int
    var: Path

    @property
    def base_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://{HOST}:{self.sandbox_port}"

    @property
    def logs(self) -> Path:
        return self.var / "log"

    @property
    def ledger(self) -> Path:
        return self.var / "sandbox-ledger.jsonl"

    @property
    def secrets(self) -> Path:
        return self.var / "demo-secrets.json"

    @property
    def summary(self) -> Path:
        return self.var / "demo.json"

    def environment(self) -> dict[str, str]:
        """The environment of all processes."""
        own = {"PORT": str(self.port), "BIND": f"{HOST}:{self.port}", "SANDBOX_PORT": str(self.sandbox_port)}
        return os.environ | own | {"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONUNBUFFERED": "1"}

    def set_up_commands(self) -> dict[str, list[str]]:
        """What runs to its end first."""
        manage = [sys.executable, "manage.py"]
        target = ["--sandbox-url", self.sandbox_url, "--secrets", str(self.secrets)]
        return {
            "migrate": [*manage, "migrate", "--no-input"],
            "create_demo": [*manage, "create_demo", "--json", *target],
        }

    def lasting_commands(self) -> dict[str, list[str]]:
        """What serves, in the order of its start: who is called before who calls."""
        celery = [sys.executable, "-m", "celery", "--quiet", "--app", "config"]
        sandbox = ["--host", HOST, "--port", str(self.sandbox_port), "--ledger", str(self.ledger)]
        return {
            "sandbox": [sys.executable, "-m", "workflows.sandbox", *sandbox],
            "worker": [*celery, "worker", "--pool", "threads", "--concurrency", "4"],
            # Its one interval needs no file that remembers when it was last due.
            "beat": [*celery, "beat", "--scheduler", "celery.beat:Scheduler"],
            "web": [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.py", "config.wsgi"],
        }


def from_environment() -> Place:
    """PORT, SANDBOX_PORT and GOODWILL_VAR, or what stands in the README."""
    var = Path(os.environ.get("GOODWILL_VAR") or PROJECT / "var").absolute()
    return Place(_port(os.environ, "PORT", 8000), _port(os.environ, "SANDBOX_PORT", 8900), var)


def somewhere(var: Path) -> Place:
    """Two free ports."""
    with socket.socket() as first, socket.socket() as second:
        for probe in (first, second):
            probe.bind((HOST, 0))
        return Place(first.getsockname()[1], second.getsockname()[1], var)


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65536):
        raise Trouble(f"{name} must be a port from 1 to 65535, and is {text!r}.")
    return int(text)


def occupy(place: Place, stack: ExitStack) -> None:
    """Make the directory ours until `stack` closes, and see that nobody sits on the ports.

    Raises:
        Trouble: it cannot be had; nothing was touched.
    """
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        raise Trouble(f"{' and '.join(missing)} must be set: use `make run`, or `python -m config.embedded -- …`.")
    if place.port == place.sandbox_port:
        raise Trouble(f"PORT and SANDBOX_PORT are both {place.port}.")
    for name, port in (("PORT", place.port), ("SANDBOX_PORT", place.sandbox_port)):
        _see_that_free(name, port)
    for path in (place.var, place.logs):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(place.var / "run.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    stack.callback(os.close, lock)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Trouble(f"another `make run` uses {place.var}: end it, or set GOODWILL_VAR.") from None


def _see_that_free(name: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do: old connections do not count
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise Trouble(
                f"port {port} cannot be used ({error.strerror}). End what listens there, or choose another one: "
                f"make run {name}={port + 1 if port < 65535 else port - 1}"
            ) from None

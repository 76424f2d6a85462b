"""An own Valkey (or Redis) on 127.0.0.1, with a password, that remembers its queues over a restart."""

import json
import os
import secrets
import signal
import socket
from collections.abc import Sequence
from pathlib import Path

from config.embedded.binaries import find_valkey
from config.embedded.directories import make_private
from config.embedded.server import Server

SETTINGS = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {directory}
pidfile {pid_file}
daemonize no
set-proc-title no
save ""
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
"""


class Valkey(Server):
    """The password stands in a file, as `ps` shows arguments to everybody; it is new at every start."""

    stop_signals = (signal.SIGTERM,)

    def __init__(self, state: Path) -> None:
        self.directory = make_private(state / "valkey")
        self.program = find_valkey(self.directory)
        self.title = "Valkey"
        self.mark = self.directory / "valkey.conf"
        self.pid_file = self.directory / "valkey.pid"
        self.lock = state / "valkey.lock"
        self.log = state / "valkey.log"

    def prepare(self) -> None:
        pass

    def arguments(self, port: int) -> Sequence[str]:
        text = SETTINGS.format(
            port=port,
            password=secrets.token_hex(24),
            directory=_quoted(self.directory),
            pid_file=_quoted(self.pid_file),
        )
        with os.fdopen(os.open(self.mark, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        return [str(self.program), str(self.mark)]

    def url(self) -> str | None:
        try:
            lines = self.mark.read_text().splitlines()
        except OSError:
            return None
        settings = dict(line.split(" ", 1) for line in lines)
        port, password = settings["port"], settings["requirepass"]
        return f"redis://:{password}@127.0.0.1:{port}/0" if _answers(int(port), password) else None


def _answers(port: int, password: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            reply = connection.makefile("rb")
            return reply.readline() + reply.readline() == b"+OK\r\n+PONG\r\n"
    except OSError:
        return False


def _quoted(path: Path) -> str:
    return json.dumps(str(path), ensure_ascii=False)

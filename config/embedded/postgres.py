"""An own PostgreSQL cluster on 127.0.0.1, with a password."""

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from config.embedded.binaries import find_postgres
from config.embedded.directories import make_private
from config.embedded.processes import Account, StartError, command_line, server_options
from config.embedded.server import Server

OWNER, DATABASE = "goodwill_owner", "goodwill"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
}
TEMPORARY_SETTINGS = {"fsync": "off", "full_page_writes": "off"}


class Postgres(Server):
    """One cluster for each major version, as none can read the files of another."""

    stop_signals = (signal.SIGINT, signal.SIGQUIT)

    def __init__(self, state: Path, home: Path, account: Account | None, *, temporary: bool) -> None:
        self.programs, major = find_postgres(account, home)
        self.title = f"PostgreSQL {major}"
        self.account = account
        self.temporary = temporary
        self.directory = home / f"postgres-{major}"
        self.mark = self.directory / "data"
        self.pid_file = self.mark / "postmaster.pid"
        self.lock = state / f"postgres-{major}.lock"
        self.log = state / f"postgres-{major}.log"

    def prepare(self) -> None:
        """A cluster appears whole or not at all: it is made beside its place and then renamed."""
        pid = self.noted_pid()
        if pid and command_line(pid) is not None:  # another program's since a crash, or a zombie's: it would
            self.pid_file.unlink()  # keep PostgreSQL from starting
        if self.directory.exists():
            return
        staging = self.directory.with_name(f"{self.directory.name}.new")
        shutil.rmtree(staging, ignore_errors=True)
        make_private(staging, self.account)
        self._write_password(staging / "password")
        self._make_cluster(staging)
        staging.rename(self.directory)

    def arguments(self, port: int) -> Sequence[str]:
        settings = SETTINGS | {"port": str(port)} | (TEMPORARY_SETTINGS if self.temporary else {})
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [str(self.programs / "postgres"), "-D", str(self.mark), *options]

    def url(self) -> str | None:
        """By what pg_ctl waits for as well: the status in line 8 of the pid file. Line 4 is the port."""
        try:
            lines = self.pid_file.read_text().splitlines()
            password = (self.directory / "password").read_text()
        except OSError:
            return None
        if len(lines) < 8 or lines[7].strip() != "ready":
            return None
        return f"postgresql://{OWNER}:{password}@127.0.0.1:{lines[3]}/{DATABASE}"

    def _write_password(self, path: Path) -> None:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(24))
            if self.account:
                os.fchown(file.fileno(), self.account.uid, self.account.gid)

    def _make_cluster(self, staging: Path) -> None:
        data = ["-D", str(staging / "data")]
        login = ["-U", OWNER, f"--pwfile={staging / 'password'}", "--auth=scram-sha-256"]
        speed = ["--no-sync"] if self.temporary else []
        initdb = [str(self.programs / "initdb"), *data, *login, *speed, "--encoding=UTF8"]
        if self._fails([*initdb, "--locale=C.UTF-8"]) and (output := self._fails([*initdb, "--locale=C"])):
            raise StartError(f"initdb failed:\n{output}")
        single = [str(self.programs / "postgres"), "--single", *data, "-c", "exit_on_error=on", "postgres"]
        if output := self._fails(single, f"CREATE DATABASE {DATABASE}\n"):  # needs no client and no login
            raise StartError(f"the database {DATABASE} cannot be made:\n{output}")

    def _fails(self, arguments: Sequence[str], text: str = "") -> str:
        """Empty on success, else what the program said."""
        options = server_options(self.account)
        done = subprocess.run(arguments, input=text, capture_output=True, text=True, check=False, **options)
        return f"{done.stdout}{done.stderr}exit code {done.returncode}" if done.returncode else ""

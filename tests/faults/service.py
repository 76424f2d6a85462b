"""The whole service on this machine, every part a process that can be killed: the stage of the tests of faults.

The sandbox is Intouch, and its append-only ledger the oracle: what it says was credited, was.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import requests
from celery import Celery
from kombu import Connection
from redis import Redis

from config.embedded.directories import PROJECT
from tests.faults.clients import Client
from tests.faults.killable import (
    START_SECONDS,
    OwnPostgres,
    OwnValkey,
    Process,
    answers,
    free_port,
    listens,
    wait_until,
)
from tests.faults.nursery import Child, Nursery

SERVED_TRIES = 30

# Small, and in the proportions of the defaults: the lease outlives two whole calls, a look-up waits for the slowest.
TIMES = {
    "SWEEP_SECONDS": "1",
    "DECISION_WAIT_SECONDS": "1",
    "INTOUCH_CONNECT_SECONDS": "1",
    "INTOUCH_READ_SECONDS": "1.5",
    "INTOUCH_TOTAL_SECONDS": "1.5",
    "INTOUCH_LEASE_SECONDS": "4",
    "INTOUCH_SETTLE_SECONDS": "2",
    "INTOUCH_BACKOFF_SECONDS": "0.1",
    "INTOUCH_BACKOFF_MOST_SECONDS": "0.5",
    "INTOUCH_MAX_TRIES": "200",
    "INTOUCH_BREAKER_FAILURES": "1000",
}
OPTIONS = {
    "LOG_FORMAT": "json",
    "WEB_CONCURRENCY": "1",
    "DATABASE_POOL_SIZE": "8",
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "PYTHONUNBUFFERED": "1",
}
CELERY = [sys.executable, "-m", "celery", "--quiet", "--app", "config"]
WORKER = ["worker", "--pool", "threads", "--concurrency", "4"]
BEAT = ["beat", "--scheduler", "celery.beat:Scheduler"]
QUICK_START = ["--without-gossip", "--without-mingle", "--without-heartbeat"]


def served(ask: Callable[[], requests.Response]) -> requests.Response:
    """The answer, asked for again while the service says that it cannot serve: a busy machine is no fault here."""
    answer = ask()
    for _ in range(SERVED_TRIES):
        if answer.status_code != 503:
            break
        time.sleep(1)
        answer = ask()
    return answer


class Service:
    """Servers, sandboxes and organisations; workers, beats and webs are started as a test needs them."""

    def __init__(self, directory: Path, stack: ExitStack, *, max_connections: int = 100, **times: str) -> None:
        self.directory = directory
        self._stack = stack
        self.postgres = OwnPostgres(directory, stack, max_connections=max_connections)
        self.valkey = OwnValkey(directory)
        stack.callback(self.postgres.end, self.postgres.server.stop_signals[0])
        stack.callback(self.valkey.end, self.valkey.server.stop_signals[0])
        self.database_url = self.postgres.start()
        self.broker_url = self.valkey.start()
        self.environment = {**os.environ, **OPTIONS, **TIMES, **times}
        self.environment |= {"DATABASE_URL": self.database_url, "CELERY_BROKER_URL": self.broker_url, "CACHE_URL": ""}
        self.sandboxes = [self._sandbox(number) for number in range(2)]
        self.organisations: list[dict[str, Any]] = self._furnish()
        self.web_ports: list[int] = []
        self._names: dict[str, int] = {}
        self._nursery: Nursery | None = None

    # Processes

    def process(self, name: str, command: list[str], *, log: Path | None = None, **environment: str) -> Process:
        """A process of the service, started, and ended with it; its output goes to a file of its own, or to `log`."""
        own_log = self._log(name)
        process = Process(own_log.stem, command, self.environment | environment, log or own_log)
        self._stack.callback(process.kill)
        return process.start()

    def worker(self, *, concurrency: int = 4, queue: str = "celery", **oddities: Any) -> Child:
        """A worker of threads. `oddities` make it die at a fail point, have a wrong clock or a hasty broker."""
        options = [*QUICK_START, "--concurrency", str(concurrency), "--queues", queue]
        return self._celery(*WORKER, *options, "--hostname", f"{free_port()}@here", **oddities)

    def beat(self) -> Child:
        return self._celery(*BEAT)

    def _celery(self, *arguments: str, **oddities: Any) -> Child:
        if self._nursery is None:
            self._nursery = Nursery(self.environment, self.directory / "nursery.log")
            self._stack.callback(self._nursery.close)
        return self._nursery.start(arguments, self._log(arguments[0]), **oddities)

    def web(self, *, shared: bool = True, log: Path | None = None, **environment: str) -> Process:
        """A web process at a port of its own, answering; the clients take a shared one in turn with the others."""
        port = free_port()
        command = [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.py", "config.wsgi"]
        process = self.process("web", command, log=log, PORT=str(port), BIND=f"127.0.0.1:{port}", **environment)
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), f"{process.name} answers")
        process.port = port
        if shared:
            self.web_ports.append(port)
        return process

    def _log(self, name: str) -> Path:
        self._names[name] = number = self._names.get(name, 0) + 1
        return self.directory / f"{name}-{number}.log"

    @contextlib.contextmanager
    def running(self, *processes: Process | Child) -> Iterator[None]:
        """Kill these processes at the end of the block: politeness takes time, and has a test of its own."""
        try:
            yield
        finally:
            for process in processes:
                process.kill()
                self._forget(process)

    def _forget(self, process: Process | Child) -> None:
        """No client of a later test shall ask a web process that is no more."""
        if (port := getattr(process, "port", None)) in self.web_ports:
            self.web_ports.remove(port)

    def _sandbox(self, number: int) -> Sandbox:
        port, ledger = free_port(), self.directory / f"ledger-{number}.jsonl"
        command = [sys.executable, "-m", "workflows.sandbox", "--port", str(port), "--ledger", str(ledger)]
        process = Process(f"sandbox-{number}", command, self.environment, self.directory / f"sandbox-{number}.log")
        self._stack.callback(process.stop)
        process.start()
        wait_until(lambda: listens(port), f"{process.name} listens")
        return Sandbox(f"http://127.0.0.1:{port}", ledger)

    def _furnish(self) -> list[dict[str, Any]]:
        command = [sys.executable, "-m", "tests.faults.furnish"]
        for sandbox in self.sandboxes:
            command += ["--sandbox", sandbox.url]
        done = subprocess.run(command, env=self.environment, cwd=PROJECT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        organisations: list[dict[str, Any]] = json.loads(done.stdout)
        return organisations

    # What clients do

    def client(self, role: str, number: int = 0, *, organisation: int = 0, web: Process | None = None) -> Client:
        """A maker or a checker of the first organisation (which asks again) or the second (which looks up).

        Args:
            web: the one web process to talk to, instead of all shared ones in turn.
        """
        furnished = self.organisations[organisation]
        account = furnished[f"{role}s"][number]
        ports = self.web_ports if web is None else [web.port]
        return Client(ports, furnished["organisation"], furnished["program"], *account)

    def approved(self, reference: str, *, organisation: int = 0, **fields: Any) -> str:
        """Submit and approve; the id of the request."""
        maker, checker = (self.client(role, organisation=organisation) for role in ("maker", "checker"))
        submitted = served(lambda: maker.submit(reference, **fields))
        assert submitted.status_code == 200, submitted.text
        request_id: str = submitted.json()["data"]["requestId"]
        decided = served(lambda: checker.decide(request_id))
        assert decided.status_code == 200, decided.text
        return request_id

    def add_target(self, name: str, base_url: str) -> str:
        """Allow the first organisation one more origin, and return it."""
        origin = f"http://{name.lower()}.example:1900"
        self.sql(
            "INSERT INTO workflows_intouchtarget (organisation_id, origin, base_url, allows_internal, is_enabled)"
            " VALUES (%s, %s, %s, true, true)",
            self.organisations[0]["organisation"], origin, base_url,
        )  # fmt: skip
        return origin

    # What operators see

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the database past the service."""
        with psycopg.connect(self.database_url, autocommit=True, connect_timeout=5) as connection:
            found = connection.execute(query, values)  # type: ignore[arg-type]
            return found.fetchall() if found.description else []

    def state(self, reference: str) -> str:
        return str(self.sql("SELECT state FROM workflows_workflowrequest WHERE reference_id = %s", reference)[0][0])

    def calls(self, reference: str) -> list[tuple[str, str | None]]:
        """Purpose and outcome of every call for a request."""
        query = """SELECT c.purpose, c.outcome FROM workflows_intouchcall c
                   JOIN workflows_workflowrequest r ON r.id = c.request_id
                   WHERE r.reference_id = %s ORDER BY c.attempt"""
        return [(purpose, outcome) for purpose, outcome in self.sql(query, reference)]

    def actions(self, reference: str) -> list[str]:
        """The audit trail of a request."""
        query = """SELECT e.action FROM workflows_auditevent e
                   JOIN workflows_workflowrequest r ON r.id = e.request_id WHERE r.reference_id = %s ORDER BY e.id"""
        return [action for (action,) in self.sql(query, reference)]

    def wait_for_state(self, state: str, *references: str, seconds: float = START_SECONDS) -> None:
        """Return when all of these requests are in the state."""
        query = "SELECT count(*) FROM workflows_workflowrequest WHERE reference_id = ANY(%s) AND state = %s"
        wait_until(
            lambda: self.sql(query, list(references), state)[0][0] == len(references),
            f"{len(references)} requests are {state}; they are {[self.state(each) for each in references][:20]}",
            seconds,
        )

    def credits(self, reference: str) -> int:
        """How often Intouch has really credited a reference: the ledgers' own lines, counted."""
        return sum(sandbox.credits(reference) for sandbox in self.sandboxes)

    def wait_for_credits(self, *references: str) -> None:
        """Return when Intouch has credited all of these, whatever the database says."""
        wait_until(lambda: all(self.credits(each) for each in references), f"{references} are credited by Intouch")

    @property
    def broker(self) -> Redis:
        return Redis.from_url(self.broker_url, socket_timeout=5)

    def send(self, task: str, *arguments: Any, queue: str = "celery") -> None:
        """Put a message into the broker past the service."""
        # Celery itself would go where CELERY_BROKER_URL of this very process leads.
        with Celery(set_as_current=False) as app, Connection(self.broker_url) as connection:
            app.send_task(task, args=arguments, queue=queue, connection=connection, retry=False)


class Sandbox:
    """One Intouch: orders to fail, and the ledger's file."""

    def __init__(self, url: str, ledger: Path) -> None:
        self.url, self.ledger = url, ledger

    def order(self, fault: str, **options: Any) -> None:
        answer = requests.post(f"{self.url}/faults", json={"fault": fault, **options}, timeout=10)
        assert answer.status_code == 201, answer.text

    def counted(self) -> Mapping[str, int]:
        """`calls` in all, and `duplicates`: calls for a reference that was credited already."""
        counts: Mapping[str, int] = requests.get(f"{self.url}/ledger?referenceId=none", timeout=30).json()
        return counts

    def lines(self) -> list[dict[str, Any]]:
        text = self.ledger.read_text() if self.ledger.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def credits(self, reference: str) -> int:
        return sum(line["referenceId"] == reference for line in self.lines())

    def credited(self, references: list[str]) -> list[str]:
        """Those of the references that have a line; even while the database is away."""
        return [line["referenceId"] for line in self.lines() if line["referenceId"] in references]

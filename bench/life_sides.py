"""Our service and the stock one as real processes, each with its web, its worker and a client that makes lives."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import psycopg

from bench.processes import free_port, listens, running, wait_until
from bench.report import PROJECT

GATEWAY = "/api_gateway/v2/request-workflow/GOODWILL-POINTS"
WEB = [sys.executable, "-m", "gunicorn", "--threads", "4", "--workers", "1"]
WORKER_THREADS = "4"
CREDIT_SECONDS = 180


class Side(ABC):
    """One of the two services.

    Args:
        stub: the port of the stand-in for Intouch.
    """

    name: str

    def __init__(self, stub: int) -> None:
        self.stub, self.port, self.pids = stub, free_port(), list[int]()
        self._per_thread = threading.local()

    @abstractmethod
    def life(self, reference: str) -> None:
        """Submit and approve; the worker does the rest."""

    @abstractmethod
    def credited(self) -> int:
        """How many requests are credited by now."""

    def lives(self, number: int, prefix: str, clients: int = 2) -> None:
        """Make so many lives, and return when all of them are credited."""
        before = self.credited()
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(self.life, [f"{prefix}-{place}" for place in range(number)]))
        self.wait_for_credits(before + number)

    def wait_for_credits(self, number: int) -> None:
        """Return when so many requests are credited in all."""
        wait_until(lambda: self.credited() == number, f"{self.name}: {number} lives are credited", CREDIT_SECONDS)

    def ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> dict[str, Any]:
        """One request over this thread's kept connection.

        Raises:
            SystemExit: another answer than 2xx.
        """
        connection = getattr(self._per_thread, "connection", None)
        if connection is None:
            connection = self._per_thread.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{self.name}: {method} {path}: {answer.status} {text[:500]!r}")
        found: dict[str, Any] = json.loads(text)
        return found

    @contextlib.contextmanager
    def _served(self, web: list[str], worker: list[str], environment: dict[str, str]) -> Iterator[None]:
        with running(web, environment) as web_pid, running(worker, environment) as worker_pid:
            wait_until(lambda: listens(self.port), f"{self.name}: the web listens")
            self.pids = [web_pid, worker_pid]
            self.lives(20, "warm")
            yield


class Ours(Side):
    """The service as it is run in production, with one web process and one worker, four threads each."""

    name = "ours"

    def __init__(self, stub: int, organisation: int, program: int, maker: tuple[str, str], checker: tuple[str, str]):
        super().__init__(stub)
        self.organisation, self.program = organisation, program
        self.maker, self.checker = (self._headers(*account) for account in (maker, checker))
        self.database = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)

    def _headers(self, username: str, secret: str) -> dict[str, str]:
        basic = base64.b64encode(f"{username}:{secret}".encode()).decode()
        return {"Authorization": f"Basic {basic}", "X-CAP-API-AUTH-ORG-ID": str(self.organisation)}

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        environment = {
            "BIND": f"127.0.0.1:{self.port}", "WEB_CONCURRENCY": "1", "WEB_THREADS": "4", "LOG_LEVEL": "WARNING",
            "INTOUCH_ALLOW_LOOPBACK": "1", "DATABASE_POOL_SIZE": "5",
        }  # fmt: skip
        web = [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.py", "config.wsgi"]
        worker = [
            sys.executable, "-m", "celery", "--app", "config", "worker", "--pool", "threads",
            "--concurrency", WORKER_THREADS, "--without-gossip", "--without-mingle", "--loglevel", "WARNING",
        ]  # fmt: skip
        with self._served(web, worker, environment):
            yield

    def life(self, reference: str) -> None:
        self.approve(self.submit(reference), prefer="respond-async")

    def submit(self, reference: str) -> str:
        from tests.house import SEED_BODY

        body = json.loads(json.dumps(SEED_BODY))
        task = body["payload"]["IntouchAPITask-Payload"]
        task["headers"]["X-CAP-API-AUTH-ORG-ID"] = str(self.organisation)
        task["body"] |= {"programId": self.program, "referenceId": reference}
        submitted = self.ask("POST", GATEWAY, body, self.maker)
        request_id: str = submitted["data"]["requestId"]
        return request_id

    def approve(self, request_id: str, prefer: str) -> None:
        decision = {"actionDecision": "approved", "actionMessage": "approving the request"}
        body = {"requestId": request_id, "actionName": "AdminTask", "payload": {"AdminTask-Payload": decision}}
        self.ask("PUT", GATEWAY, body, {**self.checker, "Prefer": prefer})

    def credited(self) -> int:
        return self._number("SELECT count(*) FROM workflows_workflowrequest WHERE state = 'credited'")

    def sessions(self) -> int:
        """Connections that PostgreSQL has ever accepted for this database."""
        return self._number("SELECT sessions FROM pg_stat_database WHERE datname = current_database()")

    def approve_to_credit(self) -> list[float]:
        """Milliseconds from decision to credit, of all requests that were made alone."""
        query = """SELECT extract(epoch FROM r.ended_at - t.decided_at) * 1000 FROM workflows_workflowrequest r
                   JOIN workflows_admintask t ON t.request_id = r.id WHERE r.reference_id LIKE 'alone-%'"""
        return [float(value) for (value,) in self.database.execute(query).fetchall()]

    def _number(self, query: str) -> int:
        row = self.database.execute(query).fetchone()  # type: ignore[call-overload]
        return int(row[0])


class Stock(Side):
    """`bench.stock`: gunicorn with threads as ours, and Celery as it comes, one child per core."""

    name = "stock"

    def __init__(self, stub: int) -> None:
        super().__init__(stub)
        database, broker = os.environ["DATABASE_URL"], os.environ["CELERY_BROKER_URL"]
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS stock")
            connection.execute("CREATE DATABASE stock")
        own_broker = f"{broker.rpartition('/')[0]}/14"
        self.environment = {
            # Celery heeds this one before any setting.
            "CELERY_BROKER_URL": own_broker, "STOCK_BROKER_URL": own_broker,
            "STOCK_DATABASE_URL": urlsplit(database)._replace(path="/stock").geturl(),
            "STUB_URL": f"http://127.0.0.1:{stub}", "DJANGO_SETTINGS_MODULE": "bench.stock.settings",
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "bench.stock.furnish"], env={**os.environ, **self.environment}, cwd=PROJECT,
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        self.maker, self.checker = ({"Authorization": f"Token {token}"} for token in done.stdout.split())
        self.database = psycopg.connect(self.environment["STOCK_DATABASE_URL"], autocommit=True)

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        web = [*WEB, "--bind", f"127.0.0.1:{self.port}", "bench.stock.wsgi"]
        worker = [sys.executable, "-m", "celery", "--app", "bench.stock.wsgi", "worker", "--loglevel", "WARNING"]
        with self._served(web, worker, self.environment):
            yield

    def life(self, reference: str) -> None:
        from tests.house import SEED_BODY

        task = SEED_BODY["payload"]["IntouchAPITask-Payload"]
        task = {**task, "body": {**task["body"], "referenceId": reference}, "hostname": "http://127.0.0.1:1900"}
        body = {"entityInfo": SEED_BODY["entityInfo"], "payload": {"task": task}}
        made = self.ask("POST", "/requests", body, self.maker)
        decision = {"decision": "approved", "message": "approving the request"}
        self.ask("PUT", f"/requests/{made['id']}", decision, self.checker)

    def credited(self) -> int:
        row = self.database.execute("SELECT count(*) FROM stock_pointsrequest WHERE state = 'credited'").fetchone()
        return int(row[0]) if row else 0


@contextlib.contextmanager
def stub(seconds: float = 0.0) -> Iterator[int]:
    """The stand-in for Intouch as a process; its port."""
    port = free_port()
    with running([sys.executable, "-m", "bench.stub", str(port), str(seconds)]):
        wait_until(lambda: listens(port), "the stub listens")
        yield port

"""The engine without web and broker's consumer: decide and execute in this very process, against the stub."""

from __future__ import annotations

import http.client
import json
import os
from typing import Any
from uuid import UUID

import psycopg

from bench.life_sides import Ours

FLOOR_TABLES = """
CREATE TABLE IF NOT EXISTS bench_request (
    id bigserial PRIMARY KEY, maker bigint NOT NULL, state text NOT NULL, payload text NOT NULL, tries int NOT NULL
        DEFAULT 0, lease timestamptz, result text, updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS bench_task (
    id bigserial PRIMARY KEY, request bigint NOT NULL REFERENCES bench_request, decision text, checker bigint,
    message text, decided_at timestamptz);
CREATE TABLE IF NOT EXISTS bench_history (request bigint PRIMARY KEY REFERENCES bench_request, status text);
CREATE TABLE IF NOT EXISTS bench_call (
    id bigserial PRIMARY KEY, request bigint NOT NULL REFERENCES bench_request, started_at timestamptz,
    finished_at timestamptz, outcome text);
CREATE TABLE IF NOT EXISTS bench_event (
    id bigserial PRIMARY KEY, request bigint NOT NULL REFERENCES bench_request, action text, at timestamptz
        DEFAULT now(), details jsonb);
"""


class Engine:
    """A furnished organisation whose target is the stub, and the least that could do the same work."""

    def __init__(self, stub: int) -> None:
        from tests.factories import MembershipFactory, ServiceAccountFactory
        from tests.house import build_house

        self.stub = stub
        self._furnished: list[UUID] = []
        self._furnished_floors: list[int] = []
        self.house = build_house(base_url=f"http://127.0.0.1:{stub}")
        self.actor = self.house.actor(self.house.checker)
        self.checker_account = ServiceAccountFactory(username="checking-client")
        MembershipFactory(user=self.checker_account, organisation=self.house.organisation, is_checker=True)
        self._floor = psycopg.connect(os.environ["DATABASE_URL"])
        self._floor.execute(FLOOR_TABLES)
        self._floor.commit()
        self._connection = http.client.HTTPConnection("127.0.0.1", stub)

    def ours(self) -> Ours:
        """The same organisation for clients over HTTP. What was announced so far is done, or nobody's any more."""
        from celery import current_app

        from accounts import services

        current_app.control.purge()
        secret = services.ensure_service_secret(self.checker_account).secret
        house = self.house
        assert secret is not None
        return Ours(
            self.stub, house.organisation.pk, house.program.program_id,
            (house.service_account.username, house.service_secret), (self.checker_account.username, secret),
        )  # fmt: skip

    def life(self) -> None:
        """Decide and execute the next request that waits already."""
        from workflows import execution

        request_id = self._furnished.pop()
        self._decide(request_id)
        assert execution.execute(request_id)

    def decide(self, number: int) -> None:
        """Decide requests that wait already; a worker executes them."""
        for request_id in self._furnished[:number]:
            self._decide(request_id)
        del self._furnished[:number]

    def furnish(self, number: int, floors: int = 0) -> None:
        """Submit so many requests of either kind; no part of what is measured."""
        self._furnished = [self.house.submit().pk for _ in range(number)]
        cursor = self._floor.cursor()
        insert = "INSERT INTO bench_request (maker, state, payload) VALUES (1, 'waiting', '{}') RETURNING id"
        for _ in range(floors):
            ((request,),) = cursor.execute(insert).fetchall()
            cursor.execute("INSERT INTO bench_task (request) VALUES (%s)", [request])
            cursor.execute("INSERT INTO bench_history VALUES (%s, 'PENDING')", [request])
            self._furnished_floors.append(request)
        self._floor.commit()

    def _decide(self, request_id: UUID) -> None:
        from workflows import services
        from workflows.models import Decision

        services.decide(
            actor=self.actor, request_id=request_id, decision=Decision.APPROVED, message="approving the request"
        )

    def statements(self) -> tuple[int, int]:
        """How many it takes to decide, and to execute; BEGIN and COMMIT are among them."""
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        from workflows import execution

        self.furnish(1)
        (request_id,) = self._furnished
        with CaptureQueriesContext(connection) as decided:
            self._decide(request_id)
        with CaptureQueriesContext(connection) as executed:
            execution.execute(request_id)
        return len(decided), len(executed)

    def floor_life(self) -> None:
        """The same writes in the same three transactions, without a rule, a guard or a model."""
        request = self._furnished_floors.pop()
        cursor = self._floor.cursor()
        self._floor_decides(cursor, request)
        self._floor_claims(cursor, request)
        self._floor_records(cursor, request, self._called())

    def orm_life(self) -> None:
        """The same writes as a tutorial has them."""
        from bench import orm_life

        request = self._furnished_floors.pop()
        orm_life.decide(request)
        call = orm_life.claim(request)
        orm_life.record(call, self._called())

    def _called(self) -> Any:
        self._connection.request("POST", "/internal/goodwill/", json.dumps({"points": 20}))
        return json.loads(self._connection.getresponse().read())

    def _floor_decides(self, cursor: Any, request: int) -> None:
        cursor.execute("SELECT state, maker FROM bench_request WHERE id = %s FOR UPDATE", [request])
        cursor.fetchone()
        decide = "UPDATE bench_task SET decision = 'approved', checker = 2, decided_at = now() WHERE request = %s"
        cursor.execute(decide, [request])
        cursor.execute("INSERT INTO bench_event (request, action) VALUES (%s, 'task.approved')", [request])
        cursor.execute("UPDATE bench_request SET state = 'executing', updated_at = now() WHERE id = %s", [request])
        cursor.execute("UPDATE bench_history SET status = 'PENDING' WHERE request = %s", [request])
        self._floor.commit()

    def _floor_claims(self, cursor: Any, request: int) -> None:
        claim = "UPDATE bench_request SET tries = tries + 1, lease = now() + interval '60 s' WHERE id = %s"
        cursor.execute(claim, [request])
        cursor.execute("INSERT INTO bench_call (request, started_at) VALUES (%s, now())", [request])
        self._floor.commit()

    def _floor_records(self, cursor: Any, request: int, answer: Any) -> None:
        cursor.execute("SELECT tries FROM bench_request WHERE id = %s FOR UPDATE", [request])
        cursor.fetchone()
        cursor.execute("UPDATE bench_call SET outcome = 'credited', finished_at = now() WHERE request = %s", [request])
        record = "UPDATE bench_request SET state = 'credited', lease = NULL, result = %s WHERE id = %s"
        cursor.execute(record, [json.dumps(answer), request])
        cursor.execute("UPDATE bench_history SET status = 'APPROVED' WHERE request = %s", [request])
        cursor.execute("INSERT INTO bench_event (request, action) VALUES (%s, 'call.credited')", [request])
        self._floor.commit()

"""One of the two databases that `bench.growth` compares: fills it, then does what it is told, a slice at a time.

    DATABASE_URL=... python -m bench.growth_side ROWS STUB-PORT SLICES

Reads a line `OPERATION TIMES` from the standard input and answers it with a line of JSON: CPU, waits and statements.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import sys
from collections.abc import Callable
from dataclasses import asdict

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["INTOUCH_ALLOW_LOOPBACK"] = "1"
os.environ["LOG_LEVEL"] = "ERROR"

from bench.engine import Engine
from bench.in_turn import Meter, Way, slice_of

PER_CUSTOMER = 10
GATEWAY = "/api_gateway/v2/request-workflow"
FIRST_CUSTOMER = 382_000_000
TIMES_A_SLICE = 8
_CALLS = """
INSERT INTO workflows_intouchcall (organisation_id, request_id, attempt, purpose, started_at, finished_at, outcome,
                                   http_status, error)
SELECT organisation_id, id, 1, 'credit', updated_at, updated_at,
       CASE state WHEN 'credited' THEN 'credited' ELSE 'refused' END, CASE state WHEN 'credited' THEN 201 ELSE 400 END,
       ''
FROM workflows_workflowrequest WHERE state IN ('credited', 'failed')
"""


class FilledSide:
    """An organisation with so many rows in each of its tables, ten for each customer, and what is done in it."""

    def __init__(self, rows: int, stub: int, lives: int) -> None:
        from bench.application import Service

        self.engine = Engine(stub)
        self.house = self.engine.house
        self.customers = max(rows // PER_CUSTOMER, 1)
        self._fill(rows)
        self.engine.furnish(lives)
        service = Service(self.house)
        chance = random.Random(7)
        numbers = itertools.count(1)

        def somebody() -> int:
            return FIRST_CUSTOMER + chance.randrange(self.customers)

        def submit() -> object:
            body = self.house.body(referenceId=f"growth-{next(numbers)}", earningEntityId=somebody())
            return service.post(f"{GATEWAY}/GOODWILL-POINTS", body)

        self.operations: dict[str, Callable[[], object]] = {
            "submit": submit,
            "life": self.engine.life,
            "history": lambda: service.get(f"/v2/customers/{somebody()}/goodwillRequest"),
            "list": lambda: service.get(f"{GATEWAY}/requests", f"customerId={somebody()}"),
        }

    def _fill(self, rows: int) -> None:
        from django.db import connection

        from bench import desk_rows
        from bench.history_rows import without_triggers
        from tests.factories import ProgramFactory

        house = self.house
        for place in range(1, desk_rows.PROGRAMS):
            ProgramFactory(organisation=house.organisation, program_id=house.program.program_id + place)
        desk_rows.fill(
            house.submit(), [house.maker] * desk_rows.MAKERS, [house.checker] * desk_rows.CHECKERS, number=rows - 1,
            waiting=rows // 40, customers=self.customers,
        )  # fmt: skip
        with connection.cursor() as cursor, without_triggers():
            cursor.execute(_CALLS)
            cursor.execute("VACUUM ANALYZE workflows_intouchcall")

    def statements(self, operation: str) -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as found:
            self.operations[operation]()
        return len(found)


def main(rows: int, stub: int, lives: int) -> None:
    django.setup()
    side = FilledSide(rows, stub, lives)
    meter = Meter()
    print("filled", flush=True)
    for line in sys.stdin:
        operation, times = line.split()
        cost = slice_of(meter, Way(side.operations[operation], int(times)))
        print(json.dumps({"cost": asdict(cost), "statements": side.statements(operation)}), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

"""What a page of a customer's history (E5) costs, with few rows in the table and with many.

    python -m config.embedded --temporary -- python -m bench.history [--rows 200000] [--rounds 40]
        [--times 10] [--quick] [--docs] [--json FILE]

Every call goes through the WSGI application in process, with all middleware and the credentials of a service account.
The cost of a call is the CPU time of this process and of its PostgreSQL sessions together. Beside the history stands a
`ListAPIView` of Django REST framework over the same table (`bench.stock_history`), in turn. The short form compares
the two with few rows.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
from typing import Any

import django

from bench.application import Service
from bench.in_turn import Cost, Way, in_turn, ratio
from bench.report import Row, Table, parser, publish

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
FEW = 10_000


def histories(service: Service, rows: int, times: int) -> dict[str, Way]:
    from bench.history_rows import FIRST_CUSTOMER, PER_CUSTOMER

    chance = random.Random(7)

    def somebody() -> int:
        return FIRST_CUSTOMER + chance.randrange(rows // PER_CUSTOMER)

    return {
        "E5": Way(lambda: service.get(f"/v2/customers/{somebody()}/goodwillRequest"), 2 * times),
        "stock": Way(lambda: service.get(f"/stock/customers/{somebody()}/goodwillRequest"), times),
    }


def fill_history(house: Any, rows: int) -> None:
    from django.db import connection

    from bench import history_rows

    with connection.cursor() as cursor, history_rows.without_triggers():
        cursor.execute("TRUNCATE goodwill_goodwillrequest CASCADE")
    history_rows.fill(house.program, [house.maker, house.checker, house.colleague, house.auditor], rows=rows)
    connection.set_autocommit(True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def against_stock(costs: dict[str, Cost], rows: int) -> Row:
    faster = ratio(costs["stock"], costs["E5"])
    return Row.of(f"E5 against stock DRF, {rows:,} rows", costs["E5"].cpu, "µs CPU", ratio=faster,
                  target="≥ 2.50 ×", met=faster >= 2.5)  # fmt: skip


def against_few(few: Cost, many: Cost, rows: int) -> list[Row]:
    slower, dearer = many.p95 / few.p95, statistics.median(many.cpu) / statistics.median(few.cpu)
    more: dict[str, Any] = {"higher_is_better": False}
    return [
        Row(f"E5, p95 with {rows:,} rows against {FEW:,}", many.p95, "ms", min(many.waits), max(many.waits),
            ratio=slower, target="≤ 1.30 ×", met=slower <= 1.3, **more),
        Row.of(f"E5, CPU with {rows:,} rows against {FEW:,}", many.cpu, "µs CPU", ratio=dearer,
               target="≤ 1.10 ×", met=dearer <= 1.1, **more),
    ]  # fmt: skip


def measure(options: argparse.Namespace) -> Table:
    from tests.house import build_house

    house = build_house()
    service = Service(house)
    said = f"{options.rounds} rounds of {options.times} calls of each."
    fill_history(house, FEW)
    few = in_turn(histories(service, FEW, options.times), options.rounds)
    rows = [against_stock(few, FEW)]
    if options.quick:
        return Table("history", said, rows)
    fill_history(house, options.rows)
    many = in_turn(histories(service, options.rows, options.times), options.rounds)
    rows += [against_stock(many, options.rows), *against_few(few["E5"], many["E5"], options.rows)]
    return Table("history", f"{options.rows:,} rows of history; {said}", rows)


def main() -> None:
    found = parser(__doc__)
    found.add_argument("--rows", type=int, default=200_000)
    found.add_argument("--rounds", type=int, default=40)
    found.add_argument("--times", type=int, default=10)
    options = found.parse_args()
    if options.quick:
        options.rounds, options.times = 16, 5
    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ROOT_URLCONF = "bench.stock_history"
    call_command("migrate", verbosity=0)
    publish(measure(options), options)


if __name__ == "__main__":
    main()

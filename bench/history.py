"""What the two lists of the API cost: a customer's history (E5) and the requests (E4), with few rows and with many.

    python -m config.embedded --temporary -- python -m bench.history [--rows 1000000] [--requests 300000]
        [--rounds 7] [--times 60] [--quick] [--docs] [--json FILE]

Every call goes through the WSGI application in process, with all middleware and the credentials of a service account.
The cost of a call is the CPU time of this process and of its PostgreSQL session together. Beside the history stands a
`ListAPIView` of Django REST framework over the same table (`bench.stock_history`), in the same rounds.
"""

from __future__ import annotations

import argparse
import base64
import io
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import django

from bench.report import Row, Table, parser, publish

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["DATABASE_POOL_SIZE"] = "1"  # one session, whose CPU time can be read
FEW = 10_000
LISTS = ("", "states=AdminTask", "states=rejected", "tillId=till-7", "zoneId=zone-3", "tillId=nowhere")


def cpu(process: int | str = "self") -> int:
    """Nanoseconds of CPU of a process's main thread."""
    number = os.getpid() if process == "self" else process
    return int(Path(f"/proc/{process}/task/{number}/schedstat").read_text().split()[0])


@dataclass
class Cost:
    """Of the calls of some rounds: CPU microseconds per call and the 95th percentile of the time in milliseconds."""

    cpu: list[float] = field(default_factory=list)
    p95: list[float] = field(default_factory=list)


class Service:
    """The application, as a service account calls it."""

    def __init__(self, house: Any) -> None:
        from django.core.wsgi import get_wsgi_application

        self.application = get_wsgi_application()
        pair = f"{house.service_account.username}:{house.service_secret}".encode()
        self.credential = f"Basic {base64.b64encode(pair).decode()}"

    def get(self, path: str, query: str = "") -> None:
        answered: list[str] = []
        environ = {
            "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "SERVER_NAME": "localhost",
            "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr, "HTTP_HOST": "localhost", "REMOTE_ADDR": "127.0.0.1",
            "HTTP_AUTHORIZATION": self.credential,
        }  # fmt: skip
        answer = self.application(environ, lambda status, _headers: answered.append(status))
        body = b"".join(answer)
        answer.close()
        assert answered[0].startswith("200"), (path, query, answered, body)

    def round(self, act: Callable[[], None], times: int, cost: Cost) -> None:
        session = _session()
        before, spent = cpu() + cpu(session), []
        for _ in range(times):
            started = time.perf_counter()
            act()
            spent.append((time.perf_counter() - started) * 1000)
        cost.cpu.append((cpu() + cpu(session) - before) / times / 1000)
        cost.p95.append(sorted(spent)[int(times * 0.95)])


def _session() -> int:
    """The process of the only session."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (found,) = cursor.fetchone()
    connection.close()
    return int(found)


def measured(service: Service, acts: dict[str, Callable[[], None]], options: argparse.Namespace) -> dict[str, Cost]:
    """Interleaved rounds; the first one is not counted."""
    found = {name: Cost() for name in acts}
    for number in range(options.rounds + 1):
        for name, act in acts.items():
            service.round(act, options.times, found[name] if number else Cost())
    return found


def histories(service: Service, rows: int) -> dict[str, Callable[[], None]]:
    from bench.history_rows import FIRST_CUSTOMER, PER_CUSTOMER

    chance = random.Random(7)

    def somebody() -> int:
        return FIRST_CUSTOMER + chance.randrange(rows // PER_CUSTOMER)

    return {
        "E5": lambda: service.get(f"/v2/customers/{somebody()}/goodwillRequest"),
        "stock": lambda: service.get(f"/stock/customers/{somebody()}/goodwillRequest"),
    }


def lists(service: Service) -> dict[str, Callable[[], None]]:
    return {
        query: partial(service.get, "/api_gateway/v2/request-workflow/requests", query) for query in LISTS
    }  # fmt: skip


def fill_history(house: Any, rows: int) -> None:
    from django.db import connection

    from bench import history_rows

    with connection.cursor() as cursor, history_rows.without_triggers():
        cursor.execute("TRUNCATE goodwill_goodwillrequest CASCADE")
    history_rows.fill(house.program, [house.maker, house.checker, house.colleague, house.auditor], rows=rows)
    _tidy()


def fill_requests(house: Any, number: int) -> None:
    from bench import desk_rows

    desk_rows.fill(
        house.submit(), [house.maker] * desk_rows.MAKERS, [house.checker] * desk_rows.CHECKERS,
        number=number - 1, waiting=number // 40,
    )  # fmt: skip
    _tidy()


def _tidy() -> None:
    from django.db import connection

    connection.set_autocommit(True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def history_rows_of(few: dict[str, Cost], many: dict[str, Cost], rows: int) -> list[Row]:
    found = []
    for cost, number in ((few, FEW), (many, rows)):
        faster = [stock / own for own, stock in zip(cost["E5"].cpu, cost["stock"].cpu, strict=True)]
        ratio = statistics.median(faster)
        found.append(Row.of(f"E5 against stock DRF, {number:,} rows", cost["E5"].cpu, "µs CPU", ratio=ratio,
                            target="≥ 2.50 ×", met=ratio >= 2.5))  # fmt: skip
    for name, unit, most in (("p95", "ms", 1.3), ("cpu", "µs CPU", 1.1)):
        before, after = (getattr(cost["E5"], name) for cost in (few, many))
        ratio = statistics.median(after) / statistics.median(before)
        found.append(Row.of(f"E5, {name} with {rows:,} rows against {FEW:,}", after, unit, ratio=ratio,
                            target=f"≤ {most:.2f} ×", met=ratio <= most, higher_is_better=False))  # fmt: skip
    return found


def measure(options: argparse.Namespace) -> Table:
    from bench import desk_rows
    from tests.factories import ProgramFactory
    from tests.house import build_house

    house = build_house()
    for place in range(1, desk_rows.PROGRAMS):
        ProgramFactory(organisation=house.organisation, program_id=2739 + place)
    service = Service(house)
    costs = []
    for number in (FEW, options.rows):
        fill_history(house, number)
        costs.append(measured(service, histories(service, number), options))
    rows = history_rows_of(costs[0], costs[1], options.rows)
    if options.requests:
        fill_history(house, FEW)
        fill_requests(house, options.requests)
        for query, cost in measured(service, lists(service), options).items():
            rows.append(Row.of(f"E4, {query or 'no filter'}: p95", cost.p95, "ms", target="< 50 ms",
                               met=statistics.median(cost.p95) < 50))  # fmt: skip
    said = (
        f"{options.rows:,} rows of history, {options.requests:,} requests; {options.rounds} rounds of {options.times}."
    )
    return Table("history", said, rows)


def main() -> None:
    found = parser(__doc__)
    found.add_argument("--rows", type=int, default=1_000_000)
    found.add_argument("--requests", type=int, default=300_000)
    found.add_argument("--rounds", type=int, default=7)
    found.add_argument("--times", type=int, default=60)
    options = found.parse_args()
    if options.quick:
        options.rows, options.requests, options.rounds, options.times = 50_000, 0, 3, 60
    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ROOT_URLCONF, settings.ALLOWED_HOSTS = "bench.stock_history", ["localhost"]
    settings.SECURE_SSL_REDIRECT = False
    call_command("migrate", verbosity=0)
    publish(measure(options), options)


if __name__ == "__main__":
    main()

"""What the pages of the desk, and the list of requests over the API (E4), cost with a million requests.

    python -m config.embedded --temporary -- python -m bench.desk [--quick] [--docs] [--json FILE]

Fills the temporary database, 50,000 of its requests waiting, then asks for each page in process, through every
middleware. A row says how long a visit took, in the middle and at most in 95 of 100, with the number of statements and
the CPU time of one visit, web process and database together; the spread is from the fastest visit to the slowest.
`--quick` has 5,000 requests and tells nothing but that every page still answers, with as many statements as over a
million.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import django

from bench import report
from bench.report import Row, Table

if TYPE_CHECKING:
    from bench.desk_rows import FilledHouse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
TASKS = "/admin/workflows/admintask/"
BULK = 500
HOME, PAGE, DECIDED, LISTED = 400, 200, 10_000, 50  # milliseconds
# What passes these filters of E4 grows with the table, and its total is exact.
FILTERS = ("states=AdminTask", "states=rejected", "tillId=till-7", "zoneId=zone-3", "customerId={customer}",
           "startDate={day}&endDate={day}", "tillId=nowhere")  # fmt: skip


def main() -> None:
    options = report.parser(__doc__).parse_args()
    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ALLOWED_HOSTS = ["localhost"]
    settings.SECURE_SSL_REDIRECT = False
    call_command("migrate", verbosity=0)
    from bench.desk_rows import FilledHouse

    house = FilledHouse(5000, 1000) if options.quick else FilledHouse(1_000_000, 50_000)
    times = 3 if options.quick else 40
    said = (
        f"{house.requests:,} requests, {house.waiting:,} of them waiting, filled in {house.filled_in:.0f} s;"
        f" {times} visits of each page after two that do not count."
    )
    report.publish(Table("desk", said, [*pages(house, times), *lists(house, times), *bulk(house, times)]), options)


def pages(house: FilledHouse, times: int) -> list[Row]:
    """Every page of the desk; a rare filter is one that nothing passes, which has to look furthest."""
    rows = []
    for role in ("checker", "auditor", "maker"):
        client = _client(getattr(house.people, role))
        rows.append(_page(client, f"home of a{'n' * (role == 'auditor')} {role}", "/admin/", times, HOME))
    client = _client(house.people.checker)
    for name, address in (*_lists(house), ("one task", _task(house))):
        rows.append(_page(client, name, address, times, PAGE))
    return rows


def lists(house: FilledHouse, times: int) -> list[Row]:
    """First pages of E4, with filters and without; without one, all that an organisation has is counted."""
    from bench.application import Service

    service, address = Service(house.people), "/api_gateway/v2/request-workflow/requests"
    named = {"customer": 382_000_007, "day": _days_ago(20)}
    rows = []
    for query in ("limit=10", *(one.format(**named) for one in FILTERS)):
        most = LISTED if query != "limit=10" else None
        # Each call borrows a session of the pool, so that none has the CPU of all of them.
        rows.append(_visited(f"E4, {query}", lambda query=query: service.get(address, query), times, most, cpu=False))
    return rows


def _client(user: Any) -> Any:
    from django.test import Client

    from config.settled import settle

    settle()  # as config/wsgi.py does
    client = Client(HTTP_HOST="localhost")
    client.force_login(user)
    return client


def _lists(house: FilledHouse) -> list[tuple[str, str]]:
    waiting = house.waiting_for_checker()
    deep = min(99 * 25, waiting.count()) - 1
    place = waiting.values_list("pk", flat=True)[deep]
    customer = waiting.values_list("request__customer_id", flat=True)[100]
    common = "program=2740&points_from=100&reason=late&older=4"
    return [
        ("inbox", TASKS),
        ("inbox, four filters", f"{TASKS}?{common}"),
        ("inbox, a filter that nothing passes", f"{TASKS}?store=nowhere"),
        ("inbox, most points first", f"{TASKS}?order=most-points"),
        ("inbox, filtered and most money first", f"{TASKS}?{common}&order=most-money"),
        ("inbox, search by customer", f"{TASKS}?q={customer}"),
        ("inbox, hundredth page", f"{TASKS}?after={place}"),
        ("all waiting", f"{TASKS}?show=waiting"),
        ("decided", f"{TASKS}?show=decided"),
        ("decided, one day", f"{TASKS}?show=decided&decided_from={_days_ago(20)}&decided_to={_days_ago(20)}"),
        ("decided, a filter that nothing passes", f"{TASKS}?show=decided&store=nowhere"),
        ("all requests that failed", "/admin/workflows/workflowrequest/?show=failed"),
    ]


def _task(house: FilledHouse) -> str:
    return f"{TASKS}{house.waiting_for_checker()[100].pk}/change/"


def _days_ago(number: int) -> str:
    from datetime import UTC, datetime, timedelta

    return (datetime.now(UTC) - timedelta(days=number)).strftime("%Y-%m-%d")


def bulk(house: FilledHouse, times: int) -> list[Row]:
    """The page that confirms 500, and 500 decided one by one through the service."""
    from workflows import bulk_running, bulk_selection
    from workflows.models import BulkVerdict

    number = min(BULK, house.waiting // 20)
    chosen = dict(house.waiting_for_checker().values_list("pk", "request__digest")[:number])
    run = bulk_selection.choose_rows(house.actors, chosen)
    address = f"/admin/workflows/bulkrun/{run.pk}/change/"
    confirmation = _page(_client(house.people.checker), f"confirmation of {number}", address, times, PAGE)
    actor = house.actors[house.people.organisation.pk]
    items = frozenset(run.items.values_list("pk", flat=True))

    def decide() -> None:
        bulk_running.start(
            actor=actor, run_id=run.pk, confirmed=items, verdict=BulkVerdict.APPROVED, message="checked", proof=None
        )
        while bulk_running.carry_on(run.pk):
            pass

    return [confirmation, _row(f"{number} decided in bulk", [decide], DECIDED, "")]


def _page(client: Any, name: str, address: str, times: int, most: int) -> Row:
    def ask() -> None:
        response = client.get(address)
        assert response.status_code == 200, (address, response.status_code)

    return _visited(name, ask, times, most)


def _visited(name: str, ask: Callable[[], object], times: int, most: int | None, *, cpu: bool = True) -> Row:
    """The first two visits do not count; one of them counts statements."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    ask()
    with CaptureQueriesContext(connection) as captured:
        ask()
        statements = f"{len(captured)} statements"  # the next visit forgets them
    return _row(name, [ask] * times, most, statements, cpu=cpu)


def _row(name: str, visits: list[Callable[[], object]], most: int | None, statements: str, *, cpu: bool = True) -> Row:
    spent, before = [], _cpu_seconds()
    for visit in visits:
        started = time.perf_counter()
        visit()
        spent.append((time.perf_counter() - started) * 1000)
    each = (_cpu_seconds() - before) / len(visits) * 1000
    p95 = sorted(spent)[min(int(0.95 * len(spent)), len(spent) - 1)]
    aim: dict[str, Any] = {} if most is None else {"target": f"p95 ≤ {most:,} ms", "met": p95 <= most}
    told = ", ".join(filter(None, [statements, f"{each:.0f} ms CPU" if cpu else ""]))
    row = Row(f"{name} ({told})", statistics.median(spent), "ms", min(spent), max(spent), p95=p95, **aim)
    print(row.line(with_p95=True), flush=True)
    return row


def _cpu_seconds() -> float:
    """Of this process, of the server process that serves it, and of those that have helped it and ended."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = _stat(cursor.fetchone()[0])
    ticks = sum(backend[11:13]) + sum(_stat(backend[1])[13:15])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[int]:
    """Numbers of /proc/PID/stat after the name and the state; 1: parent, 11 to 14: CPU of itself and its children."""
    with open(f"/proc/{pid}/stat") as file:
        return [0, *map(int, file.read().rpartition(")")[2].split()[1:])]


if __name__ == "__main__":
    main()

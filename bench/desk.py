"""What the pages of the desk cost with a million requests, 50,000 of them waiting.

    python -m config.embedded --temporary -- python -m bench.desk [--requests 1000000] [--waiting 50000] [--times 30]

Fills the temporary database, then asks for each page in process, through every middleware, and prints the number of
statements and the server's time (median and 95th percentile of the warm runs). Writes the table into
docs/performance.md, between its markers, unless --no-docs is given.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- begin bench/desk.py -->", "<!-- end bench/desk.py -->"
TASKS = "/admin/workflows/admintask/"
BULK = 500


@dataclass(frozen=True)
class Line:
    """One measured thing; milliseconds."""

    name: str
    statements: str
    median: float
    p95: float
    target: str

    def __str__(self) -> str:
        return f"| {self.name} | {self.statements} | {self.median:.0f} | {self.p95:.0f} | {self.target} |"


def main() -> None:
    options = _options()
    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ALLOWED_HOSTS = ["localhost"]
    settings.SECURE_SSL_REDIRECT = False
    call_command("migrate", verbosity=0)
    desk = Desk(options.requests, options.waiting)
    lines = [*desk.pages(options.times), *desk.bulk(options.times)]
    table = "\n".join(_report(lines, options, desk.filled_in))
    print(table)
    if not options.no_docs:
        _write(table)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--waiting", type=int, default=50_000)
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--no-docs", action="store_true", help="print the table only")
    return parser.parse_args()


def _report(lines: list[Line], options: argparse.Namespace, filled_in: float) -> list[str]:
    return [
        f"{options.requests:,} requests, {options.waiting:,} of them waiting, on {os.cpu_count()} cores"
        f" (Python {platform.python_version()}, filled in {filled_in:.0f} s); {options.times} runs of each page.",
        "",
        "| page | statements | median ms | p95 ms | target p95 ms |",
        "|---|---:|---:|---:|---:|",
        *map(str, lines),
    ]


def _write(table: str) -> None:
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")


class Desk:
    """A filled house with somebody logged in for each role."""

    def __init__(self, number: int, waiting: int) -> None:
        from bench import desk_rows
        from tests.factories import MembershipFactory, ProgramFactory, UserFactory
        from tests.house import build_house
        from workflows import desk_figures

        self.house = house = build_house()
        for place in range(1, desk_rows.PROGRAMS):
            ProgramFactory(organisation=house.organisation, program_id=2739 + place)
        makers = [UserFactory(username=f"maker{place}") for place in range(desk_rows.MAKERS - 1)]
        checkers = [UserFactory(username=f"checker{place}") for place in range(desk_rows.CHECKERS - 1)]
        for role, people in (("is_maker", makers), ("is_checker", checkers)):
            for person in people:
                MembershipFactory(user=person, organisation=house.organisation, **{role: True})
        template = house.submit()
        started = time.perf_counter()
        desk_rows.fill(
            template, [house.maker, *makers], [house.checker, *checkers], number=number - 1, waiting=waiting
        )  # fmt: skip
        self.filled_in = time.perf_counter() - started
        desk_figures.close_days()

    def client(self, user: Any) -> Any:
        from django.test import Client

        client = Client(HTTP_HOST="localhost")
        client.force_login(user)
        return client

    def pages(self, times: int) -> list[Line]:
        """Every page of the desk; a rare filter is one that nothing passes, which has to look furthest."""
        client, lines = self.client(self.house.checker), []
        for name, address in (("home, checker", "/admin/"), *self._lists(), ("one task", self._task())):
            target = "400" if address == "/admin/" else "200"
            lines.append(self._page(client, name, address, times, target))
        for role in ("maker", "auditor"):
            person = self.client(getattr(self.house, role))
            lines.append(self._page(person, f"home, {role}", "/admin/", times, "400"))
        return lines

    def _lists(self) -> list[tuple[str, str]]:
        from accounts.actors import actors_of
        from workflows import desk

        actors = actors_of(self.house.checker.pk)
        place = desk.waiting_for(actors).values_list("pk", flat=True)[99 * 25 - 1]
        customer = desk.waiting_for(actors).values_list("request__customer_id", flat=True)[1000]
        common = "program=2740&points_from=100&reason=late&older=4"
        return [
            ("inbox, first page", TASKS),
            ("inbox, four filters", f"{TASKS}?{common}"),
            ("inbox, a filter that nothing passes", f"{TASKS}?store=nowhere"),
            ("inbox, most points first", f"{TASKS}?order=most-points"),
            ("inbox, filtered and most money first", f"{TASKS}?{common}&order=most-money"),
            ("inbox, search by customer", f"{TASKS}?q={customer}"),
            ("inbox, hundredth page", f"{TASKS}?after={place}"),
            ("decided, first page", f"{TASKS}?show=decided"),
            ("decided, one day", f"{TASKS}?show=decided&decided_from={_days_ago(20)}&decided_to={_days_ago(20)}"),
            ("decided, a filter that nothing passes", f"{TASKS}?show=decided&store=nowhere"),
            ("all requests that failed", "/admin/workflows/workflowrequest/?show=failed"),
        ]

    def _task(self) -> str:
        from accounts.actors import actors_of
        from workflows import desk

        return f"{TASKS}{desk.waiting_for(actors_of(self.house.checker.pk))[500].pk}/change/"

    def _page(self, client: Any, name: str, address: str, times: int, target: str) -> Line:
        def ask() -> None:
            response = client.get(address)
            assert response.status_code == 200, (address, response.status_code)

        return measured(name, ask, times, target)

    def bulk(self, times: int) -> list[Line]:
        """The page that confirms 500, and 500 decided one by one through the service."""
        from accounts.actors import actors_of
        from workflows import bulk_running, bulk_selection, desk
        from workflows.models import BulkVerdict

        actors = actors_of(self.house.checker.pk)
        chosen = dict(desk.waiting_for(actors).values_list("pk", "request__digest")[:BULK])
        run = bulk_selection.choose_rows(actors, chosen)
        page = f"/admin/workflows/bulkrun/{run.pk}/change/"
        confirmation = self._page(self.client(self.house.checker), f"confirmation of {BULK}", page, times, "200")
        actor = actors[self.house.organisation.pk]

        def decide() -> None:
            bulk_running.start(
                actor=actor, run_id=run.pk, verdict=BulkVerdict.APPROVED, message="checked", proof=None
            )  # fmt: skip
            while bulk_running.carry_on(run.pk):
                pass

        started = time.perf_counter()
        decide()
        spent = (time.perf_counter() - started) * 1000
        return [confirmation, Line(f"{BULK} decided in bulk", "–", spent, spent, "10,000")]


def measured(name: str, ask: Callable[[], None], times: int, target: str) -> Line:
    """Statements of one run, then the time of the others; the first two are not counted."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    ask()
    with CaptureQueriesContext(connection) as captured:
        ask()
        statements = str(len(captured))  # the next request forgets them
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        ask()
        spent.append((time.perf_counter() - started) * 1000)
    line = Line(name, statements, statistics.median(spent), _percentile(spent, 0.95), target)
    print(line, flush=True)
    return line


def _percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def _days_ago(number: int) -> str:
    from datetime import UTC, datetime, timedelta

    return (datetime.now(UTC) - timedelta(days=number)).strftime("%Y-%m-%d")


if __name__ == "__main__":
    main()

"""A whole life over HTTP: submit, approve, call, record; the engine alone; and the same by a stock Django service.

    python -m config.embedded --temporary -- python -m bench.life [--quick] [--docs] [--json FILE]

Web, worker, PostgreSQL, broker and the stand-in for Intouch are processes; what is counted is the CPU time of the
first four together. The short form measures the engine alone against the same statements in plain psycopg.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["INTOUCH_ALLOW_LOOPBACK"] = "1"
os.environ["LOG_LEVEL"] = "ERROR"

from bench.engine import Engine
from bench.life_sides import Ours, Side, Stock, stub
from bench.processes import cpu_seconds, servers
from bench.report import Row, Table, parser, publish

ROUNDS, LIVES, ALONE = 4, 150, 100


def main() -> None:
    options = parser(__doc__).parse_args()
    rounds, lives = (3, 60) if options.quick else (ROUNDS, LIVES)
    table = Table("life", f"{rounds} rounds of {lives} lives each; CPU time from /proc.")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    with stub() as port:
        engine = Engine(port)
        table.rows += engine_rows(engine, rounds, lives)
        if not options.quick:
            table.rows += over_http(engine.ours(), Stock(port), rounds, lives)
    publish(table, options)


def engine_rows(engine: Engine, rounds: int, lives: int) -> list[Row]:
    """The worker's process alone: decide, claim, call, record; in turn with the same writes in plain psycopg."""
    ours, floors = [], []
    engine.furnish(20 + rounds * lives)
    engine.lives(20)
    engine.floor_lives(20)
    for _ in range(rounds):
        ours.append(_spent(lambda: engine.lives(lives)) / lives * 1000)
        floors.append(_spent(lambda: engine.floor_lives(lives)) / lives * 1000)
    ratio = statistics.median(floors) / statistics.median(ours)
    decide, execute = engine.statements()
    return [
        Row.of("plain psycopg and http.client, the same writes", floors, "ms CPU of the process per life"),
        Row.of(
            "the engine alone", ours, "ms CPU of the process per life", ratio=ratio, target="≤ 3.5 ms",
            met=statistics.median(ours) <= 3.5,
        ),
        Row.of("statements to decide", [decide], ""),
        Row.of("statements to claim, call and record", [execute], ""),
    ]  # fmt: skip


def _spent(act: Callable[[], object]) -> float:
    started = time.process_time()
    act()
    return time.process_time() - started


def over_http(ours: Ours, stock: Stock, rounds: int, lives: int) -> list[Row]:
    """Rounds of ours and of stock in turn, so that both meet the same machine."""
    costs: dict[str, list[float]] = {"ours": [], "stock": []}
    parts: dict[str, list[float]] = {}
    with ours.serving(), stock.serving():
        for number in range(rounds):
            for side in (ours, stock):
                costs[side.name].append(sum(_cpu_of_lives(side, lives, f"round{number}", parts).values()))
        sessions = ours.sessions()
        ours.lives(lives, "sessions")
        opened = ours.sessions() - sessions
        for number in range(ALONE):
            ours.approve(ours.submit(f"alone-{number}"), prefer="wait=10")
        waits = ours.approve_to_credit()
    return _rows_over_http(costs, parts, waits, opened / lives)


def _cpu_of_lives(side: Side, lives: int, prefix: str, parts: dict[str, list[float]]) -> dict[str, float]:
    """Milliseconds per life of each part. Both sides' servers are the same; the other side is idle meanwhile."""
    groups = dict(zip(("web", "worker", "first server", "second server"), [*side.pids, *servers()], strict=True))
    before = {name: cpu_seconds([pid]) for name, pid in groups.items()}
    side.lives(lives, prefix)
    spent = {name: (cpu_seconds([pid]) - before[name]) / lives * 1000 for name, pid in groups.items()}
    for name, value in spent.items():
        parts.setdefault(f"{side.name}: {name}", []).append(value)
    return spent


def _rows_over_http(
    costs: dict[str, list[float]], parts: dict[str, list[float]], waits: list[float], opened: float
) -> list[Row]:
    ours, stock = statistics.median(costs["ours"]), statistics.median(costs["stock"])
    unit = "ms CPU of all our processes per life"
    timed: dict[str, Any] = {"unit": "ms", "least": min(waits), "most": max(waits)}
    middle, longest = statistics.median(waits), max(waits)
    return [
        Row.of("stock Django, DRF and Celery, over HTTP", costs["stock"], unit),
        Row.of("ours, over HTTP", costs["ours"], unit, target="≤ 7 ms", met=ours <= 7),
        Row.of(
            "stock to ours", [a / b for a, b in zip(costs["stock"], costs["ours"], strict=True)], "×",
            ratio=stock / ours, target="≥ 4", met=stock / ours >= 4,
        ),
        *(Row.of(name, values, "ms CPU per life") for name, values in parts.items()),
        Row("decision to credit, one at a time, median", middle, **timed, target="≤ 15 ms", met=middle <= 15),
        Row("decision to credit, one at a time, longest", longest, **timed, target="≤ 100 ms", met=longest <= 100),
        Row.of("new PostgreSQL sessions per life", [opened], "", target="0", met=opened == 0),
    ]  # fmt: skip


if __name__ == "__main__":
    main()

"""A whole life over HTTP: submit, approve, call, record; the engine alone; and the same by a stock Django service.

    python -m config.embedded --temporary -- python -m bench.life [--quick] [--docs] [--json FILE]

Web, worker, PostgreSQL, broker and the stand-in for Intouch are processes; what is counted is the CPU time of the
first four together. The short form measures the engine alone against the same statements in plain psycopg.
"""

from __future__ import annotations

import os
import statistics
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["INTOUCH_ALLOW_LOOPBACK"] = "1"
os.environ["LOG_LEVEL"] = "ERROR"

from bench.databases import tidy
from bench.engine import Engine
from bench.in_turn import Way, in_turn
from bench.life_sides import Ours, Side, Stock, stub
from bench.processes import cpu_seconds, servers
from bench.report import Row, Table, parser, publish

ROUNDS, LIVES, ALONE = 4, 100, 100
IN_A_SLICE, FLOORS_IN_A_SLICE = 4, 24


def main() -> None:
    options = parser(__doc__).parse_args()
    slices = 16 if options.quick else 60
    table = Table("life", f"{ROUNDS} rounds of {LIVES} lives each over HTTP; {slices} slices of the engine alone.")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    with stub() as port:
        engine = Engine(port)
        table.rows += engine_rows(engine, slices)
        if not options.quick:
            table.rows += over_http(engine.ours(), Stock(port), ROUNDS, LIVES)
    publish(table, options)


def engine_rows(engine: Engine, slices: int) -> list[Row]:
    """The worker's process alone: decide, claim, call, record; in turn with the same writes in plain psycopg."""
    ways = {
        "floor": Way(engine.floor_life, FLOORS_IN_A_SLICE),
        "orm": Way(engine.orm_life, IN_A_SLICE),
        "ours": Way(engine.life, IN_A_SLICE),
    }
    engine.furnish((slices + 1) * IN_A_SLICE, floors=(slices + 1) * (FLOORS_IN_A_SLICE + IN_A_SLICE))
    costs = in_turn(ways, slices)
    ours, floor, orm = ([one / 1000 for one in costs[name].own] for name in ("ours", "floor", "orm"))
    against_orm = statistics.median(plain / one for plain, one in zip(orm, ours, strict=True))
    share = statistics.median(low / one for low, one in zip(floor, ours, strict=True))
    decide, execute = engine.statements()
    return [
        Row.of("plain psycopg and http.client, the same writes", floor, "ms CPU of the process per life"),
        Row.of("the ORM as in a tutorial, the same writes", orm, "ms CPU of the process per life"),
        Row.of(
            f"the engine alone (the floor is {share:.2f} of it)", ours, "ms CPU of the process per life",
            target="≤ 3.5 ms", met=statistics.median(ours) <= 3.5,
        ),
        Row.of("the engine alone, against the ORM", ours, "ms CPU of the process per life", ratio=against_orm),
        Row.of("statements to decide", [decide], ""),
        Row.of("statements to claim, call and record", [execute], ""),
    ]  # fmt: skip


def over_http(ours: Ours, stock: Stock, rounds: int, lives: int) -> list[Row]:
    """Rounds of ours and of stock in turn, so that both meet the same machine."""
    costs: dict[str, list[float]] = {"ours": [], "stock": []}
    parts: dict[str, list[float]] = {}
    with ours.serving(), stock.serving():
        tidy()
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

"""What an operation costs with ten thousand rows in every table and with a million of them: nothing more, it should be.

    python -m config.embedded --temporary -- python -m bench.growth [--rows 1000000] [--slices 14]
        [--quick] [--docs] [--json FILE]

Two databases of one server, one with few rows and one with many, each with a process of its own; an operation is done
in the one and in the other in turn, and its ratio is of the CPU time of process and database together. The list of
requests (E4) stands in `bench.desk`: its totals are exact, so that it costs what passes its filter.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.databases import Databases
from bench.growth_side import TIMES_A_SLICE
from bench.in_turn import Cost, ratio
from bench.life_sides import stub
from bench.report import PROJECT, Row, Table, parser, publish

FEW = 10_000
MOST_MORE = 1.10
OPERATIONS = {
    "submit": "submit (E1)",
    "life": "decide, call and record",
    "history": "a customer's history (E5)",
    "list": "a customer's requests (E4)",
}


@dataclass(frozen=True)
class Side:
    """The process of one of the databases."""

    process: subprocess.Popen[str]

    def filled(self) -> None:
        """Return once it is; raises SystemExit when it cannot be."""
        if self._line() != "filled":
            raise SystemExit("bench.growth_side failed")

    def slice(self, operation: str, times: int) -> tuple[Cost, int]:
        """Do it so often; and how many statements one of them takes."""
        assert self.process.stdin
        self.process.stdin.write(f"{operation} {times}\n")
        self.process.stdin.flush()
        found: dict[str, Any] = json.loads(self._line())
        return Cost(**found["cost"]), int(found["statements"])

    def _line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()


@contextmanager
def side(rows: int, port: int, lives: int, environment: dict[str, str]) -> Iterator[Side]:
    """A process that begins to fill its database."""
    command = [sys.executable, "-m", "bench.growth_side", str(rows), str(port), str(lives)]
    with subprocess.Popen(
        command, env={**os.environ, **environment}, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        yield Side(process)
        process.stdin.close()  # type: ignore[union-attr]


def _places() -> list[dict[str, str]]:
    """Of each side, a database and a cache."""
    databases, broker = Databases(), os.environ["CELERY_BROKER_URL"].rpartition("/")[0]
    return [
        {"DATABASE_URL": databases.fresh(f"growth_{number}"), "CACHE_URL": f"{broker}/{number}"} for number in (13, 14)
    ]


def measured(rows: int, slices: int) -> list[Row]:
    lives, (place_of_few, place_of_many) = (slices + 1) * (TIMES_A_SLICE + 1), _places()
    with (
        stub() as port,
        side(FEW, port, lives, place_of_few) as few,
        side(rows, port, lives, place_of_many) as many,
    ):
        few.filled()
        many.filled()
        return [_flat(name, few, many, rows, slices) for name in OPERATIONS]


def _in_turn(operation: str, few: Side, many: Side, slices: int) -> tuple[Cost, Cost, tuple[int, int]]:
    before, after, counts = Cost(), Cost(), (0, 0)
    for number in range(slices + 1):
        (one, of_few), (other, of_many) = (place.slice(operation, TIMES_A_SLICE) for place in (few, many))
        counts = of_few, of_many
        if number:  # the first slice warms
            before.add(one)
            after.add(other)
    return before, after, counts


def _flat(name: str, few: Side, many: Side, rows: int, slices: int) -> Row:
    before, after, counts = _in_turn(name, few, many, slices)
    more = ratio(after, before)
    return Row.of(
        f"{OPERATIONS[name]}, {rows:,} rows against {FEW:,} ({_told(counts)})", after.cpu, "µs CPU", ratio=more,
        target=f"≤ {MOST_MORE:.2f} ×", met=more <= MOST_MORE and counts[0] == counts[1], higher_is_better=False,
    )  # fmt: skip


def _told(counts: tuple[int, int]) -> str:
    few, many = counts
    return f"{many} statements" if few == many else f"{few} statements, then {many}"


def main() -> None:
    found = parser(__doc__)
    found.add_argument("--rows", type=int, default=1_000_000)
    found.add_argument("--slices", type=int, default=14)
    options = found.parse_args()
    if options.quick:
        options.rows, options.slices = 50_000, 6
    said = f"{FEW:,} and {options.rows:,} rows in each table, {options.slices} slices of {TIMES_A_SLICE} in turn."
    publish(Table("growth", said, measured(options.rows, options.slices)), options)


if __name__ == "__main__":
    main()

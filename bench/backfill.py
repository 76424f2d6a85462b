"""How fast history moves in, as ratios to a plain COPY of the same rows into the same table, in the same run.

    python -m config.embedded --temporary -- python -m bench.backfill [--rows 500000] [--rounds 2]
        [--quick] [--docs] [--json FILE]

The plain COPY is the limit: psycopg sends rows that are ready as they are, nothing is read, validated or compared, and
one transaction holds them all. The table, its indexes and its constraints are those of the migrations, and it is
emptied (TRUNCATE) before each run but the repeated one. Rounds are interleaved; figures are medians. The short form
compares CPU time and not seconds, with fewer rows and in this very process.
"""

from __future__ import annotations

import csv
import io
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django

from bench.in_turn import Meter
from bench.report import Row, Table, parser, publish

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
ORGANISATION = 51250
TABLE = "goodwill_goodwillrequest"
TARGETS = {"first run": 0.9, "repeated": 0.75}
MEMORY_MB = 200
QUICK_ROWS, QUICK_ROUNDS = 10_000, 5
HEADER = [
    "requestId",
    "userId",
    "programId",
    "points",
    "goodwillStatus",
    "reason",
    "comments",
    "updatedComments",
    "oneStep",
    "addedBy.id",
    "addedBy.name",
    "updatedBy.id",
    "addedOn",
    "updatedOn",
]


def rows(count: int) -> Iterator[list[Any]]:
    chance = random.Random(7)
    for number in range(1, count + 1):
        day, second = number % 28 + 1, number % 60
        yield [
            number, chance.randrange(1, count), 2739, chance.randrange(1, 5000),
            chance.choice(("APPROVED", "APPROVED", "REJECTED", "FAILURE")), "late order, again", f"comment {number}",
            "looks right; AUTO_APPROVED", "false", 75160042 + number % 40, "1739864911_aditi", 75160042 + number % 7,
            f"2025-04-{day:02}T16:01:{second:02}Z", f"2025-04-{day:02}T17:31:{second:02}Z",
        ]  # fmt: skip


def write_file(path: Path, count: int) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(rows(count))


def empty() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {TABLE} CASCADE")
        cursor.execute("TRUNCATE goodwill_goodwillimport CASCADE")


def statement() -> str:
    from goodwill.backfill.columns import COLUMNS

    names = ", ".join(column.stored for column in COLUMNS)
    return f"COPY {TABLE} (id, request_number, organisation_id, {names})"


def save_rows(path: Path) -> None:
    """The rows that an import has made, as COPY takes them."""
    from django.db import connection

    query = statement().replace("COPY ", "SELECT ").replace(f"{TABLE} (", "").rstrip(")")
    everything = f"COPY ({query} FROM {TABLE} ORDER BY request_number) TO STDOUT"
    with path.open("wb") as file, connection.cursor() as cursor, cursor.copy(everything) as copy:
        file.writelines(copy)


def plain_copy(path: Path) -> None:
    from django.db import connection

    with path.open("rb") as file, connection.cursor() as cursor, cursor.copy(f"{statement()} FROM STDIN") as copy:
        while block := file.read(1024 * 1024):
            copy.write(block)


def command(path: Path) -> None:
    arguments = ["manage.py", "backfill_goodwill", str(path), "--org", str(ORGANISATION), "--json"]
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)


def timed(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def measure(directory: Path, count: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of each, by round; the start of the command's process is measured apart and taken off."""
    history, copied = directory / "history.csv", directory / "rows.copy"
    write_file(history, count)
    nothing = directory / "nothing.csv"
    nothing.write_text(",".join(HEADER) + "\n")
    empty()
    command(history)
    save_rows(copied)
    found: dict[str, list[float]] = {"plain COPY": [], "first run": [], "repeated": [], "start": []}
    for _ in range(rounds):
        found["start"].append(timed(lambda: command(nothing)))
        empty()
        found["plain COPY"].append(timed(lambda: plain_copy(copied)))
        empty()
        found["first run"].append(timed(lambda: command(history)))
        found["repeated"].append(timed(lambda: command(history)))
    return found


def in_process(directory: Path) -> Table:
    """CPU of this process and the database for a first run and for a plain COPY of its rows, in turn."""
    from django.core.management import call_command

    history, copied = directory / "history.csv", directory / "rows.copy"
    write_file(history, QUICK_ROWS)

    def imported() -> None:
        call_command("backfill_goodwill", str(history), "--org", str(ORGANISATION), "--json", stdout=io.StringIO())

    empty()
    imported()
    save_rows(copied)
    meter = Meter()
    plain, first = list[float](), list[float]()
    for _ in range(QUICK_ROUNDS):
        for found, act in ((plain, lambda: plain_copy(copied)), (first, imported)):
            empty()
            found.append(sum(meter.spent(act)) / QUICK_ROWS / 1000)
    ratio = statistics.median(one / other for one, other in zip(plain, first, strict=True))
    rows = [
        Row.of("plain COPY in process", plain, "µs CPU per row"),
        Row.of("first run in process, CPU against COPY", first, "µs CPU per row", ratio=ratio),
    ]
    return Table("backfill", f"{QUICK_ROWS:,} rows of CSV, {QUICK_ROUNDS} times in turn, in process.", rows)


def report(found: dict[str, list[float]], count: int) -> Table:
    """Rows per second by each way, and the ratio to the plain COPY of the same round."""
    start = statistics.median(found.pop("start"))
    plain = found.pop("plain COPY")
    said = (
        f"{count:,} rows of CSV, {len(plain)} interleaved rounds; each ratio is to the plain COPY of its own round, and"
        f" the start of the command's process ({start:.1f} s) is taken off."
    )
    table = Table("backfill", said, [Row.of("plain COPY", [count / one for one in plain], "rows/s")])
    for name, seconds in found.items():
        own = [value - start for value in seconds]
        ratio = statistics.median(one / other for one, other in zip(plain, own, strict=True))
        least = TARGETS[name]
        rates = [count / one for one in own]
        table.rows.append(Row.of(name, rates, "rows/s", ratio=ratio, target=f"≥ {least:.2f}", met=ratio >= least))
    peak = peak_memory()
    met = peak < MEMORY_MB
    table.rows.append(Row("peak memory", peak, "MB", peak, peak, target=f"< {MEMORY_MB} MB", met=met))
    return table


def peak_memory() -> int:
    """Of the largest child process so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--rows", type=int, default=500_000)
    options.add_argument("--rounds", type=int, default=2)
    chosen = options.parse_args()
    django.setup()
    from django.core.management import call_command

    from accounts.models import Organisation
    from goodwill.models import Program

    call_command("migrate", verbosity=0)
    organisation, _ = Organisation.objects.get_or_create(id=ORGANISATION, name="Bench")
    Program.objects.get_or_create(organisation=organisation, program_id=2739, name="Program of the benchmark")
    with tempfile.TemporaryDirectory() as directory:
        if chosen.quick:
            publish(in_process(Path(directory)), chosen)
        else:
            publish(report(measure(Path(directory), chosen.rows, chosen.rounds), chosen.rows), chosen)


if __name__ == "__main__":
    main()

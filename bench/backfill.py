"""How fast history moves in, as ratios to a plain COPY of the same rows into the same table, in the same run.

    python -m config.embedded --temporary -- python -m bench.backfill [--rows 100000] [--rounds 3] [--json FILE]

The plain COPY is the limit: psycopg sends rows that are ready as they are, nothing is read, validated or compared, and
one transaction holds them all. The table, its indexes and its constraints are those of the migrations, and it is
emptied (TRUNCATE) before each run but the repeated one. Rounds are interleaved; figures are medians.
"""

from __future__ import annotations

import argparse
import csv
import json
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

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
ORGANISATION = 51250
TABLE = "goodwill_goodwillrequest"
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


def report(found: dict[str, list[float]], count: int) -> dict[str, Any]:
    start = statistics.median(found.pop("start"))
    plain = found["plain COPY"]
    result: dict[str, Any] = {"rows": count, "peak_memory_mb": peak_memory()}
    print(f"{count:,} rows; peak memory of the command {result['peak_memory_mb']} MB")
    print(f"{'':<12} {'rows/s':>10} {'ratio':>7} {'least':>7} {'most':>7}")
    for name, seconds in found.items():
        own = seconds if name == "plain COPY" else [value - start for value in seconds]
        ratios = [one / other for one, other in zip(plain, own, strict=True)]
        middle = statistics.median(ratios)
        rate = count / statistics.median(own)
        print(f"{name:<12} {rate:>10,.0f} {middle:>7.2f} {min(ratios):>7.2f} {max(ratios):>7.2f}")
        result[name.replace(" ", "_").lower()] = {"rows_per_second": round(rate), "ratio": round(middle, 3)}
    return result


def peak_memory() -> int:
    """Of the largest child process so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the result here")
    options = parser.parse_args()
    django.setup()
    from django.core.management import call_command

    from accounts.models import Organisation
    from goodwill.models import Program

    call_command("migrate", verbosity=0)
    organisation, _ = Organisation.objects.get_or_create(id=ORGANISATION, name="Bench")
    Program.objects.get_or_create(organisation=organisation, program_id=2739, name="Program of the benchmark")
    with tempfile.TemporaryDirectory() as directory:
        found = measure(Path(directory), options.rows, options.rounds)
        result = report(found, options.rows)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()

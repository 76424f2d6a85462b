"""How much memory the bulk commands take, with few rows and with many.

    python -m config.embedded --temporary -- python -m bench.memory [--rows 100000] [--requests 60000]
        [--submissions 1200] [--decisions 1200] [--quick] [--docs] [--json FILE]

Each command runs as a process of its own, and what counts is its VmHWM: the most memory that it ever had in use, as the
kernel keeps it. The file of history is made as a stream (gzip), and the tables of the exports are filled by the server
itself, so that this process stays small as well. A command is run with few of the rows, then with all of them.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import gzip
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import django

from bench.report import PROJECT, Row, Table, parser, publish

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
MOST_MB, MOST_GROWTH = 200, 1.10
HISTORY = (
    "requestId", "userId", "programId", "points", "goodwillStatus", "reason", "comments", "updatedComments", "oneStep",
    "addedBy.id", "addedBy.name", "updatedBy.id", "addedOn", "updatedOn",
)  # fmt: skip
_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


def history(count: int) -> Iterator[list[Any]]:
    """One in a thousand cannot be taken."""
    chance = random.Random(7)
    for number in range(1, count + 1):
        day, second = number % 28 + 1, number % 60
        points = chance.randrange(1, 5000) if number % 1000 else "many"
        yield [
            number, chance.randrange(1, 10**9), 2739, points, chance.choice(("APPROVED", "REJECTED", "FAILURE")),
            "late order, again", f"comment {number}", "looks right; AUTO_APPROVED", "false", 75160042 + number % 40,
            "1739864911_aditi", 75160042 + number % 7, f"2025-04-{day:02}T16:01:{second:02}Z",
            f"2025-04-{day:02}T17:31:{second:02}Z",
        ]  # fmt: skip


def submissions(count: int) -> Iterator[list[Any]]:
    for number in range(1, count + 1):
        yield [f"memory-{count}-{number}", "late order", 2739, 50682616, 382000000 + number, 20, "FILE"]


SUBMISSION = ("referenceId", "reason", "programId", "awardingTillId", "earningEntityId", "points", "source")


def write_file(path: Path, header: Sequence[str], rows: Iterator[list[Any]]) -> Path:
    with gzip.open(path, "wt", compresslevel=1, newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path


def peak_of(*arguments: str) -> float:
    """Megabytes. The last look before the end of the process has the peak, which never falls."""
    command = [sys.executable, "manage.py", *arguments]
    started, peak = time.monotonic(), 0
    environment = {**os.environ, "DATABASE_URL": database_url()}
    process = subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while process.poll() is None:
        with contextlib.suppress(OSError):
            found = _PEAK.search(Path(f"/proc/{process.pid}/status").read_text())
            peak = int(found[1]) if found else peak
        time.sleep(0.02)
    if process.returncode not in (0, 1):  # 1: some rows were refused, as they should be
        raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}")
    print(f"{peak / 1024:7.1f} MB {time.monotonic() - started:7.1f} s  {' '.join(arguments)}", file=sys.stderr)
    return peak / 1024


def database_url() -> str:
    """Of the database that this process writes to, which in a test is another one than the environment names."""
    from django.db import connection

    name = quote(str(connection.settings_dict["NAME"]))
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def empty() -> None:
    """This benchmark's own temporary tables, past the triggers that guard them."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("TRUNCATE goodwill_goodwillrequest, goodwill_goodwillimport, workflows_workflowrequest CASCADE")
        cursor.execute("SET session_replication_role = origin")


class Measured:
    """The peaks of each command, by the number of rows."""

    def __init__(self, directory: Path, house: Any) -> None:
        self.directory, self.house = directory, house
        self.org = ("--org", str(house.organisation.pk))
        self.peaks: dict[str, dict[int, float]] = {}

    def of_history(self, count: int) -> None:
        file = self.of_history_once(count)
        self._note("the same file again", count, "backfill_goodwill", file, *self.org)
        self._note("backfill_goodwill --dry-run", count, "backfill_goodwill", file, *self.org, "--dry-run")
        self._export("jsonl", count)

    def of_history_once(self, count: int) -> str:
        """In and out again; the file that came in."""
        empty()
        file = str(write_file(self.directory / "history.csv.gz", HISTORY, history(count)))
        self._note("backfill_goodwill", count, "backfill_goodwill", file, *self.org)
        self._export("csv", count)
        return file

    def _export(self, kind: str, count: int) -> None:
        out = str(self.directory / f"history-out.{kind}.gz")
        self._note(f"export_goodwill, {kind}", count, "export_goodwill", *self.org, "--out", out, "--format", kind)
        Path(out).unlink()

    def of_requests(self, count: int) -> None:
        self._fill(count, waiting=count // 100)
        out = str(self.directory / "requests.csv.gz")
        self._note("export_requests", count, "export_requests", *self.org, "--out", out)

    def of_decisions(self, count: int) -> None:
        from workflows.models import WorkflowRequest

        self._fill(2 * count, waiting=count)
        waiting = WorkflowRequest.objects.filter(state="waiting").values_list("pk", flat=True)[:count]
        rows = ([request_id] for request_id in waiting.iterator())
        file = str(write_file(self.directory / "decisions.csv.gz", ["requestId"], rows))
        checker = ("--as", self.house.checker.username, "--decision", "approved", "--message", "checked")
        self._note("decide_requests", count, "decide_requests", file, *self.org, *checker)

    def _fill(self, count: int, waiting: int) -> None:
        from bench import desk_rows

        empty()
        house = self.house
        desk_rows.fill(
            house.submit(), [house.maker] * desk_rows.MAKERS, [house.checker] * desk_rows.CHECKERS,
            number=count - 1, waiting=waiting,
        )  # fmt: skip

    def of_submissions(self, count: int) -> None:
        file = str(write_file(self.directory / "submissions.csv.gz", SUBMISSION, submissions(count)))
        entity = [f"--set={name}=50682289" for name in ("tillId", "storeId", "zoneId", "conceptId")]
        maker = ("--as", self.house.maker.username, "--credential-file", str(self.directory / "credential"))
        self._note("submit_requests", count, "submit_requests", file, *self.org, *maker, *entity)

    def _note(self, name: str, count: int, *arguments: str) -> None:
        self.peaks.setdefault(name, {})[count] = peak_of(*arguments)


def sizes(most: int) -> tuple[int, ...]:
    """Few and many; few are several batches all the same."""
    return (min(10_000, most // 6), most) if most else ()


def rows_of(peaks: dict[str, dict[int, float]]) -> Iterator[Row]:
    for name, found in peaks.items():
        (few, before), (many, after) = min(found.items()), max(found.items())
        yield Row(
            f"{name}: {few:,} and {many:,} rows", after, "MB", min(found.values()), max(found.values()),
            ratio=after / before, target=f"< {MOST_MB} MB, ≤ {MOST_GROWTH:.2f} ×",
            met=max(before, after) < MOST_MB and after / before <= MOST_GROWTH, higher_is_better=False,
        )  # fmt: skip


def measure(options: argparse.Namespace) -> Table:
    from bench import desk_rows
    from tests.factories import ProgramFactory
    from tests.house import FAKE_CREDENTIAL, build_house

    house = build_house()
    for place in range(1, desk_rows.PROGRAMS):
        ProgramFactory(organisation=house.organisation, program_id=2739 + place)
    with tempfile.TemporaryDirectory() as directory:
        measured = Measured(Path(directory), house)
        (measured.directory / "credential").write_text(FAKE_CREDENTIAL)
        wanted = (
            (measured.of_history, options.rows),
            (measured.of_requests, options.requests),
            (measured.of_submissions, options.submissions),
            (measured.of_decisions, options.decisions),
        )
        for act, most in wanted:
            for count in sizes(most):
                act(count)
    said = "The most memory that each command had in use (VmHWM), with many rows; the ratio is to few."
    return Table("memory", said, list(rows_of(measured.peaks)))


def main() -> None:
    found = parser(__doc__)
    found.add_argument("--rows", type=int, default=100_000, help="of history; 0 leaves them out, as with the others")
    found.add_argument("--requests", type=int, default=60_000, help="that are exported")
    found.add_argument("--submissions", type=int, default=1200, help="rows that are submitted")
    found.add_argument("--decisions", type=int, default=1200, help="requests that are decided")
    options = found.parse_args()
    if options.quick:
        options.rows, options.requests, options.submissions, options.decisions = 12_000, 0, 0, 0
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    publish(measure(options), options)


if __name__ == "__main__":
    main()

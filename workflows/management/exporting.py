"""What the export commands share: filters as the API has them, one snapshot, a stream of rows, the audit.

Every row is read by a cursor of the server and written at once, so memory does not grow with the table.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from django.core.management.base import CommandError, CommandParser
from django.db import connections, transaction
from django.db.models import QuerySet
from django.http import QueryDict

from accounts.management.bulk import ALL_WELL, UNUSABLE, BulkCommand, account_of_machine
from accounts.management.printing import organisation, user
from accounts.management.progress import ProgressReport
from accounts.models import Organisation, User
from wire import strict_json
from workflows import audit
from workflows.exports import defused

_AT_ONCE: Final = 500  # rows of the engine hold each other, so that several batches wait for the garbage collector
_BETWEEN_REPORTS: Final = 1000


class ExportCommand(BulkCommand):
    """Subclasses set what is exported and write `chosen` and `present`.

    Attributes:
        action: the audit's name for it.
        columns: the names of a CSV file, as `flattened` makes them of what `present` returns.
        paging: parameters of the API's list that an export has no use for.
    """

    action: str
    columns: Sequence[str]
    paging: frozenset[str]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--out", default="-", help="file to write, gzip if it ends with .gz; default: the screen")
        parser.add_argument("--format", choices=("csv", "jsonl"), default="csv")
        parser.add_argument(
            "--filter", action="append", default=[], metavar="NAME=VALUE", help="as in the API; may be repeated"
        )
        parser.add_argument("--as", dest="username", help="who exports, for the audit; default: the machine's account")

    def chosen(self, tenant: Organisation, filters: QueryDict) -> QuerySet[Any]:
        """The rows in their order. Raises MalformedBody where a filter is wrong."""
        raise NotImplementedError

    def present(self, row: Any) -> dict[str, Any]:
        raise NotImplementedError

    def run(self, options: dict[str, Any]) -> int:
        tenant = organisation(options["org"])
        rows = self.chosen(tenant, self._filters(options["filter"]))
        who = user(options["username"]) if options["username"] else None
        self._tell(f"{self.action}.started", tenant, who, options)
        with written_to(options["out"]) as file, ProgressReport("export", None) as report:
            count = self._write(rows, options["format"], file, report)
        self._tell(f"{self.action}.finished", tenant, who, options, rows=count)
        if options["out"] != "-":
            self.summarise({"rows": count, "file": options["out"]}, as_json=options["json"])
        return ALL_WELL

    def _filters(self, pairs: list[str]) -> QueryDict:
        filters = QueryDict(mutable=True)
        for pair in pairs:
            name, equals, value = pair.partition("=")
            if not equals or name in self.paging:
                raise CommandError(f"--filter {pair}: write NAME=VALUE with a filter of the list.", returncode=UNUSABLE)
            filters.appendlist(name, value)
        return filters

    def _write(self, rows: QuerySet[Any], kind: str, file: IO[bytes], report: ProgressReport) -> int:
        count = 0

        def counted() -> Iterator[dict[str, Any]]:
            nonlocal count
            report.update(0, 0)
            for row in streamed(rows):
                count += 1
                if count % _BETWEEN_REPORTS == 0:
                    report.update(0, count)
                yield self.present(row)

        if kind == "csv":
            _write_csv(file, self.columns, counted())
        else:
            file.writelines(f"{strict_json.dumps(item)}\n".encode() for item in counted())
        return count

    def _tell(self, action: str, tenant: Organisation, who: User | None, options: dict[str, Any], **more: Any) -> None:
        name = who.display_name if who else account_of_machine()
        with transaction.atomic():
            audit.record(
                action, actor=who, organisation_id=tenant.pk, started_by=name, format=options["format"],
                filters=options["filter"], **more,
            )  # fmt: skip


def streamed(rows: QuerySet[Any]) -> Iterator[Any]:
    """Every row as of one moment, a few thousand at a time, from the database that the query set names.

    Cursors of the server are switched off in the settings, as a pooler takes them away between two transactions; this
    one lives and ends in one.
    """
    connection = connections[rows.db]
    settings = connection.settings_dict
    before = settings.get("DISABLE_SERVER_SIDE_CURSORS")
    with transaction.atomic(using=rows.db, durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        settings["DISABLE_SERVER_SIDE_CURSORS"] = False
        try:
            yield from rows.iterator(chunk_size=_AT_ONCE)
        finally:
            settings["DISABLE_SERVER_SIDE_CURSORS"] = before


@contextmanager
def written_to(name: str) -> Iterator[IO[bytes]]:
    """The file, which appears under its name when it is complete; `-` is standard output."""
    if name == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(name)
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with gzip.open(unfinished, "wb") if path.suffix == ".gz" else unfinished.open("wb") as file:
            yield file  # type: ignore[misc]  # a gzip file is written like any other
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _write_csv(file: IO[bytes], columns: Sequence[str], items: Iterable[dict[str, Any]]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    try:
        writer = csv.writer(text)
        writer.writerow(columns)
        for item in items:
            cells = flattened(item)
            writer.writerow([cells.get(name, "") for name in columns])
    finally:
        text.detach()


def flattened(item: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """The cells of an object; those of an object inside it under `outer.inner`."""
    cells: dict[str, str] = {}
    for name, value in item.items():
        if isinstance(value, dict):
            cells |= flattened(value, f"{prefix}{name}.")
        elif isinstance(value, bool):
            cells[prefix + name] = "true" if value else "false"
        elif value is not None:
            cells[prefix + name] = defused(str(value))
    return cells

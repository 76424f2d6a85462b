"""`backfill_goodwill history.csv.gz --org 51250 --map customer=userId`"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.management.bulk import (
    ALL_WELL,
    SOME_REJECTED,
    TAKEN_OVER,
    TOO_MANY_REJECTED,
    BulkCommand,
    account_of_machine,
    add_file,
    opened,
)
from accounts.management.printing import organisation, user
from accounts.management.progress import ProgressReport
from goodwill.backfill import rejects
from goodwill.backfill.columns import NAMES
from goodwill.backfill.imports import Starter
from goodwill.backfill.rows import Reject
from goodwill.backfill.run import ROWS_PER_BATCH, Tally, Wish, backfill, rehearse
from goodwill.backfill.writing import TakenOver
from goodwill.models import GoodwillImport, ImportStage
from wire.records import Format, Records, Source
from workflows.exports import undefused

_MOST_SHOWN = 20


class Command(BulkCommand):
    help = (
        "Move history into the table of goodwill requests. The same file again changes nothing; a run that was"
        " killed goes on behind its last batch. Rows in error go to a reject file and do not stop the rest."
    )
    example = "python manage.py backfill_goodwill history.csv.gz --org 51250 --map customer=userId --create-programs"

    def add_arguments(self, parser: CommandParser) -> None:
        add_file(parser)
        parser.add_argument(
            "--defused",
            action="store_true",
            help="a CSV export of ours: take off the apostrophes that keep a spreadsheet from running cells",
        )
        parser.add_argument("--dry-run", action="store_true", help="validate everything, write nothing but --rejects")
        parser.add_argument("--update", action="store_true", help="change rows that differ from those that are there")
        parser.add_argument("--create-programs", action="store_true", help="make programs that are unknown")
        parser.add_argument("--max-errors", type=int, help="stop when more rows are rejected; default: never")
        parser.add_argument("--rejects", type=Path, help="reject file; default: FILE.rejects beside the file")
        parser.add_argument("--as", dest="username", help="who imports, for the audit; default: the machine's account")
        parser.add_argument("--batch-rows", type=int, default=ROWS_PER_BATCH, help="rows per transaction")

    def run(self, options: dict[str, Any]) -> int:
        with opened(options) as (source, form):
            if options["defused"]:
                form = replace(form, clean=undefused)
            wish = Wish(
                organisation=organisation(options["org"]), form=form, update=options["update"],
                create_programs=options["create_programs"], max_errors=options["max_errors"],
                rows_per_batch=max(options["batch_rows"], 1),
            )  # fmt: skip
            with ProgressReport(source.name, source.size) as report:

                def watch(tally: Tally) -> None:
                    report.update(source.read_bytes, tally.counts["records"], tally.counts["rejected"])

                if options["dry_run"]:
                    tally = self._rehearse(source, wish, options, watch)
                    path = options["rejects"] if tally.counts["rejected"] else None
                    return self._end(tally, None, options, {"dry_run": True, "rejects": path and str(path)})
                try:
                    record, tally = backfill(source, wish, _starter(options), watch)
                except TakenOver:
                    self.stderr.write("Another process goes on with this import; this one has stopped.")
                    return TAKEN_OVER
            written = self._write_rejects(record, form, options)
        return self._end(tally, record, options, {"import": record.pk, "rejects": written})

    def _rehearse(self, source: Source, wish: Wish, options: dict[str, Any], watch: Any) -> Tally:
        shown: list[Reject] = []
        with self._kept(source, wish.form, options["rejects"]) as keep:

            def reject(found: Reject) -> None:
                keep(found)
                if len(shown) < _MOST_SHOWN:
                    shown.append(found)

            tally = rehearse(source, wish, watch, reject)
        for one in shown:
            self.stderr.write(f"line {one.line}: {one.reason}")
        return tally

    def _kept(
        self, source: Source, form: Format, path: Path | None
    ) -> AbstractContextManager[Callable[[Reject], None]]:
        """Where a rehearsal puts its rejects: nowhere, unless a file is named for them."""
        if path is None:
            return nullcontext(lambda reject: None)
        return rejects.written_to(path, form, Records(source, form, NAMES).header)

    def _write_rejects(self, record: GoodwillImport, form: Format, options: dict[str, Any]) -> str | None:
        path: Path | None = options["rejects"]
        if path is None and options["file"] != "-":
            path = _beside(Path(options["file"]), form)
        if path is None or not record.rejected:
            return None
        with rejects.written_to(path, form, bytes(record.header)) as write:
            for reject in rejects.rejects_of(record):
                write(reject)
        return str(path)

    def _end(self, tally: Tally, record: GoodwillImport | None, options: dict[str, Any], more: dict[str, Any]) -> int:
        if tally.unknown_columns:
            self.stderr.write(f"Columns that were passed over: {', '.join(tally.unknown_columns)}.")
        summary = {**tally.counts, "programs_made": tally.made_programs, "last_line": tally.line, **more}
        stopped = tally.exceeds(options["max_errors"])
        if record is not None:
            summary["finished"] = record.stage == ImportStage.FINISHED
        self.summarise(summary, as_json=options["json"])
        if stopped:
            self.stderr.write(f"Stopped at line {tally.line}: more than {options['max_errors']} rows are in error.")
            return TOO_MANY_REJECTED
        return SOME_REJECTED if tally.counts["rejected"] else ALL_WELL


def _starter(options: dict[str, Any]) -> Starter:
    if options["username"]:
        named = user(options["username"])
        return Starter(named, named.display_name)
    return Starter(None, account_of_machine())


def _beside(path: Path, form: Format) -> Path:
    """`history.rejects.csv` beside `history.csv.gz`."""
    stem = path.name.removesuffix(".gz").removesuffix(f".{form.kind}")
    return path.with_name(f"{stem}.rejects.{form.kind}")

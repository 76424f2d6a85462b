"""A whole file: read and validated by this thread while others write the batches before.

Batches are committed in order, so the place of the last one says all that a later run has to know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from accounts.models import Organisation
from goodwill.backfill import imports, writing
from goodwill.backfill.columns import NAMES
from goodwill.backfill.imports import COUNTS, Starter
from goodwill.backfill.people import People
from goodwill.backfill.programs import Programs
from goodwill.backfill.rows import Batch, Reject, RowReader
from goodwill.backfill.streams import Streams
from goodwill.models import GoodwillImport
from wire.records import Format, Record, Records, Source

ROWS_PER_BATCH: Final = 5000
_BYTES_PER_BATCH: Final = 4 * 1024 * 1024
_ROWS_AT_A_TIME: Final = 50


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. `max_errors`: stop behind the batch with which more rows are rejected; None: never."""

    organisation: Organisation
    form: Format
    update: bool = False
    create_programs: bool = False
    max_errors: int | None = None
    rows_per_batch: int = ROWS_PER_BATCH

    @property
    def options(self) -> dict[str, Any]:
        """What makes another import of the same file: with a changed one, it begins anew."""
        form = self.form
        return {
            "format": form.kind, "delimiter": form.delimiter, "encoding": form.encoding, "map": dict(form.columns),
            "defused": form.clean is not None, "update": self.update, "create_programs": self.create_programs,
        }  # fmt: skip


@dataclass(slots=True)
class Tally:
    """How far it has come, for the progress and the summary."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    line: int = 0
    made_programs: list[int] = field(default_factory=list)
    unknown_columns: list[str] = field(default_factory=list)

    def add(self, batch: Batch, found: writing.Sorted) -> None:
        counts = self.counts
        counts["records"] += batch.records
        counts["inserted"] += len(found.fresh)
        counts["updated"] += len(found.changed)
        counts["unchanged"] += found.unchanged
        counts["conflicts"] += len(found.conflicts)
        counts["rejected"] += len(found.conflicts) + len(batch.rejects)
        self.line = batch.line

    def exceeds(self, most: int | None) -> bool:
        return most is not None and self.counts["rejected"] > most


# Told before the first batch, with what earlier runs have done, and then behind every batch.
Watch = Callable[[Tally], None]


def backfill(source: Source, wish: Wish, starter: Starter, watch: Watch) -> tuple[GoodwillImport, Tally]:
    """Store the file, or what is left of it.

    Returns:
        The import's record: finished, or stopped because of too many rejects.

    Raises:
        UnusableFile: the file as a whole, or the rest of it.
        TakenOver: another process goes on with the same import.
        KeyboardInterrupt: once the batches that were being written are.
    """
    programs = Programs(wish.organisation, creates=wish.create_programs)
    check = Records(source, wish.form, NAMES)
    RowReader.check_header(check)
    record = imports.begin(
        organisation=wish.organisation, file_name=source.name, file_hash=source.sha256, options=wish.options,
        header=check.header, starter=starter,
    )  # fmt: skip
    records = Records(source, wish.form, NAMES, position=record.position, line=record.line)
    reader = RowReader(records, programs)
    tally = Tally({name: getattr(record, name) for name in COUNTS}, record.line, programs.made, check.unknown)
    watch(tally)
    try:
        finished = _write_all(batches(records, reader, wish.rows_per_batch), record, wish, tally, watch)
    except BaseException as error:
        if not isinstance(error, writing.TakenOver):
            imports.end(record, starter=starter, finished=False)
        raise
    return imports.end(record, starter=starter, finished=finished), tally


def rehearse(source: Source, wish: Wish, watch: Watch, reject: Callable[[Reject], None]) -> Tally:
    """Validate the file and compare it with the table, and write nothing."""
    programs = Programs(wish.organisation, creates=wish.create_programs, dry_run=True)
    records = Records(source, wish.form, NAMES)
    RowReader.check_header(records)
    reader = RowReader(records, programs)
    tally = Tally(made_programs=programs.made, unknown_columns=records.unknown)
    people = People(wish.organisation)
    watch(tally)
    for batch in batches(records, reader, wish.rows_per_batch):
        people.look_at(batch.people)
        found = writing.sort(batch.rows, wish.organisation.pk, people, update=wish.update)
        for one in sorted([*batch.rejects, *found.conflicts]):
            reject(one)
        tally.add(batch, found)
        watch(tally)
        if tally.exceeds(wish.max_errors):
            break
    return tally


def batches(records: Records, reader: RowReader, rows_per_batch: int) -> Iterator[Batch]:
    batch = Batch()
    some: list[Record] = []
    for record in records:
        some.append(record)
        batch.size += len(record.raw)
        is_full = batch.records + len(some) >= rows_per_batch or batch.size >= _BYTES_PER_BATCH
        # A few at a time, so that their cells are done with while the processor has them at hand.
        if is_full or len(some) >= _ROWS_AT_A_TIME:
            reader.read(some, batch)
            some = []
        if is_full:
            batch.position, batch.line = records.position, records.line
            yield batch
            batch = Batch()
    reader.read(some, batch)
    batch.position, batch.line = records.position, records.line
    if batch.records:
        yield batch


def _write_all(found: Iterator[Batch], record: GoodwillImport, wish: Wish, tally: Tally, watch: Watch) -> bool:
    """Whether the end of the file was reached."""
    people = People(wish.organisation)

    def write(batch: Batch, turn: writing.Turn) -> None:
        tally.add(batch, writing.write(batch, record, people, turn, update=wish.update))
        watch(tally)

    with Streams(write, record.position, lambda: not tally.exceeds(wish.max_errors)) as streams:
        for batch in found:
            # At once and not with the batch: its neighbour may name them too, and people in no row do no harm.
            people.ensure(batch.people)
            if not streams.take(batch):
                return False
        streams.settle()
    return not tally.exceeds(wish.max_errors)

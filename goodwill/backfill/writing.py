"""One batch, one transaction: the rows, the rejects, the counts and the place in the file stand or fall together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import psycopg
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from goodwill.backfill.columns import COLUMNS
from goodwill.backfill.people import People
from goodwill.backfill.rows import Batch, Reject, Row
from goodwill.backfill.sequences import step_over
from goodwill.models import GoodwillImport, GoodwillImportReject, GoodwillRequest, ImportStage

_TABLE: Final = GoodwillRequest._meta.db_table
_STORED: Final = ", ".join(column.stored for column in COLUMNS)
_NUMBERS: Final = "goodwill_request_number"
# Names of tables and columns in the statements below are the model's own.
_ROW_IDS: Final = f"{_TABLE}_id_seq"
_MOST_ATTEMPTS: Final = 3
# Seconds that a batch holds its locks for the sake of its turn; a batch takes a fraction of one.
PATIENCE: Final = 5.0


class TakenOver(Exception):
    """Another process goes on with the same import."""


class _Known(NamedTuple):
    """A row of the table. One that belongs to a request of the engine is the engine's to change."""

    row_id: int | None
    is_of_engine: bool
    text: bytes


@dataclass(slots=True)
class Sorted:
    """What is to be done with the rows of a batch."""

    fresh: list[Row] = field(default_factory=list)
    changed: list[Row] = field(default_factory=list)
    unchanged: int = 0
    conflicts: list[Reject] = field(default_factory=list)


class Abandoned(Exception):
    """The batch before was not stored, or none is to follow it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """When a batch may be stored: behind the one before, which may still be on its way on another connection.

    Attributes:
        place: where the import stands then.
        before: the writing of the batch before; None behind one that is stored.
        goes_on: whether any is to follow the ones that are stored.
    """

    place: int
    before: Future[None] | None
    goes_on: Callable[[], bool]

    def wait(self, seconds: float | None = None) -> None:
        """Until it has come.

        Raises:
            TimeoutError: it has not come by then.
            Abandoned: it never will.
        """
        if self.before is not None and self.before.exception(seconds) is not None:
            raise Abandoned
        if not self.goes_on():
            raise Abandoned


def write(batch: Batch, goodwill_import: GoodwillImport, people: People, turn: Turn, *, update: bool) -> Sorted:
    """Store a batch, whose people are there, and move the import's place behind it, when its turn has come.

    Raises:
        TakenOver: the place is not where this process left it.
        Abandoned: nothing is stored, because of what became of the batch before.
    """
    failed = 0
    while True:
        try:
            with transaction.atomic(durable=True):
                found = _store(batch, goodwill_import.organisation_id, people, update=update)
                turn.wait(PATIENCE)
                _move(batch, found, goodwill_import, turn.place)
            return found
        except TimeoutError:
            # The batch before may be waiting for a row that this one has written, through another process even: a
            # circle that PostgreSQL cannot see, as one of its links is here.
            turn.wait()
        except (IntegrityError, psycopg.IntegrityError):
            # Somebody stored one of these numbers since we looked; at the next look it is there.
            failed += 1
            if failed == _MOST_ATTEMPTS:
                raise


def _store(batch: Batch, organisation_id: int, people: People, *, update: bool) -> Sorted:
    """The rows: all that can be done while the batch before is on its way, and touches nothing that it touches."""
    found = sort(batch.rows, organisation_id, people, update=update)
    _copy(found.fresh, organisation_id)
    _update(found.changed, organisation_id)
    with connection.cursor() as cursor:
        # Keys are looked up now and not at the commit, which has to wait for its turn.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return found


def _move(batch: Batch, found: Sorted, goodwill_import: GoodwillImport, place: int) -> None:
    """What one batch does after the other: the sequences, the rejects, the counts and the place."""
    _lock(goodwill_import, place)
    if found.fresh:
        step_over(_NUMBERS, max(row.number for row in found.fresh))
        _step_over_ids(found.fresh)
    rejects = [*batch.rejects, *found.conflicts]
    GoodwillImportReject.objects.bulk_create(
        GoodwillImportReject(
            organisation_id=goodwill_import.organisation_id, goodwill_import=goodwill_import,
            line=reject.line, reason=reject.reason[:2000], raw=reject.raw,
        )
        for reject in rejects
    )  # fmt: skip
    GoodwillImport.objects.filter(pk=goodwill_import.pk).update(
        position=batch.position, line=batch.line, records=F("records") + batch.records,
        inserted=F("inserted") + len(found.fresh), updated=F("updated") + len(found.changed),
        unchanged=F("unchanged") + found.unchanged, rejected=F("rejected") + len(rejects),
        conflicts=F("conflicts") + len(found.conflicts),
    )  # fmt: skip


def _lock(goodwill_import: GoodwillImport, place: int) -> None:
    """Raises TakenOver unless the import still stands where the batch begins."""
    row = GoodwillImport.objects.select_for_update().get(pk=goodwill_import.pk)
    if (row.position, row.stage) != (place, ImportStage.RUNNING):
        raise TakenOver


def sort(rows: Sequence[Row], organisation_id: int, people: People, *, update: bool) -> Sorted:
    """Compare the rows with those of the table, and with the earlier ones of the batch."""
    numbers = [row.number for row in rows]
    known = _read_known(numbers, organisation_id)
    ids = [row.row_id for row in rows if row.row_id is not None and row.number not in known]
    if not (known or ids or people.strangers) and len(set(numbers)) == len(numbers):
        return Sorted(fresh=list(rows))  # there is nothing to compare with
    taken = _taken_ids(ids)
    found = Sorted()
    for row in rows:
        there = known.get(row.number)
        stranger = "" if there is not None and there.text == row.text else people.stranger_in(row)
        if stranger:
            found.conflicts.append(_conflict(row, f"{stranger} is somebody else's here, who is no member"))
            continue
        if there is None:
            if row.row_id is not None and row.row_id in taken:
                found.conflicts.append(_conflict(row, f"id {row.row_id} is that of another row"))
                continue
            if row.row_id is not None:
                taken.add(row.row_id)
            found.fresh.append(row)
        elif there.row_id != row.row_id and None not in (there.row_id, row.row_id):
            found.conflicts.append(_conflict(row, f"the row that is there has the id {there.row_id}"))
            continue
        elif there.text == row.text:
            found.unchanged += 1
            continue
        elif not update or there.is_of_engine:
            found.conflicts.append(_conflict(row, _difference(row, there, update=update)))
            continue
        else:
            found.changed.append(row)
        known[row.number] = _Known(row.row_id, False, row.text)
    return found


def _conflict(row: Row, reason: str) -> Reject:
    return Reject(row.line, row.raw, f"requestId {row.number}: {reason}")


def _difference(row: Row, there: _Known, *, update: bool) -> str:
    ours, theirs = row.text.split(b"\t"), there.text.split(b"\t")
    names = [column.name for column, one, other in zip(COLUMNS, ours, theirs, strict=True) if one != other]
    hint = "it belongs to a request made here, which no file changes" if update else "--update would change it"
    return f"differs from the row that is there in {', '.join(names)}; {hint}"


def _read_known(numbers: list[int], organisation_id: int) -> dict[int, _Known]:
    """The rows that are there already, as the very text that COPY would write."""
    if not numbers or not _is_any_between(min(numbers), max(numbers), organisation_id):
        return {}
    # Number by number (OFFSET 0 keeps it so): in a table that nobody has analysed yet, which is the one that history
    # moves into, PostgreSQL would rather read all rows of the organisation for `= ANY`.
    query = (
        "COPY (SELECT kept.* FROM unnest(%s::bigint[]) AS wanted, LATERAL (SELECT"  # noqa: S608
        f" request_number, id, workflow_request_id IS NOT NULL, {_STORED} FROM {_TABLE}"
        " WHERE organisation_id = %s AND request_number = wanted OFFSET 0) AS kept) TO STDOUT"
    )
    found = {}
    with connection.cursor() as cursor, cursor.copy(query, [numbers, organisation_id]) as copy:
        # Lines inside a text are escaped, so that each row is one line.
        for line in b"".join(copy).splitlines():
            number, row_id, is_of_engine, text = line.split(b"\t", 3)
            found[int(number)] = _Known(int(row_id), is_of_engine == b"t", text)
    return found


def _is_any_between(least: int, most: int, organisation_id: int) -> bool:
    """Whether a number in this range is known: of history that comes in its order, none is."""
    rows = GoodwillRequest.objects.filter(organisation_id=organisation_id, request_number__gte=least)
    nearest = rows.order_by("request_number").values_list("request_number", flat=True).first()
    return nearest is not None and nearest <= most


def _taken_ids(ids: list[int]) -> set[int]:
    if not ids:
        return set()
    return set(GoodwillRequest.objects.filter(pk__in=ids).values_list("pk", flat=True))


def _copy(rows: Sequence[Row], organisation_id: int) -> None:
    given = [row for row in rows if row.row_id is not None]
    others = [row for row in rows if row.row_id is None]
    if given:
        lines = [b"%d\t%d\t%d\t%b\n" % (row.row_id or 0, row.number, organisation_id, row.text) for row in given]
        _copy_lines(f"id, request_number, organisation_id, {_STORED}", lines)
    if given and others:
        _step_over_ids(given)
    if others:
        lines = [b"%d\t%d\t%b\n" % (row.number, organisation_id, row.text) for row in others]
        _copy_lines(f"request_number, organisation_id, {_STORED}", lines)


def _step_over_ids(rows: Sequence[Row]) -> None:
    largest = max((row.row_id or 0 for row in rows), default=0)
    if largest:
        step_over(_ROW_IDS, largest)


def _copy_lines(columns: str, lines: list[bytes], table: str = _TABLE) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
        copy.write(b"".join(lines))


def _update(rows: Sequence[Row], organisation_id: int) -> None:
    """The changed rows, in their order, so that the last of several with one number stands."""
    if not rows:
        return
    assignments = ", ".join(f"{column.stored} = changed.{column.stored}" for column in COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE goodwill_changed ON COMMIT DROP AS SELECT request_number, {_STORED}"  # noqa: S608
            f" FROM {_TABLE} WITH NO DATA"
        )
        last = {row.number: row for row in rows}
        lines = [b"%d\t%b\n" % (row.number, row.text) for row in last.values()]
        _copy_lines(f"request_number, {_STORED}", lines, "goodwill_changed")
        cursor.execute(
            f"UPDATE {_TABLE} AS kept SET {assignments} FROM goodwill_changed AS changed"  # noqa: S608
            " WHERE kept.organisation_id = %s AND kept.request_number = changed.request_number"
            " AND kept.workflow_request_id IS NULL",
            [organisation_id],
        )

"""From a record of the file to a row for COPY, or to the reasons why it is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from goodwill.backfill.columns import (
    COLUMNS,
    NUMBER,
    PEOPLE,
    PLACES,
    PROGRAM_DETAILS,
    REQUIRED,
    ROW_ID,
    SPELLINGS,
    USER_DETAILS,
)
from goodwill.backfill.columns import NULL as NO_VALUE
from goodwill.backfill.programs import Programs
from goodwill.models import GoodwillStatus
from wire.records import Record, Records, UnusableFile

_ALL: Final = (NUMBER, ROW_ID, *COLUMNS)
_PLAN: Final = tuple((column.read, column.absent) for column in _ALL)
_PROGRAM, _POINTS, _STATUS = PLACES["programId"], PLACES["points"], PLACES["goodwillStatus"]
_UPDATED_COMMENTS, _AUTO = PLACES["updatedComments"], PLACES["autoApproved"]
_ADDED_BY, _UPDATED_BY, _ENTERED_BY = (PLACES[f"{who}.id"] for who in PEOPLE)
_ADDED_ON, _UPDATED_ON = PLACES["addedOn"], PLACES["updatedOn"]
_MOST_REMEMBERED = 100_000


class Row(NamedTuple):
    """A valid row: `text` is what COPY writes of all columns but the number, the organisation and the row's id."""

    line: int
    raw: bytes
    number: int
    row_id: int | None
    text: bytes


class Reject(NamedTuple):
    line: int
    raw: bytes
    reason: str


@dataclass(slots=True)
class Batch:
    """Consecutive records, and the place in the file behind them."""

    rows: list[Row] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    # Who is named for the first time, with what the file tells of them.
    people: dict[int, dict[str, str]] = field(default_factory=dict)
    size: int = 0
    records: int = 0
    position: int = 0
    line: int = 0

    def touches(self, other: Batch) -> bool:
        """Whether one of the two may have to wait for a row of the other, if both are written at once."""
        if not {row.number for row in self.rows}.isdisjoint(row.number for row in other.rows):
            return True
        ours, theirs = ({row.row_id for row in batch.rows} for batch in (self, other))
        if ours | theirs == {None}:
            return False
        # Where some bring their ids and others take the next ones, these may be those.
        return None in ours | theirs or not ours.isdisjoint(theirs)


class RowReader:
    """Validates records, each by itself; what the table says of them is for `goodwill.backfill.writing`."""

    def __init__(self, records: Records, programs: Programs) -> None:
        self._programs = programs
        self._met: set[str] = set()
        names = [column.name for column in _ALL]
        spares = [(names.index(ours), theirs) for theirs, ours in SPELLINGS.items() if records.has(theirs)]
        self._spares = [(place, len(names) + number) for number, (place, _) in enumerate(spares)]
        names += [theirs for _, theirs in spares]
        self._people = {}
        for who in PEOPLE:
            present = [detail for detail in USER_DETAILS if records.has(f"{who}.{detail}")]
            self._people[who] = {detail: len(names) + number for number, detail in enumerate(present)}
            names += [f"{who}.{detail}" for detail in present]
        present = [detail for detail in PROGRAM_DETAILS if records.has(f"program.{detail}")]
        self._program_details = {detail: len(names) + number for number, detail in enumerate(present)}
        names += [f"program.{detail}" for detail in present]
        records.names = tuple(names)

    @staticmethod
    def check_header(records: Records) -> None:
        """Raises UnusableFile where a column is missing that every row needs."""
        spelt = {ours: theirs for theirs, ours in SPELLINGS.items()}
        lost = [name for name in REQUIRED if not records.has(name) and not records.has(spelt.get(name, name))]
        if lost:
            raise UnusableFile(
                f"The file lacks the columns {', '.join(lost)}. Name what they are called there with --map THEIRS=OURS."
            )

    def add(self, record: Record, batch: Batch) -> None:
        """Put the record into the batch: as a row, or as a reject."""
        batch.records += 1
        batch.size += len(record.raw)
        if record.problem:
            batch.rejects.append(Reject(record.line, record.raw, record.problem))
            return
        values: Any = record.values
        for place, spare in self._spares:
            if not values[place]:
                values[place] = values[spare]
        try:
            number, row_id, *cells = [
                read(value) if value or absent is None else absent
                for (read, absent), value in zip(_PLAN, values, strict=False)
            ]
            self._complete(cells, values)
        except ValueError as error:
            batch.rejects.append(Reject(record.line, record.raw, "; ".join(_problems(values)) or str(error)))
            return
        for who, place in (("addedBy", _ADDED_BY), ("updatedBy", _UPDATED_BY), ("enteredBy", _ENTERED_BY)):
            if cells[place] not in self._met:
                self._meet(cells[place], who, values, batch.people)
        text = "\t".join(cells).encode()
        batch.rows.append(Row(record.line, record.raw, int(number), int(row_id) if row_id else None, text))

    def _complete(self, cells: list[str], values: Sequence[str]) -> None:
        """What one column says of another."""
        if cells[_STATUS] == GoodwillStatus.APPROVED and cells[_POINTS] == NO_VALUE:
            raise ValueError("points is missing: an approved request has a value")
        if cells[_AUTO] == NO_VALUE:
            cells[_AUTO] = "t" if cells[_UPDATED_COMMENTS].endswith("AUTO_APPROVED") else "f"
        if cells[_UPDATED_BY] == NO_VALUE:
            cells[_UPDATED_BY] = cells[_ADDED_BY]
        if cells[_UPDATED_ON] == NO_VALUE:
            cells[_UPDATED_ON] = cells[_ADDED_ON]
        known = self._programs.known.get(cells[_PROGRAM])
        if known is None:
            known = self._programs.make(cells[_PROGRAM], _details(self._program_details, values))
        cells[_PROGRAM] = known

    def _meet(self, user_id: str, who: str, values: Sequence[str], people: dict[int, dict[str, str]]) -> None:
        if len(self._met) >= _MOST_REMEMBERED:
            self._met.clear()
        self._met.add(user_id)
        if user_id != NO_VALUE:
            people[int(user_id)] = _details(self._people[who], values)


def _details(places: Mapping[str, int], values: Sequence[str]) -> dict[str, str]:
    return {detail: values[place] for detail, place in places.items() if values[place]}


def _problems(values: Sequence[str]) -> list[str]:
    """What is wrong with each cell by itself."""
    found = []
    for column, value in zip(_ALL, values, strict=False):
        try:
            if value:
                column.read(value)
            elif column.absent is None:
                found.append(f"{column.name} is missing")
        except ValueError as error:
            found.append(f"{column.name} {error}")
    return found

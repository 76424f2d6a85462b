"""From a record of the file to a row for COPY, or to the reasons why it is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, NamedTuple

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
        self._met = {NO_VALUE}
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

    def read(self, records: Sequence[Record], batch: Batch) -> None:
        """Put each record into the batch: as a row, or as a reject.

        Together, column by column, which costs a fraction of one by one; halved until those in error are alone.
        """
        if not records:
            return
        try:
            batch.rows += self._rows(records, batch.people)
        except ValueError as error:
            if len(records) == 1:
                [record] = records
                reason = record.problem or "; ".join(_problems(self._columns(records))) or str(error)
                batch.rejects.append(Reject(record.line, record.raw, reason))
                batch.records += 1
                return
            middle = len(records) // 2
            self.read(records[:middle], batch)
            self.read(records[middle:], batch)
        else:
            batch.records += len(records)

    def _rows(self, records: Sequence[Record], people: dict[int, dict[str, str]]) -> list[Row]:
        """Raises ValueError where one of them is no row."""
        if any(record.problem for record in records):
            raise ValueError
        columns = self._columns(records)
        numbers, ids, *stored = [column.read_all(cells) for column, cells in zip(_ALL, columns, strict=False)]
        _complete(stored)
        self._name_programs(records, stored)
        self._meet(records, stored, people)
        # No text holds a line end that is not escaped.
        texts = "\n".join(map("\t".join, zip(*stored, strict=True))).encode().split(b"\n")
        return [
            Row(record.line, record.raw, int(number), int(row_id) if row_id else None, text)
            for record, number, row_id, text in zip(records, numbers, ids, texts, strict=True)
        ]

    def _columns(self, records: Sequence[Record]) -> list[Sequence[str]]:
        columns: list[Sequence[str]] = list(zip(*(record.values for record in records), strict=True))
        for place, spare in self._spares:
            columns[place] = [given or other for given, other in zip(columns[place], columns[spare], strict=True)]
        return columns

    def _name_programs(self, records: Sequence[Record], columns: list[list[str]]) -> None:
        """Put the keys of the programs in the place of the incumbent's ids; an unknown one is made, or a ValueError."""
        known, named = self._programs.known, columns[_PROGRAM]
        if not known.keys() >= set(named):
            for record, program_id in zip(records, named, strict=True):
                if program_id not in known:
                    self._programs.make(program_id, _details(self._program_details, record.values))
        columns[_PROGRAM] = [known[program_id] for program_id in named]

    def _meet(self, records: Sequence[Record], columns: list[list[str]], people: dict[int, dict[str, str]]) -> None:
        """Note who is named for the first time, with what that record tells of them."""
        named = [columns[place] for place in (_ADDED_BY, _UPDATED_BY, _ENTERED_BY)]
        if self._met.issuperset(chain(*named)):
            return
        if len(self._met) >= _MOST_REMEMBERED:
            self._met = {NO_VALUE}
        for record, *ids in zip(records, *named, strict=True):
            for who, user_id in zip(PEOPLE, ids, strict=True):
                if user_id not in self._met:
                    self._met.add(user_id)
                    people[int(user_id)] = _details(self._people[who], record.values)


def _complete(columns: list[list[str]]) -> None:
    """What one column says of another."""
    if (GoodwillStatus.APPROVED.value, NO_VALUE) in zip(columns[_STATUS], columns[_POINTS], strict=True):
        raise ValueError("points is missing: an approved request has a value")
    automatic = ["t" if told.endswith("AUTO_APPROVED") else "f" for told in columns[_UPDATED_COMMENTS]]
    for place, otherwise in ((_AUTO, automatic), (_UPDATED_BY, columns[_ADDED_BY]), (_UPDATED_ON, columns[_ADDED_ON])):
        if NO_VALUE in columns[place]:
            columns[place] = [
                other if cell == NO_VALUE else cell for cell, other in zip(columns[place], otherwise, strict=True)
            ]


def _details(places: Mapping[str, int], values: Sequence[str]) -> dict[str, str]:
    return {detail: values[place] for detail, place in places.items() if values[place]}


def _problems(columns: Sequence[Sequence[str]]) -> list[str]:
    """What is wrong with each cell of the only row by itself."""
    found = []
    for column, (value,) in zip(_ALL, columns, strict=False):
        try:
            if value:
                column.read(value)
            elif column.absent is None:
                found.append(f"{column.name} is missing")
        except ValueError as error:
            found.append(f"{column.name} {error}")
    return found

"""The columns of a history file: their names, what each may hold, and how COPY writes it.

The names are those of the history API; those of an object inside are joined by a dot (`addedBy.id`). A cell is turned
into the very text that PostgreSQL's COPY shows for the stored value, so that a row of a file and a row of the table are
the same if and only if their texts are: comparing millions of rows costs no parsing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from goodwill.models import GoodwillStatus

NULL: Final = "\\N"
LARGEST_CUSTOMER: Final = 2**63 - 1
# Numbers and ids go on after the largest that was imported, so there has to be room behind it.
LARGEST_NUMBER: Final = 10**15 - 1

Read = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file.

    Attributes:
        name: as the history API calls it.
        stored: the column of the table.
        read: the text for COPY; raises ValueError with what the cell must be.
        absent: the text for COPY of an empty cell; None where there must be one.
    """

    name: str
    stored: str
    read: Read
    absent: str | None = None

    def read_all(self, cells: Sequence[str]) -> list[str]:
        """The texts of many cells; each value is looked at once, as most of them stand in many rows."""
        texts = {cell: self.read(cell) if cell or self.absent is None else self.absent for cell in set(cells)}
        return [texts[cell] for cell in cells]


def number(most: int) -> Read:
    """A whole number in ASCII digits."""
    digits, hint = len(str(most)), f"must be a whole number from 1 to {most}"

    def read(cell: str) -> str:
        if not (cell.isdigit() and cell.isascii()) or len(cell) > digits:
            raise ValueError(hint)
        if len(cell) < digits and cell[0] != "0":
            return cell
        found = cell.lstrip("0")
        if not found or (len(found) == digits and int(found) > most):
            raise ValueError(hint)
        return found

    return read


_POINTS = re.compile(r"0*([0-9]{1,14})(?:\.([0-9]{1,6})0*)?", re.ASCII)


def points(cell: str) -> str:
    """A positive decimal number, as numeric(20, 6) shows it."""
    if cell.isdigit() and cell.isascii() and cell[0] != "0" and len(cell) <= 14:
        return f"{cell}.000000"
    found = _POINTS.fullmatch(cell)
    if found is None or not cell.strip("0."):
        raise ValueError("must be a number greater than 0, with at most 14 digits before the point and 6 behind it")
    whole, fraction = found.groups("")
    return f"{whole}.{fraction:0<6}"


_NOT_KEPT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def text(most: int) -> Read:
    """Any text of this length; lines and tabulators are kept, other control characters are refused."""
    hint = f"must be at most {most} characters long"

    def read(cell: str) -> str:
        if len(cell) > most:
            raise ValueError(hint)
        if cell.isprintable() and "\\" not in cell:
            return cell
        if _NOT_KEPT.search(cell):
            raise ValueError("must hold no control character")
        return cell.translate(_ESCAPES)

    return read


def as_told(cell: str, most: int) -> str:
    """A name or description beside the row: cut and cleaned rather than a reason to refuse the row."""
    return _NOT_KEPT.sub("?", cell)[:most]


def moment(cell: str) -> str:
    """ISO 8601 with its zone, as timestamptz shows it in UTC."""
    try:
        found = datetime.fromisoformat(cell)
        if len(cell) == 20 and cell[4::3] == "--T::Z":  # the usual way of writing it, 2025-04-22T16:01:45Z
            return f"{cell[:10]} {cell[11:19]}+00"
        if found.tzinfo is not UTC:
            if found.tzinfo is None:
                raise ValueError
            found = found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a time with its zone, such as 2025-04-22T16:01:45Z") from None
    shown = found.isoformat(" ")[:-6]
    return f"{shown.rstrip('0') if found.microsecond else shown}+00"


_BOOLEANS: Final = {"true": "t", "false": "f", "TRUE": "t", "FALSE": "f", "True": "t", "False": "f"}


def boolean(cell: str) -> str:
    found = _BOOLEANS.get(cell)
    if found is None:
        raise ValueError("must be true or false")
    return found


_STATUSES: Final = frozenset(GoodwillStatus.values)


def status(cell: str) -> str:
    if cell not in _STATUSES:
        raise ValueError(f"must be one of {', '.join(GoodwillStatus.values)}")
    return cell


# In the order of the comparison; `goodwill.backfill.rows` joins them and knows what one column says of another.
COLUMNS: Final = (
    Column("programId", "program_id", number(LARGEST_CUSTOMER)),
    Column("userId", "customer_id", number(LARGEST_CUSTOMER)),
    Column("goodwillType", "goodwill_type", text(20), "POINTS"),
    Column("earningEntityType", "earning_entity_type", text(20), "CUSTOMER"),
    Column("points", "points", points, NULL),
    Column("goodwillStatus", "status", status),
    Column("reason", "reason", text(1000), ""),
    Column("comments", "comments", text(1000), ""),
    Column("updatedComments", "updated_comments", text(2100), ""),
    Column("oneStep", "one_step", boolean, "f"),
    Column("autoApproved", "auto_approved", boolean, NULL),
    Column("addedBy.id", "added_by_id", number(LARGEST_NUMBER)),
    Column("updatedBy.id", "updated_by_id", number(LARGEST_NUMBER), NULL),
    Column("enteredBy.id", "entered_by_id", number(LARGEST_NUMBER), NULL),
    Column("addedOn", "added_on", moment),
    Column("updatedOn", "updated_on", moment, NULL),
)
PLACES: Final = {column.name: place for place, column in enumerate(COLUMNS)}
NUMBER: Final = Column("requestId", "request_number", number(LARGEST_NUMBER))
ROW_ID: Final = Column("id", "id", number(LARGEST_NUMBER), "")
REQUIRED: Final = tuple(column.name for column in (NUMBER, *COLUMNS) if column.absent is None)

PEOPLE: Final = ("addedBy", "updatedBy", "enteredBy")
USER_DETAILS: Final = (
    "code", "description", "name", "type", "referenceId", "adminType", "isActive", "isOuEnabled", "timeZoneId",
    "currencyId", "languageId", "default",
)  # fmt: skip
PROGRAM_DETAILS: Final = ("programName", "programDescription", "pointsToCurrencyRatio")
# Other spellings: the id where the API has an object, and the value that it shows of what was approved.
SPELLINGS: Final = {
    "addedBy": "addedBy.id", "updatedBy": "updatedBy.id", "enteredBy": "enteredBy.id", "approvedValue": "points",
    "program.programId": "programId",
}  # fmt: skip
# Of an export or of the API, and nothing to import.
PASSED_OVER: Final = ("workflowRequestId", "program.default")
NAMES: Final = (
    NUMBER.name, ROW_ID.name, *(column.name for column in COLUMNS), *SPELLINGS, *PASSED_OVER,
    *(f"program.{name}" for name in PROGRAM_DETAILS), *(f"{who}.{name}" for who in PEOPLE for name in USER_DETAILS),
)  # fmt: skip

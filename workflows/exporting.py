"""A list as a file: CSV or XLSX, read by a cursor of the server, written to disk row by row.

The file is finished before the first byte is sent. So the rows are those of one moment, the audit event tells their
number, no transaction stays open while a slow reader downloads, and memory holds a few thousand rows at most.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import IO, Any, Final

import xlsxwriter
from django.core.exceptions import EmptyResultSet
from django.db import connections, transaction
from django.db.models import QuerySet

from accounts.replica import reads_from
from workflows.desk import Actors
from workflows.exports import defused

MOST_ROWS = 100_000
_AT_ONCE = 2000
_DIGITS = 15
_IN_MEMORY = 1024 * 1024
_BYTE_ORDER_MARK = "\ufeff"  # without it Excel takes UTF-8 for something else


def _as_it_is(value: Any) -> Any:
    return value


class TooManyRows(Exception):
    """The list is longer than an export may be."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file: its head, where the list's rows have it, and how it is said there; `None` is a blank."""

    head: Any
    path: str
    said: Callable[[Any], Any] = _as_it_is


@dataclass(frozen=True, slots=True)
class Format:
    name: str
    content_type: str
    writer: Callable[[IO[bytes], Iterable[Sequence[Any]]], None]


@dataclass(frozen=True, slots=True)
class Export:
    """A finished file, at its beginning, and how many rows it has of each organisation."""

    file: IO[bytes]
    rows: dict[int, int]


def write(rows: QuerySet[Any], columns: Sequence[Column], kind: Format, actors: Actors) -> Export:
    """Write the rows, in their order, into a file that is gone when it is closed; they are read from the replica.

    Raises:
        TooManyRows: more than `MOST_ROWS`; nothing is left behind.
    """
    rows = rows.using(reads_from())
    if rows.order_by()[: MOST_ROWS + 1].count() > MOST_ROWS:
        raise TooManyRows
    found: Counter[int] = Counter({next(iter(actors)): 0})
    values = rows.values_list("organisation_id", *(column.path for column in columns))[:MOST_ROWS]

    def lines() -> Iterator[list[Any]]:
        yield [str(column.head) for column in columns]
        for organisation_id, *cells in _read(values):
            found[organisation_id] += 1
            zone = actors[organisation_id].organisation.zone
            yield [_cell(_said(column, cell, zone)) for column, cell in zip(columns, cells, strict=True)]

    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the answer closes it
    try:
        kind.writer(file, lines())
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return Export(file, {key: number for key, number in found.items() if number} or dict(found))


def _read(values: QuerySet[Any, Any]) -> Iterator[tuple[Any, ...]]:
    """By a cursor of the server's own, whatever the settings say of cursors that outlive a transaction."""
    try:
        sql, parameters = values.query.sql_with_params()
    except EmptyResultSet:  # no row can pass: Django asks the database nothing
        return
    with transaction.atomic(using=values.db, savepoint=False), connections[values.db].chunked_cursor() as cursor:
        cursor.execute(sql, parameters)
        while found := cursor.fetchmany(_AT_ONCE):
            yield from found


def _said(column: Column, value: Any, zone: tzinfo) -> Any:
    if value is None:
        return None
    return value.astimezone(zone) if isinstance(value, datetime) else column.said(value)


def _cell(value: Any) -> Any:
    """A number as a number; everything else as a text that no spreadsheet runs."""
    if value is None:
        return ""
    if isinstance(value, (Decimal, int)):
        return value
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return defused(str(value))


def _plain(value: Any) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _is_exact(value: Any) -> bool:
    """Whether a spreadsheet holds the number as it is: it keeps 15 digits, and ids may have more."""
    return isinstance(value, (Decimal, int)) and len(Decimal(value).normalize().as_tuple().digits) <= _DIGITS


def _write_csv(file: IO[bytes], lines: Iterable[Sequence[Any]]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    text.write(_BYTE_ORDER_MARK)
    writer = csv.writer(text)
    for line in lines:
        writer.writerow([_plain(value) for value in line])
    text.detach()


def _write_xlsx(file: IO[bytes], lines: Iterable[Sequence[Any]]) -> None:
    """Texts are written as texts, and neither a formula nor a link is ever made of one; so are overlong numbers."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet()
        for number, line in enumerate(lines):
            for place, value in enumerate(line):
                if _is_exact(value):
                    sheet.write_number(number, place, float(value))
                else:
                    sheet.write_string(number, place, _plain(value))


CSV: Final = Format("csv", "text/csv; charset=utf-8", _write_csv)
XLSX: Final = Format("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _write_xlsx)
FORMATS: Final = {kind.name: kind for kind in (CSV, XLSX)}

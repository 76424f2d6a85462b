"""Rejected rows in the input's own format, with their line and the reason, to be mended and fed back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from goodwill.backfill.rows import Reject
from goodwill.models import GoodwillImport, GoodwillImportReject
from wire.records import REJECT_COLUMNS, Format
from workflows.exports import defused

_ROWS_PER_LOOK = 1000


def rejects_of(goodwill_import: GoodwillImport) -> Iterator[Reject]:
    """Line by line, a thousand at a time."""
    rows = GoodwillImportReject.objects.filter(goodwill_import=goodwill_import).order_by("line")
    line = -1
    while found := list(rows.filter(line__gt=line)[:_ROWS_PER_LOOK]):
        for row in found:
            yield Reject(row.line, bytes(row.raw), row.reason)
        line = found[-1].line


def form_of(goodwill_import: GoodwillImport) -> Format:
    options = goodwill_import.options
    return Format(options["format"], options["delimiter"], options["encoding"], options["map"])


def as_given(rejects: Iterable[Reject], form: Format, header: bytes) -> Iterator[bytes]:
    """Byte for byte as the rows were, with line and reason in front, which the import passes over."""
    if form.kind == "csv":
        yield _cells(REJECT_COLUMNS, form) + form.delimiter.encode(form.encoding) + _ended(header)
    for reject in rejects:
        yield _row(reject, form)


def for_spreadsheets(rejects: Iterable[Reject], form: Format, header: bytes) -> Iterator[bytes]:
    """CSV in which no cell runs as a formula; JSON Lines as they are."""
    if form.kind != "csv":
        yield from as_given(rejects, form, header)
        return
    yield _ended(_cells([*REJECT_COLUMNS, *map(defused, _read_cells(header, form))], form))
    for reject in rejects:
        cells = map(defused, _read_cells(reject.raw, form))
        yield _ended(_cells([str(reject.line), defused(reject.reason), *cells], form))


@contextmanager
def written_to(path: Path, form: Format, header: bytes) -> Iterator[Callable[[Reject], None]]:
    """A file that takes one reject after the other; it appears under its name when it is complete, if it has any."""
    unfinished = path.with_name(f"{path.name}.part")
    count = 0

    def write(reject: Reject) -> None:
        nonlocal count
        count += 1
        file.write(_row(reject, form))

    try:
        with unfinished.open("wb") as file:
            file.writelines(as_given((), form, header))
            yield write
        if count:
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _row(reject: Reject, form: Format) -> bytes:
    return _csv_row(reject, form) if form.kind == "csv" else _json_row(reject, form)


def _csv_row(reject: Reject, form: Format) -> bytes:
    prefix = _cells([str(reject.line), reject.reason], form)
    return prefix + form.delimiter.encode(form.encoding) + _ended(reject.raw)


def _json_row(reject: Reject, form: Format) -> bytes:
    told = {REJECT_COLUMNS[0]: reject.line, REJECT_COLUMNS[1]: reject.reason}
    raw = reject.raw.strip()
    if not raw.startswith(b"{"):
        return _json(told | {"reject_raw": raw.decode(form.encoding, "replace")}, form) + b"\n"
    rest = raw[1:].lstrip()
    return _json(told, form)[:-1] + (b"" if rest.startswith(b"}") else b",") + rest + b"\n"


def _json(value: dict[str, object], form: Format) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode(form.encoding, "replace")


def _ended(raw: bytes) -> bytes:
    return raw if raw.endswith(b"\n") else raw + b"\n"


def _cells(cells: Iterable[str], form: Format) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=form.delimiter, lineterminator="").writerow(list(cells))
    return text.getvalue().encode(form.encoding, "replace")


def _read_cells(raw: bytes, form: Format) -> list[str]:
    """The cells of a row; the row as one cell where it has none that can be told apart."""
    text = raw.decode(form.encoding, "replace")
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=form.delimiter, strict=True), [])
    except csv.Error:
        return [text]

"""Big files of records, CSV or JSON Lines, plain or gzip, from a path or standard input, read in bounded memory.

Every record comes with its line number, its raw bytes (so that a refused one can be given back exactly as it was) and
the place in the file after it, from which another process can read on.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, NoReturn

from wire.lines import BOM, LONGEST_RECORD, Lines, UnreadableLine

ENCODINGS: Final = ("utf-8", "cp1252", "latin-1")
REJECT_COLUMNS: Final = ("reject_line", "reject_reason")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_GZIP = b"\x1f\x8b"


class UnusableFile(Exception):
    """The file as a whole cannot be read; the message says what to do about it."""


@dataclass(frozen=True, slots=True)
class Format:
    """How the file is to be read.

    Attributes:
        kind: `csv` or `jsonl`.
        columns: another name for a column of the file: `{"Customer": "userId"}`.
        clean: what is done to every cell of a CSV file before anybody sees it.
    """

    kind: str
    delimiter: str = ","
    encoding: str = "utf-8"
    columns: Mapping[str, str] = field(default_factory=dict)
    clean: Callable[[str], str] | None = None


class Record(NamedTuple):
    """One record: `values` by name, or the `problem` for which there are none."""

    line: int
    raw: bytes
    values: Sequence[Any]
    problem: str


class Source:
    """A file that can be read again from a place: standard input is copied to a temporary file first."""

    def __init__(self, name: str) -> None:
        self.name = Path(name).name if name != "-" else "(standard input)"
        self._file = _spooled() if name == "-" else _opened(name)
        self.sha256 = hashlib.file_digest(self._file, "sha256").hexdigest()
        self.size = self._file.tell()
        self._file.seek(0)
        start = self._file.read(64 * 1024)
        self.is_gzip = start.startswith(_GZIP)
        self._first = self._peek(start)

    def close(self) -> None:
        self._file.close()

    @property
    def read_bytes(self) -> int:
        """How far the file, as it lies on the disk, has been read."""
        return self._file.tell()

    def kind(self) -> str:
        """`csv` or `jsonl`, by the first character."""
        return "jsonl" if self._first.removeprefix(BOM).lstrip()[:1] == b"{" else "csv"

    def stream(self, position: int) -> IO[bytes]:
        """The content, unpacked, from a place on."""
        self._file.seek(0)
        if not self.is_gzip:
            self._file.seek(position)
            return self._file
        unpacked = gzip.GzipFile(fileobj=self._file)
        unpacked.seek(position)
        return io.BufferedReader(unpacked, 256 * 1024)

    def _peek(self, start: bytes) -> bytes:
        if self.is_gzip:
            self._file.seek(0)
            try:
                start = gzip.GzipFile(fileobj=self._file).read(1024)
            except (OSError, EOFError, zlib.error) as error:
                raise UnusableFile(f"The gzip file is damaged: {error}. Copy it again.") from None
        if not start.removeprefix(BOM).strip():
            raise UnusableFile("The file is empty: it has neither a header nor a record.")
        if start.startswith(_UTF_16):
            raise UnusableFile("The file is UTF-16. Save it as UTF-8.")
        return start


def _opened(name: str) -> io.BufferedReader:
    try:
        file = _reader_of(name)
        file.read(1)
    except OSError as error:
        raise UnusableFile(f"{name} cannot be read: {error.strerror}.") from None
    file.seek(0)
    return file


def _reader_of(path: str) -> io.BufferedReader:
    return io.BufferedReader(io.FileIO(path), 1024 * 1024)


def _spooled() -> io.BufferedReader:
    with tempfile.NamedTemporaryFile() as file:  # it lives on as long as it is open
        shutil.copyfileobj(sys.stdin.buffer, file, 1024 * 1024)
        file.flush()
        return _reader_of(file.name)


class Records:
    """The records of a source from a place on.

    Attributes:
        names: what `values` of a record holds, in this order; a column that the file lacks is the empty text. Without
            any, the lines of JSON are not looked into.
        unknown: columns of a CSV file that nobody asked for.
        columns: those of a CSV file.
        header: the raw header of a CSV file.
    """

    def __init__(self, source: Source, form: Format, names: Sequence[str], *, position: int = 0, line: int = 0) -> None:
        self.names = tuple(names)
        self.unknown: list[str] = []
        self.columns: tuple[str, ...] = ()
        self.header = b""
        self._form = form
        self._lines = Lines(source.stream(0), form.encoding, 0, 0)
        if form.kind == "csv":
            self._read_header()
        if position > self.position:
            self._lines = Lines(source.stream(position), form.encoding, position, line)

    @property
    def position(self) -> int:
        return self._lines.position

    @property
    def line(self) -> int:
        return self._lines.number

    def __iter__(self) -> Iterator[Record]:
        found = self._csv() if self._form.kind == "csv" else self._json()
        try:
            yield from found
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise UnusableFile(f"The gzip file is damaged after line {self.line}: {error}. Copy it again.") from None

    def has(self, name: str) -> bool:
        """Whether the file has this column; JSON Lines may have any."""
        return self._form.kind != "csv" or name in self.columns

    def _reader(self) -> Any:
        csv.field_size_limit(2 * LONGEST_RECORD)
        return csv.reader(self._lines, delimiter=self._form.delimiter, strict=True)

    def _read_header(self) -> None:
        try:
            cells: list[str] = next(self._reader(), [])
            if self._lines.problem:
                raise UnreadableLine(self._lines.problem)
        except (csv.Error, UnreadableLine) as error:
            raise UnusableFile(f"The header cannot be read: it {error}.") from None
        self.header = self._lines.raw
        given = [cell.strip() for cell in cells]
        lost = sorted(set(self._form.columns) - set(given))
        if lost:
            raise UnusableFile(f"--map names columns that the file has not: {', '.join(lost)}.")
        self.columns = tuple(self._form.columns.get(name, name) for name in given)
        twice = sorted({name for name in self.columns if self.columns.count(name) > 1 and name})
        if twice:
            raise UnusableFile(f"The header names a column twice: {', '.join(twice)}.")
        self.unknown = [name for name in self.columns if name not in (*self.names, *REJECT_COLUMNS)]

    def _csv(self) -> Iterator[Record]:
        lines, reader, clean = self._lines, self._reader(), self._form.clean
        width = len(self.columns)
        places = {name: place for place, name in enumerate(self.columns)}
        # A column that the file lacks is found in a cell that is put behind the last one.
        wanted = [places.get(name, width) for name in self.names]
        while True:
            lines.begin()
            first = lines.number + 1
            try:
                cells = next(reader, None)
            except (csv.Error, UnreadableLine) as error:
                lines.give_back()
                yield Record(first, lines.raw, (), f"the row {_in_words(error)}")
                continue
            if cells is None:
                return
            if lines.problem:
                yield Record(first, lines.raw, (), f"the row {lines.problem}")
                continue
            if len(cells) != width:
                if cells:  # an empty line is none
                    yield Record(first, lines.raw, (), f"the row has {len(cells)} cells, the header has {width}")
                continue
            cells.append("")
            values = [cells[place] for place in wanted]
            yield Record(first, lines.raw, values if clean is None else list(map(clean, values)), "")

    def _json(self) -> Iterator[Record]:
        lines = self._lines
        while True:
            lines.begin()
            try:
                text = next(lines, None)
                if text is None:
                    return
                if text.isspace():
                    continue
                if lines.problem:
                    raise UnreadableLine(lines.problem)
                named = flat(_parse(text)) if self.names else {}
            except (UnreadableLine, ValueError, RecursionError) as error:
                yield Record(lines.number, lines.raw, (), f"the row {_in_words(error)}")
                continue
            for theirs, ours in self._form.columns.items():
                if theirs in named:
                    named[ours] = named.pop(theirs)
            yield Record(lines.number, lines.raw, [named.get(name, "") for name in self.names], "")


def _in_words(error: Exception) -> str:
    match error:
        case UnreadableLine():
            return str(error)
        case json.JSONDecodeError():
            return f"is not JSON: {error.msg} at column {error.colno}"
        case RecursionError():
            return "is not JSON: it is nested too deep"
        case csv.Error() if "unexpected end" in str(error):
            return "ends inside a quotation mark that is never closed"
    return f"cannot be read: {error}"


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


# Numbers stay the text that they were.
_DECODER = json.JSONDecoder(object_pairs_hook=_unique_keys, parse_float=str, parse_int=str, parse_constant=_no_constant)
_SCALARS: Final[dict[Any, str]] = {True: "true", False: "false", None: ""}


def _parse(text: str) -> dict[str, Any]:
    value = _DECODER.decode(text.rstrip("\r\n"))
    if not isinstance(value, dict):
        raise ValueError("it must be one JSON object")
    return value


def flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """The texts of a JSON object by name; those of an object inside it by `outer.inner`.

    Raises:
        ValueError: a list, or objects more than two deep.
    """
    found: dict[str, str] = {}
    for key, value in record.items():
        if type(value) is str:
            found[prefix + key] = value
        elif isinstance(value, dict) and not prefix:
            found |= flat(value, f"{key}.")
        elif value is None or isinstance(value, bool):
            found[prefix + key] = _SCALARS[value]
        else:
            raise ValueError(f"{prefix}{key} must be a text, a number, true, false or null")
    return found

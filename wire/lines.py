"""The lines of a big file, decoded, with their places; those of a record that turned out to be none are read again."""

from __future__ import annotations

from collections import deque
from typing import IO, Final

LONGEST_RECORD: Final = 2 * 1024 * 1024
# Of a record that begins among lines which were read once already, as part of one that turned out to be none: where
# every line of a file leaves a quotation mark open, looking ahead from each costs this much and no more.
_LONGEST_AGAIN: Final = 64 * 1024
BOM: Final = b"\xef\xbb\xbf"


class UnreadableLine(Exception):
    """One record cannot be read; the next one can."""


class Lines:
    """The decoded lines of a stream; keeps the raw ones of the present record and counts where it stands.

    Attributes:
        problem: why the present record cannot be used though its end can be told: bytes of another encoding.
    """

    def __init__(self, stream: IO[bytes], encoding: str, position: int, number: int) -> None:
        self._readline, self._encoding = stream.readline, encoding
        self.position, self.number = position, number
        self.held: list[bytes] = []
        self.problem = ""
        self._again: deque[bytes] = deque()
        self._begin = position
        self._longest = LONGEST_RECORD

    def begin(self) -> None:
        """The next line begins a new record."""
        self.held = []
        self.problem = ""
        self._begin = self.position
        self._longest = _LONGEST_AGAIN if self._again else LONGEST_RECORD

    def give_back(self) -> None:
        """Take only the first line of the present record; those behind it are read again, as records of their own."""
        first, *others = self.held
        if not others:
            return
        self._again.extendleft(reversed(others))
        self.held = [first]
        self.position = self._begin + len(first)
        self.number -= len(others)

    @property
    def raw(self) -> bytes:
        return self.held[0] if len(self.held) == 1 else b"".join(self.held)

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        raw = self._again.popleft() if self._again else self._readline(LONGEST_RECORD)
        if not raw:
            raise StopIteration
        if not self.position:
            raw_line = raw.removeprefix(BOM)
            self.position += len(raw) - len(raw_line)
            raw = raw_line
        self.position += len(raw)
        self.number += 1
        self.held.append(raw)
        if self.position - self._begin >= self._longest:
            self._check_length(raw)
        try:
            return raw.decode(self._encoding)
        except UnicodeDecodeError as error:
            place = f"byte {error.start + 1}" + (f" of its line {len(self.held)}" if len(self.held) > 1 else "")
            hint = "the encoding can be named with --encoding"
            self.problem = self.problem or f"is not {self._encoding} at {place}; {hint}"
            return raw.decode(self._encoding, "replace")

    def _check_length(self, raw: bytes) -> None:
        """Of a single line that is too long, go on after its end; of several, `give_back` is the caller's to call."""
        if len(self.held) > 1:
            raise UnreadableLine(f"is longer than {self._longest} bytes; is a quotation mark left open?")
        if len(raw) < LONGEST_RECORD:
            return
        while raw and not raw.endswith(b"\n"):
            raw = self._readline(LONGEST_RECORD)
            self.position += len(raw)
        raise UnreadableLine(f"is longer than {LONGEST_RECORD} bytes; is a quotation mark left open?")

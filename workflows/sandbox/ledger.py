"""The ledger: what was really credited, at most once per organisation and reference.

With a file it survives a kill: every credit is one JSON line, on the disk before anybody hears of it.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path

from workflows.sandbox.awards import Award

LINE_STARTS = (b'{"createdId": ', b'{"cleared": ')


class LedgerError(Exception):
    """The ledger's file cannot be used; the message says why."""


class LedgerGone(Exception):
    """The ledger was emptied or closed after the call came in, so the call must leave no trace in it."""


@dataclass(frozen=True)
class Credit:
    """One credit. `as_json` shows the points digit by digit, as they were asked for."""

    created_id: int
    award: Award
    credited_at: str

    @cached_property
    def as_json(self) -> str:
        head = json.dumps(
            {
                "createdId": self.created_id,
                "orgId": self.award.org_id,
                "referenceId": self.award.reference_id,
                "customerId": self.award.customer_id,
                "programId": self.award.program_id,
                "creditedAt": self.credited_at,
            }
        )
        # json cannot write a Decimal as a number, and a float would round it.
        return f'{head[:-1]}, "points": {self.award.points:f}}}'

    @classmethod
    def from_json(cls, row: dict[str, object]) -> Credit:
        """Read back what `as_json` wrote; raises KeyError, ValueError or ArithmeticError on anything else."""
        award = Award(
            org_id=int(str(row["orgId"])),
            reference_id=str(row["referenceId"]),
            customer_id=int(str(row["customerId"])),
            program_id=int(str(row["programId"])),
            points=Decimal(str(row["points"])),
        )
        return cls(int(str(row["createdId"])), award, str(row["creditedAt"]))


@dataclass(frozen=True)
class Snapshot:
    """The ledger at one moment: the credits asked for, and how often it was called in all."""

    credits: list[Credit]
    calls: int
    duplicates: int

    @property
    def as_json(self) -> str:
        rows = ", ".join(credit.as_json for credit in self.credits)
        return f'{{"credits": [{rows}], "calls": {self.calls}, "duplicates": {self.duplicates}}}'


class _Journal:
    """The file behind a ledger: lines are only ever added, and only one process holds it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._fd)
            raise LedgerError(f"{path} is in use by another sandbox") from error
        self._size = os.fstat(self._fd).st_size

    def read(self) -> tuple[list[str], bytes]:
        """Return all whole lines, and what stands after the last of them."""
        with open(self._fd, "rb", closefd=False) as file:
            *lines, rest = file.read().split(b"\n")
        return [line.decode("utf-8") for line in lines], rest

    def cut_off(self, rest: bytes) -> None:
        """Cut off the start of a line that a kill left unfinished: nobody was told of that credit."""
        if not any(start.startswith(rest[: len(start)]) for start in LINE_STARTS):
            raise LedgerError("the ledger file ends in something that is not a credit")
        self._size -= len(rest)
        os.ftruncate(self._fd, self._size)

    def append(self, line: str) -> None:
        """Put one line on the disk, or leave the file as it was and raise LedgerError."""
        data = line.encode() + b"\n"
        try:
            written = os.write(self._fd, data)
            if written != len(data):
                raise OSError(f"only {written} of {len(data)} bytes were written")
            os.fsync(self._fd)
        except OSError as error:
            os.ftruncate(self._fd, self._size)
            raise LedgerError(f"the ledger file cannot be written: {error}") from error
        self._size += len(data)

    def close(self) -> None:
        os.close(self._fd)


class Ledger:
    """All credits, safe to use from many threads.

    The file remembers the credits alone; calls and duplicates are counted from the start of the process.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Open the ledger, with what its file remembers; raises LedgerError if the file is not a ledger."""
        self._lock = threading.Lock()
        self._credits: dict[tuple[int, str], Credit] = {}
        self._last_id = self._calls = self._duplicates = self._epoch = 0
        self._closed = False
        self._journal = _Journal(path) if path else None
        try:
            self._replay()
        except LedgerError:
            self.close()
            raise

    def arrive(self) -> int:
        """Count a call that came in; returns the epoch that `credit` asks for."""
        with self._lock:
            self._calls += 1
            return self._epoch

    def credit(self, award: Award, *, epoch: int) -> Credit | None:
        """Credit once and return the credit, or None if the reference is known: then nothing is credited.

        Raises LedgerError if the credit cannot be kept (it did not happen then), LedgerGone if the
        ledger was emptied since the call: a late credit must not leak into the next test.
        """
        with self._lock:
            if self._closed or epoch != self._epoch:
                raise LedgerGone
            if award.key in self._credits:
                self._duplicates += 1
                return None
            now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            credit = Credit(self._last_id + 1, award, now)
            if self._journal:
                self._journal.append(credit.as_json)
            self._remember(credit)
            return credit

    def pass_over(self, award: Award) -> None:
        """Count a call that a fault keeps from crediting, if its reference is known."""
        with self._lock:
            self._duplicates += award.key in self._credits

    def find(self, org_id: int, reference_id: str) -> Credit | None:
        """Return the credit of a reference, None if there is none."""
        with self._lock:
            return self._credits.get((org_id, reference_id))

    def snapshot(self, wanted: Callable[[Credit], bool]) -> Snapshot:
        """Return the wanted credits, oldest first, with the counters of the same moment."""
        with self._lock:
            return Snapshot(list(filter(wanted, self._credits.values())), self._calls, self._duplicates)

    def clear(self) -> None:
        """Forget all credits and counters. The file keeps its lines and gains one that says so."""
        with self._lock:
            if self._journal:
                self._journal.append(json.dumps({"cleared": datetime.now(UTC).isoformat()}))
            self._credits.clear()
            self._calls = self._duplicates = 0
            self._epoch += 1

    def close(self) -> None:
        """Let go of the file; waits for a credit that is being written, and refuses later ones."""
        with self._lock:
            if self._journal and not self._closed:
                self._journal.close()
            self._closed = True

    def _remember(self, credit: Credit) -> None:
        self._credits[credit.award.key] = credit
        self._last_id = max(self._last_id, credit.created_id)

    def _replay(self) -> None:
        if self._journal is None:
            return
        try:
            lines, rest = self._journal.read()
            for number, line in enumerate(lines, start=1):
                self._replay_line(number, line)
            self._journal.cut_off(rest)
        except UnicodeDecodeError as error:
            raise LedgerError("the ledger file is not UTF-8") from error

    def _replay_line(self, number: int, line: str) -> None:
        try:
            row = json.loads(line, parse_float=Decimal)
            if "cleared" in row:
                self._credits.clear()
                return
            credit = Credit.from_json(row)
        except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError) as error:
            raise LedgerError(f"line {number} of the ledger file is not a credit") from error
        if credit.award.key in self._credits:
            raise LedgerError(f"line {number} of the ledger file credits a reference a second time")
        self._remember(credit)

"""How far a long command has come: a bar for a person at a terminal, else a plain line every few seconds."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Final, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

_SECONDS_BETWEEN_LINES: Final = 5.0


class ProgressReport:
    """Call `update` as often as you like; use as a context manager.

    Args:
        what: what is being done, e.g. the file's name.
        total: how much there is to do, in any unit (bytes, rows); None where nobody knows.
        stream: where people look: standard error, so that standard output stays for the result.
    """

    def __init__(self, what: str, total: int | None, stream: TextIO | None = None) -> None:
        self._what, self._total = what, total
        self._stream = stream if stream is not None else sys.stderr
        self._begun = self._told = time.monotonic()
        self._first_rows: int | None = None
        self._bar: Progress | None = None
        if self._stream.isatty():
            self._bar = Progress(
                TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
                TimeRemainingColumn(), TextColumn("{task.fields[rows]}", markup=False),
                console=Console(file=self._stream), refresh_per_second=4,
            )  # fmt: skip
            self._task = self._bar.add_task(what, total=total, rows="")

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, done: int, rows: int, rejected: int = 0) -> None:
        """Tell how much of the total is done, and how many rows that were."""
        if self._first_rows is None:
            self._first_rows = 0 if rows < 10_000 else rows  # resumed: the earlier ones were not read by this run
        now = time.monotonic()
        rate = (rows - self._first_rows) / max(now - self._begun, 0.001)
        text = f"{rows:,} rows, {rate:,.0f} a second, {rejected:,} rejected"
        if self._bar is not None:
            self._bar.update(self._task, completed=done, rows=text)
        elif now - self._told >= _SECONDS_BETWEEN_LINES:
            self._told = now
            self._stream.write(f"{self._what}: {self._share(done)}{text}{self._left(done, now)}\n")
            self._stream.flush()

    def _share(self, done: int) -> str:
        return f"{100 * done / self._total:.0f} %, " if self._total else ""

    def _left(self, done: int, now: float) -> str:
        if not self._total or not done:
            return ""
        return f", {max(self._total - done, 0) / done * (now - self._begun):.0f} s left"

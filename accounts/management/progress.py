"""How far a long command has come: a bar for a person at a terminal, else a plain line every few seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

_SECONDS_BETWEEN_LINES: Final = 5.0


class ProgressReport:
    """Call `update` before the first row and then as often as you like; use as a context manager.

    Args:
        what: what is being done, e.g. the file's name.
        total: how much there is to do, in any unit (bytes, rows); None where nobody knows.
        stream: where people look: standard error, so that standard output stays for the result.
        clock: seconds since any moment.
    """

    def __init__(
        self, what: str, total: int | None, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._what, self._total, self._clock = what, total, clock
        self._stream = stream if stream is not None else sys.stderr
        self._begun = self._told = clock()
        # What this run began with: where it goes on with an earlier one, it did not do that itself.
        self._first: tuple[int, int] | None = None
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
        """Tell how much of the total is done, and how many rows that were. The first call: what was done before."""
        now = self._clock()
        if self._first is None:
            self._first, self._begun = (done, rows), now
        before, rows_before = self._first
        rate = (rows - rows_before) / max(now - self._begun, 0.001)
        text = f"{rows:,} rows, {rate:,.0f} a second, {rejected:,} rejected"
        if self._bar is not None:
            self._bar.update(self._task, completed=done, rows=text)
        elif now - self._told >= _SECONDS_BETWEEN_LINES:
            self._told = now
            self._stream.write(f"{self._what}: {self._share(done)}{text}{self._left(done, done - before, now)}\n")
            self._stream.flush()

    def _share(self, done: int) -> str:
        return f"{100 * done / self._total:.0f} %, " if self._total else ""

    def _left(self, done: int, by_this_run: int, now: float) -> str:
        if not self._total or by_this_run <= 0:
            return ""
        return f", {max(self._total - done, 0) / by_this_run * (now - self._begun):.0f} s left"

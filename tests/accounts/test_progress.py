"""How far a long command has come, as people see it: a bar at a terminal, lines elsewhere."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from accounts.management.progress import ProgressReport


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


def lines_of(clock: Clock, total: int | None, *updates: tuple[float, int, int, int]) -> list[str]:
    """What is written for a file by updates at these seconds, with what was done, the rows and the rejected ones."""
    stream = io.StringIO()
    begun = clock.now
    with ProgressReport("history.csv", total, stream, clock) as report:
        for second, *told in updates:
            clock.now = begun + second
            report.update(*told)
    return stream.getvalue().splitlines()


def test_a_line_tells_share_rows_rate_rejects_and_the_time_left(clock: Clock) -> None:
    assert lines_of(clock, 1000, (0, 0, 0, 0), (10, 250, 50_000, 3)) == [
        "history.csv: 25 %, 50,000 rows, 5,000 a second, 3 rejected, 30 s left"
    ]


def test_there_is_a_line_every_five_seconds_however_often_it_is_told(clock: Clock) -> None:
    updates = [(second / 10, second, second, 0) for second in range(160)]
    assert [line.split()[1] for line in lines_of(clock, 200, *updates)] == ["25", "50", "75"]


def test_what_an_earlier_run_has_done_counts_neither_for_the_rate_nor_for_the_time_left(clock: Clock) -> None:
    assert lines_of(clock, 1000, (0, 800, 8_000, 1), (10, 900, 9_000, 1)) == [
        "history.csv: 90 %, 9,000 rows, 100 a second, 1 rejected, 10 s left"
    ]


def test_time_before_the_first_row_counts_for_no_rate(clock: Clock) -> None:
    assert "500 a second" in lines_of(clock, 1000, (60, 0, 0, 0), (70, 500, 5_000, 0))[-1]


def test_without_a_total_there_is_no_share_and_no_time_left(clock: Clock) -> None:
    assert lines_of(clock, None, (0, 0, 0, 0), (5, 0, 1000, 0)) == ["history.csv: 1,000 rows, 200 a second, 0 rejected"]


def test_where_nothing_was_read_since_the_beginning_nobody_knows_the_time_left(clock: Clock) -> None:
    assert lines_of(clock, 1000, (0, 800, 10, 0), (5, 800, 20, 0)) == [
        "history.csv: 80 %, 20 rows, 2 a second, 0 rejected"
    ]


def test_at_a_terminal_it_is_a_bar(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    stream: Any = Terminal()
    with ProgressReport("[b]history.csv", 1000, stream, clock) as report:
        report.update(0, 0)
        clock.now += 2
        report.update(500, 5_000, 7)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    last = shown.rstrip().splitlines()[-1]
    assert last.startswith("[b]history.csv ")
    assert "50 %" in last
    assert last.endswith("5,000 rows, 2,500 a second, 7 rejected")

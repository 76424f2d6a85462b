"""The bulk commands hold as much of a file or a table as a batch needs, however long it is.

Up to a hundred thousand rows; `python -m bench.memory --rows 10000000` goes on from there.
"""

from __future__ import annotations

import pytest

from bench.memory import MOST_GROWTH, MOST_MB, Measured
from tests.house import House

FEW, MANY = 10_000, 100_000


@pytest.mark.timeout(600)
def test_moving_history_in_and_out_takes_as_much_memory_for_many_rows_as_for_few(
    committed_house: House, tmp_path
) -> None:
    measured = Measured(tmp_path, committed_house)
    for count in (FEW, MANY):
        measured.of_history_once(count)
    assert set(measured.peaks) == {"backfill_goodwill", "export_goodwill, csv"}
    for command, peaks in measured.peaks.items():
        assert peaks[FEW] > 10, f"{command}: the peak was not seen"
        assert peaks[MANY] < MOST_MB, command
        assert peaks[MANY] / peaks[FEW] <= MOST_GROWTH, command

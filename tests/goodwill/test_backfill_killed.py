"""An import that is killed again and again ends as one that never was.

The short form is part of the suite; the long one is `make soak-import`, see docs/bulk.md.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

from goodwill.models import GoodwillImport, GoodwillImportReject, GoodwillRequest, ImportStage
from tests.faults.processes import eventually, started
from tests.goodwill.history_files import as_csv, backfill, row, stored
from tests.house import House, build_house

KILLS = int(os.environ.get("BACKFILL_KILLS", "4"))
ROWS = int(os.environ.get("BACKFILL_ROWS", "10000"))
BATCHES = 25 * KILLS  # enough that no run reaches the end before it is killed
COUNTS = ("records", "inserted", "unchanged", "rejected", "conflicts", "line", "position", "stage")

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(60 + 30 * KILLS)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Good rows, bad ones, repeated ones and ones that contradict an earlier one."""
    rows = []
    for number in range(1, ROWS + 1):
        odd = number % 97
        rows.append(row(max(number - 40, 1) if odd in (5, 6) else number, points=number + (odd == 6)))
        if odd == 5:
            rows[-1] = dict(rows[-41 if number > 41 else 0])
        rows[-1]["userId"] = "x" if odd == 7 else number
    path = tmp_path / "history.csv"
    path.write_text(as_csv(rows))
    return path


def outcome(org: int) -> tuple[Any, ...]:
    record = GoodwillImport.objects.get(organisation=org)
    rejects = GoodwillImportReject.objects.filter(goodwill_import=record).order_by("line")
    return (
        [getattr(record, name) for name in COUNTS],
        [(one.line, one.reason, bytes(one.raw)) for one in rejects],
        stored(org),
    )


def test_killed_at_random_it_ends_as_if_it_had_run_once(committed_house: House, file: Path, tmp_path: Path) -> None:
    build_house(70001)
    batch = str(-(-ROWS // BATCHES))
    assert backfill(file, "--batch-rows", batch, org=70001)[0] == 1
    command = ["manage.py", "backfill_goodwill", str(file), "--org", "51250", "--batch-rows", batch]
    chance = random.Random(20261122)

    def written() -> int:
        return GoodwillRequest.objects.filter(organisation=51250).count()

    def has_gone_on(before: int, process: Any) -> bool:
        return written() > before or not process.is_running

    for number in range(KILLS):
        before = written()
        with started(tmp_path / f"{number}.log", *command) as process:
            eventually(lambda before=before, process=process: has_gone_on(before, process), "a batch is committed")
            time.sleep(chance.random() / 20)
            assert process.is_running, process.output
            process.popen.kill()
            process.ended_with()
    assert GoodwillImport.objects.get(organisation=51250).stage == ImportStage.RUNNING

    assert backfill(file, "--batch-rows", batch)[0] == 1
    killed, clean = outcome(51250), outcome(70001)
    assert killed == clean
    assert killed[0][0] == ROWS

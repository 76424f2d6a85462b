"""Two batches on their way at once: what keeps their order, and what becomes of one when the other fails."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from goodwill.backfill import writing
from goodwill.backfill.rows import Batch, Row
from goodwill.models import GoodwillImport, GoodwillRequest, ImportStage
from tests.faults.processes import eventually, started
from tests.goodwill.history_files import as_csv, backfill, row, stored
from tests.house import House

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 60


@pytest.fixture
def house(committed_house: House) -> House:
    return committed_house


class Steps:
    """Notes when the rows of a batch are begun and written, and when it is stored; by the last line of the batch."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[tuple[str, int]] = []
        self._noted = threading.Condition()
        self._held: dict[tuple[str, int], tuple[str, int]] = {}
        self._failing: set[int] = set()
        store, move = writing._store, writing._move

        def stored(batch: Batch, *arguments: Any, **options: Any) -> Any:
            self._note(("begun", batch.line))
            found = store(batch, *arguments, **options)
            self._note(("written", batch.line))
            return found

        def moved(batch: Batch, *arguments: Any) -> None:
            move(batch, *arguments)
            if batch.line in self._failing:
                raise RuntimeError("no room on the disk")
            self._note(("moved", batch.line))

        monkeypatch.setattr(writing, "_store", stored)
        monkeypatch.setattr(writing, "_move", moved)

    def hold(self, step: tuple[str, int], until: tuple[str, int]) -> None:
        self._held[step] = until

    def fail(self, line: int) -> None:
        self._failing.add(line)

    def _note(self, step: tuple[str, int]) -> None:
        with self._noted:
            self.done.append(step)
            self._noted.notify_all()
            if step in self._held:
                assert self._noted.wait_for(lambda: self._held[step] in self.done, SECONDS), self.done


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    return Steps(monkeypatch)


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def write(rows: list[dict[str, Any]]) -> Path:
        path = tmp_path / "history.csv"
        path.write_text(as_csv(rows, header=list(dict.fromkeys(name for one in rows for name in one))))
        return path

    return write


def test_a_batch_that_is_written_first_is_stored_after_the_one_before(house: House, file: Any, steps: Steps) -> None:
    steps.hold(("begun", 3), until=("written", 5))
    code, summary = backfill(file([row(number) for number in range(1, 7)]), "--batch-rows", "2")
    assert (code, summary["inserted"]) == (0, 6)
    assert steps.done.index(("written", 5)) < steps.done.index(("written", 3))
    assert [line for step, line in steps.done if step == "moved"] == [3, 5, 7]


@pytest.mark.parametrize(
    "second",
    [
        pytest.param([row(2, points=7), row(3)], id="number"),
        pytest.param([row(3, id=101), row(4, id=103)], id="id"),
        pytest.param([row(3), row(4)], id="next id"),
    ],
)
def test_neighbours_that_touch_the_same_are_written_one_after_the_other(
    house: House, file: Any, steps: Steps, second: list[dict[str, Any]]
) -> None:
    first = [row(1, id=100), row(2, id=101)] if "id" in second[0] or second[0] == row(3) else [row(1), row(2)]
    backfill(file([*first, *second]), "--batch-rows", "2", "--update")
    assert steps.done.index(("moved", 3)) < steps.done.index(("begun", 5))
    assert GoodwillImport.objects.get().stage == ImportStage.FINISHED


def test_the_later_of_two_batches_with_one_number_is_the_change_of_the_earlier(house: House, file: Any) -> None:
    rows = [row(number // 2 + 1, points=number + 1) for number in range(1, 41)]  # every number ends one batch
    code, summary = backfill(file(rows), "--batch-rows", "2", "--update")
    assert (code, summary["inserted"], summary["updated"], summary["rejected"]) == (0, 21, 19, 0)
    points = dict(GoodwillRequest.objects.values_list("request_number", "points"))
    assert points == {one["requestId"]: one["points"] for one in rows}


def test_with_a_batch_that_fails_the_next_one_is_not_stored_either(house: House, file: Any, tmp_path: Path) -> None:
    path = file([row(number) for number in range(1, 9)])
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(patch)
        steps.hold(("written", 3), until=("written", 5))
        steps.fail(3)
        with pytest.raises(RuntimeError, match="no room"):
            backfill(path, "--batch-rows", "2")
    assert ("written", 5) in steps.done
    assert ("begun", 7) not in steps.done
    record = GoodwillImport.objects.get()
    assert (record.stage, record.position, record.inserted) == (ImportStage.STOPPED, 0, 0)
    assert not GoodwillRequest.objects.exists()

    code, summary = backfill(path, "--batch-rows", "2")
    assert (code, summary["inserted"], summary["import"]) == (0, 8, record.pk)


def test_behind_too_many_rejects_the_batch_that_is_written_already_is_not_stored(
    house: House, file: Any, steps: Steps
) -> None:
    steps.hold(("written", 3), until=("written", 5))
    path = file([row(1), row(2, userId="x"), row(3), row(4), row(5)])
    code, summary = backfill(path, "--batch-rows", "2", "--max-errors", "0")
    assert (code, summary["records"], summary["rejected"], summary["last_line"]) == (3, 2, 1, 3)
    assert ("written", 5) in steps.done
    assert [found[0] for found in stored()] == [1]


def test_both_batches_may_name_somebody_for_the_first_time(house: House, file: Any, steps: Steps) -> None:
    steps.hold(("begun", 3), until=("written", 5))
    rows = [row(number, addedBy__id=9_000_001, updatedBy__id=9_000_000 + number) for number in range(1, 5)]
    code, summary = backfill(file(rows), "--batch-rows", "2")
    assert (code, summary["inserted"]) == (0, 4)
    assert User.objects.filter(pk__gt=9_000_000, username__startswith="imported-").count() == 4


def test_a_batch_whose_turn_does_not_come_gives_its_rows_up_and_is_written_again(
    house: House, file: Any, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "PATIENCE", 0.05)
    steps.hold(("written", 3), until=("given up", 5))
    given_up = writing.Turn.wait

    def wait(turn: writing.Turn, seconds: float | None = None) -> None:
        if seconds is None:
            steps._note(("given up", 5))
        given_up(turn, seconds)

    monkeypatch.setattr(writing.Turn, "wait", wait)
    code, summary = backfill(file([row(number) for number in range(1, 5)]), "--batch-rows", "2")
    assert (code, summary["inserted"]) == (0, 4)
    assert steps.done.count(("written", 5)) == 2


def batch(*keys: tuple[int, int | None]) -> Batch:
    return Batch(rows=[Row(1, b"", number, row_id, b"") for number, row_id in keys])


@pytest.mark.parametrize(
    ("one", "other", "touch"),
    [
        (batch((1, None)), batch((2, None)), False),
        (batch((1, 10)), batch((2, 11)), False),
        (batch(), batch((2, None)), False),
        (batch((1, None)), batch((1, None)), True),
        (batch((1, 10)), batch((2, 10)), True),
        (batch((1, 10)), batch((2, None)), True),
    ],
)
def test_batches_touch_where_one_may_wait_for_a_row_of_the_other(one: Batch, other: Batch, touch: bool) -> None:
    assert one.touches(other) is touch
    assert other.touches(one) is touch


def test_of_two_processes_with_one_file_one_goes_on_and_one_is_overtaken(
    house: House, file: Any, tmp_path: Path
) -> None:
    """Their batches begin and end in different places, so that each may wait for rows of both of the other's."""
    path = file([row(number) for number in range(1, 4001)])
    command = ("manage.py", "backfill_goodwill", str(path), "--org", "51250", "--batch-rows")
    with started(tmp_path / "1.log", *command, "5") as one, started(tmp_path / "2.log", *command, "7") as other:
        for process in (one, other):
            eventually(lambda process=process: not process.is_running, "both have ended")
        assert sorted([one.popen.returncode, other.popen.returncode]) == [0, 4], one.output + other.output
    record = GoodwillImport.objects.get()
    assert (record.stage, record.inserted, record.unchanged) == (ImportStage.FINISHED, 4000, 0)
    assert [found[0] for found in stored()] == list(range(1, 4001))

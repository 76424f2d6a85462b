"""What `make bench-quick` calls slower, and what it does not."""

from __future__ import annotations

import json

import pytest

from bench import quick
from bench.in_turn import Way, in_turn, ratio


def ratios(ratio: float, *, higher_is_better: bool = True) -> quick.Ratios:
    return {"a row": {"ratio": ratio, "higher_is_better": higher_is_better}}


class Machine:
    """Measures the given ratios, one after the other, and counts."""

    def __init__(self, *found: quick.Ratios) -> None:
        self.left = list(found)

    def __call__(self, module: str) -> quick.Ratios:
        return self.left.pop(0)


@pytest.mark.parametrize(
    ("recorded", "now"), [(ratios(3.0), ratios(1.99)), (ratios(2.0, higher_is_better=False), ratios(3.01))]
)
def test_a_ratio_that_fell_by_more_than_a_third_is_slower(recorded, now):
    with pytest.raises(SystemExit) as ended:
        quick.compare({"submit": recorded}, Machine(now, now))
    line = str(ended.value.code)
    assert "bench.submit: a row" in line
    assert f"{recorded['a row']['ratio']:.2f} was recorded, {now['a row']['ratio']:.2f} now" in line


@pytest.mark.parametrize(
    ("recorded", "now"), [(ratios(3.0), ratios(2.01)), (ratios(2.0, higher_is_better=False), ratios(2.99))]
)
def test_a_ratio_that_fell_by_less_than_a_third_is_not(recorded, now):
    machine = Machine(now)
    quick.compare({"submit": recorded}, machine)
    assert machine.left == []


def test_what_is_slower_only_once_is_not_slower():
    machine = Machine(ratios(1.0), ratios(2.9))
    quick.compare({"submit": ratios(3.0)}, machine)
    assert machine.left == []


def test_a_row_that_is_measured_no_longer_is_a_finding():
    assert quick.worse(ratios(3.0), {}) == ["a row: 3.00 was recorded, and it is measured no longer"]


def test_a_way_that_does_twice_the_work_is_measured_to_cost_twice():
    def work(times):
        return lambda: sum(number * number for number in range(times))

    costs = in_turn({"once": Way(work(20_000), 10), "twice": Way(work(40_000), 5)}, 9)
    assert 1.5 < ratio(costs["twice"], costs["once"]) < 2.6


def test_every_benchmark_of_the_short_run_is_recorded():
    recorded = json.loads(quick.FILE.read_text())
    assert set(recorded) == set(quick.BENCHMARKS)
    assert all(row["ratio"] > 0 for ratios in recorded.values() for row in ratios.values())
    assert all(recorded.values())

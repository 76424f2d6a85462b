"""What `make bench` says at its end: every target, and a reason for each that is missed."""

from __future__ import annotations

import pytest

from bench import verdict
from bench.report import DOCUMENT, Row, Table


def section(name: str, *rows: Row) -> str:
    return f"prose\n<!-- begin bench/{name}.py -->\n{Table(name, 'Said.', list(rows))}\n<!-- end bench/{name}.py -->\n"


MET = Row.of("quick", [1.0], "ms", target="≤ 2 ms", met=True)
MISSED = Row.of("E1, CPU against bare", [7.0], "µs", ratio=3.5, target="≤ 2.0 ×", met=False)
UNKNOWN = Row.of("a page", [7.0], "ms", target="p95 ≤ 5 ms", met=False, p95=9.0)
COMPARED = Row.of("what others are compared with", [1.0], "ms")


def test_every_row_with_a_target_is_found_whatever_its_table_looks_like() -> None:
    found = list(verdict.targets(section("submit", MET, COMPARED, MISSED) + section("desk", UNKNOWN)))
    assert [(one.benchmark, one.name, one.is_met) for one in found] == [
        ("submit", "quick", True), ("submit", "E1, CPU against bare", False), ("desk", "a page", False),
    ]  # fmt: skip


def test_what_is_missed_is_told_with_its_figure_its_target_and_the_reason() -> None:
    text = verdict.told(list(verdict.targets(section("submit", MET, MISSED))))
    assert text.startswith("1 of 2 targets are met.")
    assert "bench.submit, E1, CPU against bare: 3.50 ×, target ≤ 2.0 ×" in text
    assert verdict.REASONS["submit", "E1, CPU against bare"] in text


def test_what_is_missed_without_a_reason_ends_badly(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    document = tmp_path / "performance.md"
    document.write_text(section("desk", UNKNOWN))
    monkeypatch.setattr(verdict, "DOCUMENT", document)
    monkeypatch.setattr("sys.argv", ["verdict"])
    with pytest.raises(SystemExit, match=r"nobody has said why: bench\.desk, a page"):
        verdict.main()


def test_the_document_has_a_reason_for_every_target_that_it_calls_missed() -> None:
    found = list(verdict.targets(DOCUMENT.read_text()))
    assert len(found) > 50
    assert [str(target) for target in found if not target.is_met and target.reason is None] == []

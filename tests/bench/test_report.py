"""What a benchmark leaves in docs/performance.md."""

from __future__ import annotations

import pytest

from bench import report
from bench.hosts import NoHosts, hosts
from bench.report import Row, Table, parser, publish


@pytest.fixture
def document(tmp_path, monkeypatch):
    """A document with one section, in the place of the real one."""
    path = tmp_path / "performance.md"
    path.write_text("before\n<!-- begin bench/one.py -->\nold\n<!-- end bench/one.py -->\nbehind\n")
    (tmp_path / "images").mkdir()
    monkeypatch.setattr(report, "DOCUMENT", path)
    monkeypatch.setattr(report, "IMAGES", tmp_path / "images")
    return path


def written(document, table):
    publish(table, parser("").parse_args(["--docs"]))
    return document.read_text()


def test_a_table_replaces_its_section_and_brings_its_plot(document):
    text = written(document, Table("one", "Said.", [Row.of("a row", [1.0, 2.0, 4.0], "ms", ratio=0.5)]))
    assert text.startswith("before\n")
    assert text.endswith("behind\n")
    assert "old" not in text
    assert "| a row | 2 ms | 1 to 4 | 0.50 × |" in text
    assert "![one](images/bench-one.svg)" in text
    assert "a row: 0.5" in (document.parent / "images/bench-one.svg").read_text()


def test_where_a_target_is_about_the_95th_percentile_it_has_a_column_of_its_own(document):
    rows = [Row.of("a page", [1.0, 2.0, 9.0], "ms", p95=8.5, target="p95 ≤ 9 ms", met=True), Row.of("b", [3.0], "ms")]
    text = written(document, Table("one", "Said.", rows))
    assert "| what | median | p95 | spread | ratio | target | met |\n|---|---:|---:|---:|---:|---:|---|" in text
    assert "| a page | 2 ms | 8.5 ms | 1 to 9 |  | p95 ≤ 9 ms | yes |" in text
    assert "| b | 3 ms |  | 3 to 3 |  |  |  |" in text


def test_a_benchmark_that_could_not_measure_says_why_and_draws_nothing(document):
    text = written(document, Table("one", "Not measured here."))
    assert "Not measured here." in text
    assert "![" not in text


def test_without_the_means_for_a_second_host_the_reason_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoHosts, match="iproute2"), hosts(2):
        pass

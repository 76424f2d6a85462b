"""What every benchmark prints and leaves behind: a table, its plot, and the ratios that `bench.quick` compares with."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

PROJECT = Path(__file__).resolve().parent.parent
DOCUMENT = PROJECT / "docs/performance.md"
IMAGES = PROJECT / "docs/images"
RECORDED = PROJECT / "bench/recorded"


@dataclass(frozen=True)
class Row:
    """One figure of a table.

    Args:
        figure: the median, in `unit`.
        least, most: the spread of the rounds.
        p95: what 95 of 100 rounds stayed below, where a target is about that.
        ratio: the figure to the limit that was measured in the same run; what is compared from run to run.
        target: as it is read: "≥ 0.50", "≤ 20 µs"; empty for a row that only others are compared with.
        met: whether the target is met; None without one.
        higher_is_better: of the ratio.
    """

    name: str
    figure: float
    unit: str
    least: float
    most: float
    ratio: float | None = None
    target: str = ""
    met: bool | None = None
    higher_is_better: bool = True
    p95: float | None = None

    @classmethod
    def of(cls, name: str, rounds: Sequence[float], unit: str, **more: Any) -> Row:
        """The median and spread of the figures of some rounds."""
        return cls(name, statistics.median(rounds), unit, min(rounds), max(rounds), **more)

    def line(self, *, with_p95: bool = False) -> str:
        ratio = "" if self.ratio is None else f"{self.ratio:.2f} ×"
        met = "" if self.met is None else "yes" if self.met else "**no**"
        spread = f"{_readable(self.least)} to {_readable(self.most)}"
        cells = [self.name, f"{_readable(self.figure)} {self.unit}", spread, ratio, self.target, met]
        if with_p95:
            cells.insert(2, "" if self.p95 is None else f"{_readable(self.p95)} {self.unit}")
        return f"| {' | '.join(cells)} |"


@dataclass
class Table:
    """The figures of one benchmark.

    Args:
        name: of the module in `bench/`, which is the section of docs/performance.md too.
        said: sentences above the table: sizes, number of rounds.
    """

    name: str
    said: str
    rows: list[Row] = field(default_factory=list)

    def __str__(self) -> str:
        with_p95 = any(row.p95 is not None for row in self.rows)
        head = "| what | median | spread | ratio | target | met |\n|---|---:|---:|---:|---:|---|"
        if with_p95:
            head = head.replace("| spread |", "| p95 | spread |").replace("|---|---:|", "|---|---:|---:|", 1)
        lines = (row.line(with_p95=with_p95) for row in self.rows)
        return "\n".join([self.said, f"Measured on {_machine()}.", "", head, *lines])

    def ratios(self) -> dict[str, dict[str, Any]]:
        return {
            row.name: {"ratio": round(row.ratio, 4), "higher_is_better": row.higher_is_better}
            for row in self.rows
            if row.ratio is not None
        }


def parser(description: str | None) -> argparse.ArgumentParser:
    """The options that all benchmarks know."""
    found = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--quick", action="store_true", help="few rounds, small tables: for comparing ratios only")
    found.add_argument("--docs", action="store_true", help="write the table and its plot into the documentation")
    found.add_argument("--json", type=Path, help="write the ratios into this file")
    return found


def publish(table: Table, options: argparse.Namespace) -> None:
    """Print the table; write what the options say."""
    print(f"{table}\n")
    if options.json:
        options.json.write_text(json.dumps(table.ratios(), indent=2) + "\n")
    if options.docs:
        plot = f"\n\n![{table.name}]({_plot(table).relative_to(DOCUMENT.parent)})" if table.rows else ""
        splice(f"bench/{table.name}.py", f"{table}{plot}")


def splice(section: str, text: str) -> None:
    """Put a text between the markers of its section in docs/performance.md.

    Raises:
        ValueError: the document has no such markers.
    """
    begin, end = f"<!-- begin {section} -->", f"<!-- end {section} -->"
    before, found, rest = DOCUMENT.read_text().partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise ValueError(f"docs/performance.md has no {begin} with its end")
    DOCUMENT.write_text(f"{before}{begin}\n{text}\n{end}{after}")


def _plot(table: Table) -> Path:
    """A bar per row that has a ratio, or per row when none has."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    rows = [row for row in table.rows if row.ratio is not None] or table.rows
    values = [row.figure if row.ratio is None else row.ratio for row in rows]
    mpl.rcParams["svg.hashsalt"] = table.name  # the same table makes the same file
    figure = Figure(figsize=(8, 0.6 + 0.4 * len(rows)), layout="constrained")
    axes = figure.subplots()
    colours = {None: "#8a94a6", True: "#2e7d4f", False: "#b3392f"}
    bars = axes.barh([row.name for row in rows], values, color=[colours[row.met] for row in rows])
    axes.bar_label(bars, [_readable(value) for value in values], padding=3, fontsize=8)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(rows[0].unit if rows[0].ratio is None else "ratio to the limit of the same run")
    path = IMAGES / f"bench-{table.name}.svg"
    figure.savefig(path, metadata={"Date": None, "Title": f"bench/{table.name}.py"})
    told = "; ".join(f"{row.name}: {_readable(value)}" for row, value in zip(rows, values, strict=True))
    described = path.read_text().replace("</title>", f"</title>\n <desc>{escape(told)}</desc>", 1)
    path.write_text(described)
    return path


def _machine() -> str:
    import django
    import psycopg

    versions = f"Python {platform.python_version()}, Django {django.__version__}, psycopg {psycopg.__version__}"
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{os.cpu_count()} cores ({platform.machine()}), {versions}, load {load}, {datetime.date.today()}"


def _readable(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"

"""Has anything become slower? The short forms of the benchmarks against what was recorded: `make bench-quick`.

    python -m config.embedded --temporary -- python -m bench.quick [--record]

Compares ratios to limits of the same run and never times, so that neither a slower machine nor a busy one is a finding.
A benchmark whose ratio fell by more than a third runs once more: what is worse twice is worse. Exit code 1 then.
`--record` runs each three times and keeps the ratios in the middle.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import redis

from bench.databases import Databases
from bench.report import PROJECT, RECORDED

BENCHMARKS = ("submit", "policy", "life", "history", "backfill")
FILE = RECORDED / "quick.json"
MOST_WORSE = 1.5
TIMES_RECORDED = 3
Ratios = dict[str, dict[str, Any]]
Measure = Callable[[str], Ratios]


class Runs:
    """Runs of the short forms, each with a database and a cache that nobody has used."""

    def __init__(self) -> None:
        self._databases, self._number = Databases(), 0

    def __call__(self, module: str) -> Ratios:
        """The ratios of a benchmark.

        Raises:
            SystemExit: it failed.
        """
        self._number += 1
        with redis.from_url(os.environ["CELERY_BROKER_URL"]) as broker:
            broker.flushall()
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / "ratios.json"
            command = [sys.executable, "-m", f"bench.{module}", "--quick", "--json", str(file)]
            environment = {**os.environ, "DATABASE_URL": self._databases.fresh(f"quick_{self._number}")}
            if subprocess.run(command, cwd=PROJECT, env=environment, check=False).returncode:
                raise SystemExit(f"bench.{module} --quick failed")
            ratios: Ratios = json.loads(file.read_text())
            return ratios


def record(measure: Measure) -> None:
    """Keep the ratios of this machine's today as what later ones are compared with."""
    found = {module: _middle([measure(module) for _ in range(TIMES_RECORDED)]) for module in BENCHMARKS}
    FILE.write_text(json.dumps(found, indent=2) + "\n")


def _middle(found: Sequence[Ratios]) -> Ratios:
    return {
        name: {**row, "ratio": statistics.median(one[name]["ratio"] for one in found)} for name, row in found[0].items()
    }


def worse(recorded: Ratios, now: Ratios) -> list[str]:
    """The rows whose ratio fell by more than a third, or that are measured no longer, each with both ratios."""
    found = []
    for name, was in recorded.items():
        if name not in now:
            found.append(f"{name}: {was['ratio']:.2f} was recorded, and it is measured no longer")
            continue
        before, after = was["ratio"], now[name]["ratio"]
        fell = before / after if was["higher_is_better"] else after / before
        if fell > MOST_WORSE:
            found.append(f"{name}: {before:.2f} was recorded, {after:.2f} now")
    return found


def compare(recorded: dict[str, Ratios], measure: Measure) -> None:
    """Measure everything that is recorded.

    Raises:
        SystemExit: what became worse, measured twice.
    """
    found = []
    for module, ratios in recorded.items():
        if worse(ratios, measure(module)):
            found += [f"bench.{module}: {line}" for line in worse(ratios, measure(module))]
    if found:
        raise SystemExit("slower than recorded:\n" + "\n".join(found))


def main() -> None:
    if "--record" in sys.argv[1:]:
        record(Runs())
        return
    compare(json.loads(FILE.read_text()), Runs())
    print("no ratio fell by more than a third")


if __name__ == "__main__":
    main()

"""Has anything become slower? The short forms of the benchmarks against what was recorded: `make bench-quick`.

    python -m bench.quick [--record]

Compares ratios to limits of the same run and never times, so that a slower machine is no finding. A benchmark whose
ratio fell by more than a third runs once more: what is worse twice is worse. Exit code 1 then.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.report import RECORDED

BENCHMARKS = ("submit", "policy")
FILE = RECORDED / "quick.json"
MOST_WORSE = 1.5
Ratios = dict[str, dict[str, Any]]


def measured(module: str) -> Ratios:
    """The ratios of the short form of a benchmark.

    Raises:
        SystemExit: it failed.
    """
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "ratios.json"
        if run(module, ["--quick", "--json", str(file)]):
            raise SystemExit(f"bench.{module} --quick failed")
        ratios: Ratios = json.loads(file.read_text())
        return ratios


def record() -> None:
    """Keep the ratios of this machine's today as what later ones are compared with."""
    RECORDED.mkdir(exist_ok=True)
    FILE.write_text(json.dumps({module: measured(module) for module in BENCHMARKS}, indent=2) + "\n")


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


def compare() -> list[str]:
    """What became worse, measured twice.

    Raises:
        SystemExit: nothing was recorded yet.
    """
    if not FILE.exists():
        raise SystemExit("nothing is recorded to compare with: `make bench` records it")
    recorded: dict[str, Ratios] = json.loads(FILE.read_text())
    found = []
    for module, ratios in recorded.items():
        if worse(ratios, measured(module)):
            found += [f"bench.{module}: {line}" for line in worse(ratios, measured(module))]
    return found


def run(module: str, arguments: Sequence[str]) -> int:
    """The exit code of `python -m bench.MODULE` with a PostgreSQL and a Valkey of its own."""
    python = sys.executable
    command = [python, "-m", "config.embedded", "--temporary", "--", python, "-m", f"bench.{module}", *arguments]
    return subprocess.run(command, check=False).returncode


def main() -> None:
    if "--record" in sys.argv[1:]:
        record()
        return
    if found := compare():
        raise SystemExit("slower than recorded:\n" + "\n".join(found))
    print("no ratio fell by more than a third")


if __name__ == "__main__":
    main()

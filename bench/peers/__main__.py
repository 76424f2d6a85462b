"""How many lives a second other engines make of the same work, against ours: decided, called and recorded.

    python -m config.embedded --temporary -- python -m bench.peers [--docs] [--json FILE]

Each peer runs in an environment of its own, built from its pinned requirements below ~/.cache/goodwill-peers the first
time. What cannot be built is named and left out. Ours is the engine with every rule, guard and trigger: decisions by
`services.decide` here, executions by one Celery worker of four threads.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Sequence
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["INTOUCH_ALLOW_LOOPBACK"] = "1"
os.environ["LOG_LEVEL"] = "ERROR"

from bench.databases import tidy
from bench.engine import Engine
from bench.life_sides import Ours, stub
from bench.processes import running
from bench.report import Row, Table, parser, publish

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "goodwill-peers"
# What ours is to be faster by.
TARGETS = {"procrastinate": 1.5, "spiffworkflow": 1.5, "django_viewflow": 3.0, "dbos": 5.0}


def main() -> None:
    options = parser(__doc__).parse_args()
    rounds, lives = (2, 40) if options.quick else (3, 150)
    peers = {name: python for name in TARGETS if (python := environment_of(name)) is not None}
    table = Table("peers", f"{rounds} rounds of {lives} lives each, one engine after the other in every round.")
    table.said += "".join(f" The environment of {name} could not be built here." for name in TARGETS.keys() - peers)
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    with stub() as port:
        table.rows += measured(Engine(port), peers, port, rounds, lives)
    publish(table, options)


def environment_of(peer: str) -> Path | None:
    """The Python of a peer's environment, built if it is not there yet; None where that fails."""
    requirements, home = HERE / peer / "requirements.txt", CACHE / peer
    built = home / "built-from.txt"
    if built.exists() and built.read_text() == requirements.read_text():
        return home / "bin/python"
    venv.create(home, with_pip=True, clear=True)
    install = [home / "bin/python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", requirements]
    if subprocess.run(install, check=False).returncode:
        print(f"the environment of {peer} cannot be built; it is left out", file=sys.stderr)
        return None
    built.write_text(requirements.read_text())
    return home / "bin/python"


def measured(engine: Engine, peers: dict[str, Path], port: int, rounds: int, lives: int) -> list[Row]:
    """Lives per second of ours and of each peer, in turn."""
    found: dict[str, list[float]] = {name: [] for name in ("ours", *peers)}
    engine.furnish((rounds + 1) * lives)
    worker = [sys.executable, "-m", "celery", "--app", "config", "worker", "--pool", "threads", "--concurrency", "4"]
    with running([*worker, "--without-gossip", "--without-mingle", "--loglevel", "ERROR"]):
        ours = engine.ours()
        _our_rate(engine, ours, lives)  # warms
        tidy()
        for _ in range(rounds):
            found["ours"].append(_our_rate(engine, ours, lives))
            for name, python in peers.items():
                found[name].append(_rate_of(name, python, port, lives))
    rows = [Row.of("ours", found.pop("ours"), "lives/s")]
    return rows + [_row(name, rates, rows[0].figure) for name, rates in found.items()]


def _row(name: str, rates: Sequence[float], ours: float) -> Row:
    ratio, target = ours / statistics.median(rates), TARGETS[name]
    met = ratio >= target
    return Row.of(f"{name} (ratio: ours to it)", rates, "lives/s", ratio=ratio, target=f"≥ {target}", met=met)


def _our_rate(engine: Engine, ours: Ours, lives: int) -> float:
    before, started = ours.credited(), time.perf_counter()
    engine.decide(lives)
    ours.wait_for_credits(before + lives)
    return lives / (time.perf_counter() - started)


def _rate_of(name: str, python: Path, port: int, lives: int) -> float:
    command = [python, HERE / name / "life.py", os.environ["DATABASE_URL"], f"http://127.0.0.1:{port}", str(lives)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    return lives / float(json.loads(done.stdout)["seconds"])


if __name__ == "__main__":
    main()

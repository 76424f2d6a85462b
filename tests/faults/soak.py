"""`make soak`: a load over HTTP while everything is being killed, and then the books are compared.

`python -m tests.faults.soak --requests 2000 --makers 8 --workers 4 --seconds 300 --seed 1`

It starts a PostgreSQL, a Valkey, two sandboxes of Intouch (one organisation asks again after an unknown outcome, the
other looks up), web, beats and workers of its own, on this machine alone, and ends them. The load is spread over two
fifths of the seconds; all of it ends by itself within about the seconds given. Exit code 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.faults import oracle
from tests.faults.load import Load
from tests.faults.monkey import Cast, Monkey
from tests.faults.service import BEAT, CELERY, WORKER, Service

LOAD_SHARE = 0.4
CHAOS_SHARE = 0.65
FREEZE_SECONDS = 6.0
BEATS, WEBS = 2, 2
SHOWN = 5


def main(arguments: list[str] | None = None) -> int:
    options = _parse(arguments)
    deadline = time.monotonic() + options.seconds
    with ExitStack() as stack:
        directory = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="goodwill-soak-", ignore_cleanup_errors=True)
        )
        service = Service(Path(directory), stack)
        monkey = Monkey(service, _cast(service, options.workers), seed=options.seed, freeze_seconds=FREEZE_SECONDS)
        load = _run_load(service, monkey, options, deadline)
        settled = _settle(service, deadline)
        verdict = oracle.judge(service, load.requests)
    print(_line(options, load, monkey, verdict))
    print(_words(load, monkey, verdict, settled))
    return 0 if verdict.is_good and not load.complaints and _other_errors(load) == 0 else 1


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--makers", type=int, default=8)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=300, help="bound of the whole run (default: %(default)s)")
    parser.add_argument("--load-seconds", type=float, help="spread the load over so many (default: two fifths)")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    return parser.parse_args(arguments)


def _cast(service: Service, workers: int) -> Cast:
    """Processes started as in production, from nothing each time."""
    return Cast(
        workers=[service.process("worker", [*CELERY, *WORKER]) for _ in range(workers)],
        beats=[service.process("beat", [*CELERY, *BEAT]) for _ in range(BEATS)],
        webs=[service.web() for _ in range(WEBS)],
    )


def _run_load(service: Service, monkey: Monkey, options: argparse.Namespace, deadline: float) -> Load:
    """Until everything is submitted and decided, or nearly all of the time is over."""
    left = deadline - time.monotonic()
    spread = options.load_seconds or left * LOAD_SHARE
    load = Load(service, requests_=options.requests, makers=options.makers, seed=options.seed, seconds=spread)
    load.start()
    try:
        calm_at = time.monotonic() + min(left * CHAOS_SHARE, spread * 2)
        while not load.is_over() and time.monotonic() < deadline - 5:
            if time.monotonic() < calm_at:
                monkey.step()
            else:
                monkey.calm()
            time.sleep(0.05)
    finally:
        load.end()
    monkey.calm()
    return load


def _settle(service: Service, deadline: float) -> float:
    """Wait for the sweeps to bring everything home; the seconds that it took."""
    began = time.monotonic()
    while service.sql(oracle.OPEN)[0][0] and time.monotonic() < deadline:
        time.sleep(0.2)
    return time.monotonic() - began


def _other_errors(load: Load) -> int:
    """Errors of ours: 503 says honestly that the database is away, the others say nothing."""
    return sum(count for status, count in load.statuses.items() if status >= 500 and status != 503)


def _line(options: argparse.Namespace, load: Load, monkey: Monkey, verdict: oracle.Verdict) -> str:
    fifth = sum(count for status, count in load.statuses.items() if status >= 500)
    p50, p99 = (oracle.percentile(verdict.settle_seconds, share) for share in (0.5, 0.99))
    return (
        f"N={options.requests} seed={options.seed} faults={monkey.acts.total()}+{load.faults_ordered} | "
        f"lost={len(verdict.lost)} duplicated={len(verdict.duplicated) + verdict.repeated_calls} "
        f"stuck={len(verdict.stuck)} unknown-waiting={len(verdict.unknown_waiting)} disagree={len(verdict.disagree)} | "
        f"settle p50/p99={p50:.2f}/{p99:.2f}s max request ms={max(load.durations, default=0) * 1000:.0f} 5xx={fifth}"
    )


def _words(load: Load, monkey: Monkey, verdict: oracle.Verdict, settled: float) -> str:
    unavailable = load.statuses[503]
    lines = [
        f"credits per approved request (must be 1): {_spread(verdict.credits_of_approved)}",
        f"credits for any other request (must be 0): {_spread(verdict.credits_of_others)}",
        f"requests lost (must be 0): {len(verdict.lost)}",
        f"requests stuck (must be 0): {len(verdict.stuck)}",
        f"waiting for a person with an unknown outcome: {len(verdict.unknown_waiting)}",
        f"calls for a reference already credited, where the policy looks up (must be 0): {verdict.repeated_calls}",
        f"answers 5xx: {unavailable} of them 503 with Retry-After, {_other_errors(load)} others (must be 0); "
        f"connections that broke: {load.failures}",
        f"everything at rest {settled:.1f} s after the load; answers p50/p99 "
        f"{oracle.percentile(load.durations, 0.5) * 1000:.0f}/{oracle.percentile(load.durations, 0.99) * 1000:.0f} ms",
        f"the monkey: {', '.join(f'{name} {times}x' for name, times in sorted(monkey.acts.items()))}",
    ]
    found = {
        "lost": verdict.lost, "duplicated": verdict.duplicated, "stuck": verdict.stuck,
        "disagree": verdict.disagree, "broken words": verdict.broken_words, "complaints": load.complaints,
    }  # fmt: skip
    lines += [f"{name}: {len(items)}, e.g. {items[:SHOWN]}" for name, items in found.items() if items]
    return "\n".join(lines)


def _spread(counts: dict[int, int]) -> str:
    """How many requests were credited how often."""
    return ", ".join(f"{credited} for {times} requests" for credited, times in sorted(counts.items())) or "none"


if __name__ == "__main__":
    sys.exit(main())

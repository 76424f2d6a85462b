"""Every benchmark, each on servers of its own, one after the other: `make bench`.

Writes docs/performance.md with its plots, and bench/recorded/quick.json, which `make bench-quick` compares with.
"""

from __future__ import annotations

import time

from bench import quick

BENCHMARKS = ("submit", "life", "policy", "history", "desk", "backfill", "memory", "peers")


def main() -> None:
    failed = []
    for module in BENCHMARKS:
        print(f"== bench.{module}", flush=True)
        started = time.monotonic()
        if quick.run(module, ["--docs"]):
            failed.append(module)
        print(f"== bench.{module}: {time.monotonic() - started:.0f} s", flush=True)
    quick.record()
    if failed:
        raise SystemExit(f"no figures of {', '.join(failed)}")


if __name__ == "__main__":
    main()

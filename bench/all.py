"""Every benchmark, each on servers of its own, one after the other: `make bench`.

Writes docs/performance.md with its plots, and says which targets are met and why the others are not. What
`make bench-quick` compares with is recorded apart, by who means it:
`python -m config.embedded --temporary -- python -m bench.quick --record`.
"""

from __future__ import annotations

import subprocess
import sys
import time

# Within a quarter of an hour: what takes longer with more rows has fewer here; docs/performance.md names the command
# for more of them.
BENCHMARKS: dict[str, tuple[str, ...]] = {
    "submit": (),
    "profile": (),
    "life": (),
    "policy": (),
    "history": (),
    "desk": (),
    "backfill": ("--rows", "200000"),
    "memory": ("--rows", "40000", "--requests", "30000", "--submissions", "600", "--decisions", "600"),
    "growth": ("--rows", "100000"),
    "two_hosts": (),
    "peers": (),
}


def run(module: str, *arguments: str) -> int:
    """The exit code of `python -m bench.MODULE` with a PostgreSQL and a Valkey of its own."""
    python = sys.executable
    command = [python, "-m", "config.embedded", "--temporary", "--", python, "-m", f"bench.{module}", *arguments]
    print(f"== bench.{module}", flush=True)
    started = time.monotonic()
    code = subprocess.run(command, check=False).returncode
    print(f"== bench.{module}: {time.monotonic() - started:.0f} s", flush=True)
    return code


def main() -> None:
    failed = [module for module, sizes in BENCHMARKS.items() if run(module, "--docs", *sizes)]
    if failed:
        raise SystemExit(f"no figures of {', '.join(failed)}")
    raise SystemExit(subprocess.run([sys.executable, "-m", "bench.verdict", "--docs"], check=False).returncode)


if __name__ == "__main__":
    main()

"""The clock by which a process knows how long it has held a lease: one that goes on while its host is asleep."""

from __future__ import annotations

import time

# Linux only; elsewhere a host that slept may believe in its lease for too long, and the fencing token has to do.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now() -> float:
    """Seconds, from an arbitrary beginning."""
    return time.clock_gettime(_CLOCK)

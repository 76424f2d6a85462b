"""Several ways to do something, a little of each in turn: what they cost in CPU, and how they stand to each other.

Slices are short and follow each other at once, so that whatever else the machine does meets all of them; a ratio is
made of slices that lie beside each other, and its median is steady where times are not.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from bench.databases import tidy

Act = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Way:
    """`times`: how often in one slice; so chosen that the slices of all ways take about as long."""

    act: Act
    times: int


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one way, slice by slice, and act by act.

    Args:
        cpu: microseconds per act, of this process and the database.
        own: those of this process alone.
        waits: milliseconds that each act took.
    """

    cpu: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def add(self, other: Cost) -> None:
        self.cpu.extend(other.cpu)
        self.own.extend(other.own)
        self.waits.extend(other.waits)

    @property
    def p95(self) -> float:
        return sorted(self.waits)[int(len(self.waits) * 0.95)]


class Meter:
    """Nanoseconds of CPU of this process with all its threads, and of the sessions that its database has."""

    def __init__(self) -> None:
        self._connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)

    def _sessions(self) -> list[int]:
        """Without the meter's own, and without those of other databases."""
        query = """SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                   AND backend_type = 'client backend'"""
        return [pid for (pid,) in self._connection.execute(query).fetchall()]

    def spent(self, act: Act) -> tuple[int, int]:
        """What an act costs this process, and the sessions; one that it opens is among them."""
        sessions = sum(map(_cpu_of, self._sessions()))
        own = time.process_time_ns()
        act()
        own = time.process_time_ns() - own
        return own, sum(map(_cpu_of, self._sessions())) - sessions


def _cpu_of(process: int) -> int:
    """Of a process with one thread, as exactly as the kernel knows it."""
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[0])


def slice_of(meter: Meter, way: Way) -> Cost:
    """One slice of a way."""
    cost = Cost()

    def act() -> None:
        for _ in range(way.times):
            started = time.perf_counter()
            way.act()
            cost.waits.append((time.perf_counter() - started) * 1000)

    own, sessions = (nanoseconds / way.times / 1000 for nanoseconds in meter.spent(act))
    cost.own.append(own)
    cost.cpu.append(own + sessions)
    return cost


def in_turn(ways: Mapping[str, Way], slices: int) -> dict[str, Cost]:
    """What each way costs; the first slice of each is not counted."""
    meter = Meter()
    found = {name: Cost() for name in ways}
    for number in range(slices + 1):
        order = list(ways) if number % 2 else list(reversed(ways))  # nobody is always the one who comes first
        for name in order:
            cost = slice_of(meter, ways[name])
            if number:
                found[name].add(cost)
        if not number:
            tidy()
    return found


def ratio(one: Cost, other: Cost) -> float:
    """The median of the ratios of slices that lie beside each other."""
    return statistics.median(mine / theirs for mine, theirs in zip(one.cpu, other.cpu, strict=True))

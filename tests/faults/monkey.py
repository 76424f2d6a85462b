"""The monkey of the soak: kills, freezes, empties and restarts parts of the service, as its seed says."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
import redis

from tests.faults.killable import Process
from tests.faults.service import Service

GAP_SECONDS = (1.0, 5.0)
DEAD_SECONDS = (0.2, 3.0)
TERMINATE = """SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
               WHERE application_name = 'goodwill' AND random() < %s"""


@dataclass
class Cast:
    """Who can be hurt."""

    workers: list[Process]
    beats: list[Process]
    webs: list[Process]


class Monkey:
    """Acts in the thread that calls `step`; the processes that it starts again live as long as that thread."""

    def __init__(self, service: Service, cast: Cast, *, seed: int, freeze_seconds: float) -> None:
        self._service, self._cast, self._freeze_seconds = service, cast, freeze_seconds
        self._chance = random.Random(f"monkey-{seed}")
        self._later: list[tuple[float, Callable[[], object]]] = []
        self._next = time.monotonic() + 1
        self.acts: Counter[str] = Counter()
        weights: dict[Callable[[], str | None], int] = {
            self._kill_worker: 6, self._freeze_worker: 3, self._flush_broker: 3, self._crash_broker: 2,
            self._crash_database: 2, self._cut_backends: 4, self._kill_web: 2, self._kill_beat: 1,
        }  # fmt: skip
        self._possible = [act for act, weight in weights.items() for _ in range(weight)]
        self._chance.shuffle(self._possible)

    def step(self) -> None:
        """Do what is due; return soon."""
        self._undo(time.monotonic())
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._chance.uniform(*GAP_SECONDS)
        # Every kind of act comes before one comes again as often: even a short run meets most of them.
        act = self._possible.pop(0)
        self._possible.append(act)
        name = act()
        if name is not None:
            self.acts[name] += 1

    def calm(self) -> None:
        """Stop, and see to it that everything lives again."""
        self._undo(float("inf"))
        for process in (*self._cast.workers, *self._cast.beats, *self._cast.webs):
            process.signal(signal.SIGCONT)
            if not process.is_alive:
                process.start()

    def _undo(self, now: float) -> None:
        due = sorted((entry for entry in self._later if entry[0] <= now), key=lambda entry: entry[0])
        self._later = [entry for entry in self._later if entry[0] > now]
        for _, act in due:
            act()

    def _after(self, seconds: float, act: Callable[[], object]) -> None:
        self._later.append((time.monotonic() + seconds, act))

    def _kill(self, processes: list[Process], name: str) -> str | None:
        """One that lives; it is started again after a while."""
        alive = [process for process in processes if process.is_alive]
        if not alive:
            return None
        victim = self._chance.choice(alive)
        victim.kill()
        self._after(self._chance.uniform(*DEAD_SECONDS), victim.start)
        return name

    def _kill_worker(self) -> str | None:
        return self._kill(self._cast.workers, "worker killed")

    def _kill_web(self) -> str | None:
        return self._kill(self._cast.webs, "web killed")

    def _kill_beat(self) -> str | None:
        return self._kill(self._cast.beats, "beat killed")

    def _freeze_worker(self) -> str | None:
        """For longer than a lease: it wakes up with a claim that somebody else has taken over."""
        alive = [worker for worker in self._cast.workers if worker.is_alive]
        if not alive:
            return None
        victim = self._chance.choice(alive)
        victim.signal(signal.SIGSTOP)
        self._after(self._freeze_seconds, lambda: victim.signal(signal.SIGCONT))
        return "worker frozen"

    def _flush_broker(self) -> str | None:
        try:
            self._service.broker.flushdb()
        except redis.RedisError:
            return None
        return "broker flushed"

    def _crash_broker(self) -> str | None:
        if not self._service.valkey.is_alive:
            return None
        self._service.valkey.crash(empty=True)
        self._after(self._chance.uniform(*DEAD_SECONDS), self._service.valkey.start)
        return "broker killed and emptied"

    def _crash_database(self) -> str | None:
        if not self._service.postgres.is_alive:
            return None
        self._service.postgres.crash()
        self._after(self._chance.uniform(*DEAD_SECONDS), self._service.postgres.start)
        return "database crashed"

    def _cut_backends(self) -> str | None:
        try:
            self._service.sql(TERMINATE, self._chance.choice([0.3, 1.0]))
        except psycopg.OperationalError:
            return None
        return "database connections cut"

"""The load of the soak: makers and checkers over HTTP who repeat what was not answered, and note what was.

What they were told is what the oracle holds the service to.
"""

from __future__ import annotations

import itertools
import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import requests

from tests.faults.clients import Client
from tests.faults.service import Service

CHECKERS, WINDOWS = 3, 4  # each checker has several windows open
PAUSE_SECONDS = (0.1, 0.6)
WAITING_SHARE = 0.1
# Of the first call for a reference and of each later one, so that repeated calls meet faults too.
CALL_FAULTS: dict[str, tuple[float, dict[str, object]]] = {
    "503": (0.08, {}),
    "drop-after-credit": (0.06, {}),
    "503-after-credit": (0.04, {}),
    "late-answer": (0.02, {"delay": 2.0}),
    "429": (0.02, {"retryAfter": 1}),
    "drop-before-credit": (0.03, {}),
    "late-credit": (0.01, {"delay": 1.0}),
    "cut-body": (0.01, {}),
}
LOOK_UP_FAULTS = {"503": 0.05, "drop-before-credit": 0.05, "garbage": 0.03}
PLANS = {"approve": 0.80, "reject": 0.10, "leave": 0.05, "contest": 0.05}


@dataclass
class Told:
    """One request as its clients know it."""

    reference: str
    plan: str
    points: int
    customer: int
    organisation: int
    request_id: str | None = None
    decisions: list[str] = field(default_factory=list)
    """Decisions that were answered with 200."""
    tried: list[str] = field(default_factory=list)
    """Decisions that were sent at all: one of them may have been taken although its answer was lost."""


class Load:
    """So many requests, evenly spread over so many seconds; `requests` has one entry for each that was begun."""

    def __init__(self, service: Service, *, requests_: int, makers: int, seed: int, seconds: float) -> None:
        self._service, self._seed, self._makers = service, seed, makers
        self._interval = seconds / requests_
        self._numbers = iter(range(requests_))
        self._guard = threading.Lock()
        self._to_decide: queue.Queue[tuple[Told, str] | None] = queue.Queue()
        self._give_up = threading.Event()
        self._began = 0.0
        self.requests: list[Told] = []
        self.complaints: list[str] = []
        self.statuses: Counter[int] = Counter()
        self.failures = 0
        self.faults_ordered = 0
        self.durations: list[float] = []

    def start(self) -> None:
        self._began = time.monotonic()
        self._makers_left = [threading.Thread(target=self._make, args=(n,)) for n in range(self._makers)]
        self._checkers = [threading.Thread(target=self._check, args=(n,)) for n in range(CHECKERS * WINDOWS)]
        for thread in self._makers_left + self._checkers:
            thread.start()

    def is_over(self) -> bool:
        """Whether everything was submitted and decided."""
        return not any(thread.is_alive() for thread in self._makers_left) and not self._to_decide.unfinished_tasks

    def end(self) -> None:
        """Give up what is still being tried, and wait for the threads."""
        if undone := self._to_decide.unfinished_tasks + sum(1 for _ in self._numbers):
            self.complaints.append(f"{undone} submissions or decisions were not done in time")
        self._give_up.set()
        for _ in self._checkers:
            self._to_decide.put(None)
        for thread in self._makers_left + self._checkers:
            thread.join()

    def _make(self, maker: int) -> None:
        clients = [self._service.client("maker", maker % 4, organisation=each) for each in range(2)]
        while not self._give_up.is_set():
            with self._guard:
                number = next(self._numbers, None)
            if number is None:
                return
            self._give_up.wait(max(0.0, self._began + number * self._interval - time.monotonic()))
            self._make_one(clients, number)

    def _make_one(self, clients: list[Client], number: int) -> None:
        chance = random.Random(f"{self._seed}-{number}")
        told = Told(
            reference=f"soak-{self._seed}-{number}", plan=_draw(chance, PLANS), points=1 + number % 500,
            customer=1000 + number, organisation=number % 2,
        )  # fmt: skip
        self._order_faults(told, chance)
        self.requests.append(told)
        client = clients[told.organisation]
        answer = self._insist(
            lambda: client.submit(told.reference, points=told.points, earningEntityId=told.customer), chance
        )
        if answer is None:
            self.complaints.append(f"{told.reference}: its submission was never answered")
        elif answer.status_code != 200:
            self.complaints.append(f"{told.reference}: submission {answer.status_code} {answer.text[:200]}")
        else:
            told.request_id = answer.json()["data"]["requestId"]
            self._plan(told, chance)

    def _plan(self, told: Told, chance: random.Random) -> None:
        decisions = {"approve": ["approved"], "reject": ["rejected"], "leave": [], "contest": ["approved", "rejected"]}
        wanted = decisions[told.plan]
        chance.shuffle(wanted)
        for decision in wanted:
            self._to_decide.put((told, decision))

    def _check(self, checker: int) -> None:
        chance = random.Random(f"{self._seed}-checker-{checker}")
        clients = [self._service.client("checker", checker % CHECKERS, organisation=each) for each in range(2)]
        while (item := self._to_decide.get()) is not None:
            if not self._give_up.is_set():
                self._check_one(clients[item[0].organisation], *item, chance)
            self._to_decide.task_done()

    def _check_one(self, client: Client, told: Told, decision: str, chance: random.Random) -> None:
        assert told.request_id is not None
        request_id, sent = told.request_id, itertools.count()
        told.tried.append(decision)
        prefer = "wait=1" if chance.random() < WAITING_SHARE else "respond-async"

        def decide() -> requests.Response:
            next(sent)
            return client.decide(request_id, decision, prefer=prefer)

        answer = self._insist(decide, chance)
        repeated = next(sent) > 1
        if answer is None:
            self.complaints.append(f"{told.reference}: its decision was never answered")
        elif answer.status_code == 200:
            told.decisions.append(decision)
        elif answer.status_code != 409 or not (repeated or told.plan == "contest"):
            # 409 is right where an earlier try was taken without its answer, or where another checker was faster.
            self.complaints.append(f"{told.reference}: decision {answer.status_code} {answer.text[:200]}")

    def _insist(self, call: Callable[[], requests.Response], chance: random.Random) -> requests.Response | None:
        """Repeat until there is an answer below 500; None when the load was ended first."""
        while not self._give_up.is_set():
            began = time.monotonic()
            try:
                answer = call()
            except requests.RequestException:
                self.failures += 1
            else:
                self.durations.append(time.monotonic() - began)
                self.statuses[answer.status_code] += 1
                if answer.status_code == 503 and "Retry-After" not in answer.headers:
                    self.complaints.append("a 503 without Retry-After")
                if answer.status_code < 500:
                    return answer
            self._give_up.wait(chance.uniform(*PAUSE_SECONDS))
        return None

    def _order_faults(self, told: Told, chance: random.Random) -> None:
        sandbox = self._service.sandboxes[told.organisation]
        chances = {name: share for name, (share, _) in CALL_FAULTS.items()}
        while (fault := _draw(chance, chances)) is not None:
            sandbox.order(fault, referenceId=told.reference, **CALL_FAULTS[fault][1])
            self.faults_ordered += 1
        while (fault := _draw(chance, LOOK_UP_FAULTS)) is not None:
            sandbox.order(fault, referenceId=told.reference, lookup=True)
            self.faults_ordered += 1


def _draw(chance: random.Random, shares: dict[str, float]) -> str | None:
    """One of the names, each as often as its share; None for what is left to 1."""
    at = chance.random()
    for name, share in shares.items():
        at -= share
        if at < 0:
            return name
    return None

"""Letting several acts happen at the same instant, each on a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

WAIT_SECONDS = 60


class Rendezvous:
    """A point at which all racers wait for each other: between the look and the write of a naive act, say."""

    def __init__(self, racers: int) -> None:
        self._barrier = threading.Barrier(racers)

    def wait(self) -> None:
        self._barrier.wait(WAIT_SECONDS)


def race(*acts: Callable[[], Any]) -> list[Any]:
    """Run all acts at once, each in a thread; what each returned or raised, in the order given."""
    start = Rendezvous(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        try:
            start.wait()
            return act()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def failures(results: list[Any]) -> list[Exception]:
    return [result for result in results if isinstance(result, Exception)]


def successes(results: list[Any]) -> list[Any]:
    return [result for result in results if not isinstance(result, Exception)]

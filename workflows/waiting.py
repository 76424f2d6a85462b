"""Waiting a moment for the outcome of an approval, as clients of the incumbent expect, without letting it queue up."""

from __future__ import annotations

import threading
import time
from uuid import UUID

from django.conf import settings

from workflows.selectors import state_of
from workflows.states import QUEUED

MOST_SECONDS = 10.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.004, 0.1


class Waiters:
    """At most so many requests of this process wait; the next one does not, so that slow calls never stop the web."""

    def __init__(self, most: int) -> None:
        self._places = threading.BoundedSemaphore(most) if most else None

    def wait_for_end(self, request_id: UUID, seconds: float) -> None:
        """Return when the request has ended or waits for another checker, or after `seconds`.

        At once where every place is taken.
        """
        if seconds <= 0 or self._places is None or not self._places.acquire(blocking=False):
            return
        try:
            _poll(request_id, time.monotonic() + min(seconds, MOST_SECONDS))
        finally:
            self._places.release()


def _poll(request_id: UUID, deadline: float) -> None:
    pause = _FIRST_PAUSE
    while state_of(request_id) in QUEUED:
        left = deadline - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST_PAUSE)


waiters = Waiters(settings.DECISION_WAITERS)

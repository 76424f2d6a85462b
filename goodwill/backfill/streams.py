"""Two batches on their way at once, each on a connection of its own; they are stored in the order of the file.

While PostgreSQL looks up the keys of one batch, it takes the rows of the next: two sessions keep two cores busy where
one waits for Python in between.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import cycle
from types import TracebackType
from typing import Final, Self

from django.db import connection

from goodwill.backfill.rows import Batch
from goodwill.backfill.writing import Abandoned, Turn

_STREAMS: Final = 2
# How long a busy thread keeps Python to itself. Known rows come from PostgreSQL in many pieces, and for each a thread
# waits for the reader as long: with Python's own 5 ms, a run that knows every row took 1.4 times as long.
_SECONDS_AT_A_STRETCH: Final = 0.0005


class Streams:
    """Takes batch after batch; use as a context manager, which ends with nothing on its way.

    Args:
        write: stores a batch when its turn has come; called in other threads.
        place: where the import stands.
        goes_on: whether another batch is to be stored; asked after each.
    """

    def __init__(self, write: Callable[[Batch, Turn], None], place: int, goes_on: Callable[[], bool]) -> None:
        self._write, self._place, self._goes_on = write, place, goes_on
        self._threads = [ThreadPoolExecutor(1, thread_name_prefix="backfill") for _ in range(_STREAMS)]
        self._next = cycle(self._threads)
        self._under_way: list[tuple[Batch, Future[None]]] = []

    def __enter__(self) -> Self:
        self._usual_stretch = sys.getswitchinterval()
        sys.setswitchinterval(_SECONDS_AT_A_STRETCH)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for thread in self._threads:
            thread.submit(_give_connection_back)
        for thread in self._threads:
            thread.shutdown()
        sys.setswitchinterval(self._usual_stretch)

    def take(self, batch: Batch) -> bool:
        """Begin to write it, as soon as fewer are on their way and none of them touches what it touches.

        Returns:
            Whether it was taken; it is not where none is to be stored any more.
        """
        while len(self._under_way) >= _STREAMS or any(batch.touches(other) for other, _ in self._under_way):
            self._settle_first()
        if not self._goes_on():
            return False
        before = self._under_way[-1][1] if self._under_way else None
        turn = Turn(self._place, before, self._goes_on)
        self._under_way.append((batch, next(self._next).submit(self._write, batch, turn)))
        self._place = batch.position
        return True

    def settle(self) -> None:
        """Wait for whatever is on its way, and raise what one has failed with."""
        while self._under_way:
            self._settle_first()

    def _settle_first(self) -> None:
        _, written = self._under_way.pop(0)
        try:
            written.result()
        except Abandoned:
            # The one before has told why, if it failed; else none is to follow.
            return


def _give_connection_back() -> None:
    """That of the thread that calls this."""
    connection.close()

"""A worker that neither a message nor a broken broker can stop: the row is the truth, and a message is a hint.

Celery itself drops unknown tasks and odd content types, but ends at bytes that are no JSON, and at a body of another
shape it ends again and again, whenever the broker hands the message out anew. It also ends when it cleans up behind a
connection that broke while messages were unacknowledged.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

from celery.worker.consumer import Consumer
from kombu.transport import redis
from redis import Redis, exceptions

logger = logging.getLogger(__name__)

_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)


class TolerantChannel(redis.Channel):
    """What was lost on the way, a message or the connection, is told of as what it is.

    Commands go through one client per pool of connections: kombu builds one for every message, which takes longer than
    sending it. A client holds no connection, so threads may share it.
    """

    _kept_client: Redis | None = None

    @contextlib.contextmanager
    def conn_or_acquire(self, client: Redis | None = None) -> Iterator[Redis]:
        kept = client or self._kept_client
        if kept is None or (client is None and kept.connection_pool is not self.pool):
            kept = self._kept_client = self._create_client()  # type: ignore[attr-defined]  # not in the stubs
        yield kept

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        """Where to connect to.

        Raises:
            redis.exceptions.ConnectionError: the connection has been given up. Kombu raises an AttributeError then,
                which is no connection error to Celery and ends its worker.
        """
        if self.connection is None or self.connection.client is None:
            raise exceptions.ConnectionError("the connection to the broker has been given up")
        found: dict[str, Any] = super()._connparams(asynchronous=asynchronous)  # type: ignore[misc]  # not in the stubs
        return found

    def _brpop_read(self, **options: Any) -> bool | None:
        """Bytes that are no message were taken from the queue already; there is nothing to acknowledge."""
        try:
            taken: bool | None = super()._brpop_read(**options)  # type: ignore[misc]  # not in the stubs
            return taken
        except _UNREADABLE:
            logger.exception("bytes that are no message were dropped from the queue")
            return True


class TolerantTransport(redis.Transport):
    Channel = TolerantChannel


class TolerantConsumer(Consumer):
    """A message that cannot be handed to its task is rejected; left alone, it would keep one place of the worker."""

    def create_task_handler(self, *arguments: Any, **options: Any) -> Callable[[Any], Any]:
        handle = super().create_task_handler(*arguments, **options)

        def handle_or_reject(message: Any) -> Any:
            try:
                return handle(message)
            except _UNREADABLE:
                logger.exception("a message that cannot be read was dropped from the queue")
                return message.reject_log_error(logger, self.connection_errors)  # type: ignore[attr-defined]

        return handle_or_reject

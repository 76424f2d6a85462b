"""A worker that no message can stop: what cannot be read is logged and dropped, for the row is the truth.

Celery itself drops unknown tasks and odd content types, but ends at bytes that are no JSON, and at a body of another
shape it ends again and again, whenever the broker hands the message out anew.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from celery.worker.consumer import Consumer
from kombu.transport import redis

logger = logging.getLogger(__name__)

_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)


class TolerantChannel(redis.Channel):
    """Bytes that are no message were taken from the queue already; there is nothing to acknowledge."""

    def _brpop_read(self, **options: Any) -> bool | None:
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

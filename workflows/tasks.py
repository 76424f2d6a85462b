"""Thin Celery tasks: an id in, a service called. A message may come twice, late or never; none of it matters."""

from __future__ import annotations

import logging
from uuid import UUID

from celery import current_app, shared_task

from workflows import execution, queue

logger = logging.getLogger(__name__)

SWEEP_BATCH = 1000


@shared_task(name=queue.EXECUTE_TASK)
def execute(request_id: str) -> None:
    """Make at most one attempt at the request, if it is due and nobody else is at it."""
    try:
        wanted = UUID(request_id)
    except (ValueError, AttributeError, TypeError):
        logger.warning("a message without a request id was dropped")
        return
    execution.execute(wanted)


@shared_task(name="workflows.sweep")
def sweep() -> int:
    """Send hints for what is due and on nobody's way, unless the queue is full of hints already."""
    room = SWEEP_BATCH - queued_hints()
    return queue.publish(execution.due_ids(room)) if room > 0 else 0


def queued_hints() -> int:
    """How many messages wait in the broker: after a flush none, so that everything due is sent again at once."""
    with current_app.connection_or_acquire() as connection:
        return int(connection.default_channel.client.llen(current_app.conf.task_default_queue))

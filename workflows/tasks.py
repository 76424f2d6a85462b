"""Thin Celery tasks: an id in, a service called. A message may come twice, late or never; none of it matters."""

from __future__ import annotations

import logging
from uuid import UUID

from celery import shared_task

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
    """Send hints for what is due, on nobody's way and named by no message that waits; none to a queue that is full."""
    waiting, hinted = queue.waiting_hints(SWEEP_BATCH)
    room = SWEEP_BATCH - waiting
    return queue.publish(execution.due_ids(room, besides=hinted)) if room > 0 else 0

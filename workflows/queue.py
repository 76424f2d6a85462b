"""The hint to the workers. The request's row is the queue; losing a message costs one sweep and nothing else."""

from __future__ import annotations

import base64
import json
import logging
import threading
import time
from collections.abc import Iterable
from functools import partial
from uuid import UUID, uuid4

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from wire import correlation
from workflows.failpoints import failpoint

logger = logging.getLogger(__name__)

EXECUTE_TASK = "workflows.execute"
BULK_TASK = "workflows.carry_on_bulk"
MAIL_TASK = "workflows.deliver_mail"
ACCESS_TASK = "workflows.tell_of_access"
REPLAY_TASK = "workflows.replay_draft"
PEOPLE_TASK = "workflows.check_people"
_NO_LINKS = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
# After a failed publish, this process stops trying for so long: a frozen broker would cost every approval its time-out.
BROKER_REST_SECONDS = 5.0


class _BrokerRest:
    """Remembers in this process that the broker did not answer a moment ago."""

    def __init__(self) -> None:
        self._until = 0.0
        self._guard = threading.Lock()

    def is_resting(self) -> bool:
        with self._guard:
            return time.monotonic() < self._until

    def begin(self) -> None:
        with self._guard:
            self._until = time.monotonic() + BROKER_REST_SECONDS


_rest = _BrokerRest()


def announce(request_id: UUID) -> None:
    """After commit, tell the workers that a request is due."""
    transaction.on_commit(partial(publish, [request_id]), robust=True)


def announce_mail(notice_id: int) -> None:
    """After commit, tell the workers that the outbox of mail holds something; without it, a sweep finds it."""
    transaction.on_commit(partial(_send, MAIL_TASK, [notice_id]), robust=True)


def announce_access(user_id: int, what: str) -> None:
    """After commit, have somebody told by mail what was done to their access. It is told once; the trail keeps it."""
    transaction.on_commit(partial(_send, ACCESS_TASK, [f"{user_id}:{what}"]), robust=True)


def announce_people(organisation_id: int) -> None:
    """After commit, tell the workers that other people may decide in the organisation than before."""
    transaction.on_commit(partial(_send, PEOPLE_TASK, [organisation_id]), robust=True)


def announce_bulk(run_id: int) -> None:
    """After commit, tell the workers that a bulk decision is to be carried on with."""
    transaction.on_commit(partial(publish_bulk, run_id), robust=True)


def announce_replay(draft_id: int) -> None:
    """After commit, ask a worker to replay a draft."""
    transaction.on_commit(partial(publish_replay, draft_id), robust=True)


def publish_bulk(run_id: int) -> None:
    """As `publish`, for a bulk decision."""
    _send(BULK_TASK, [run_id])


def publish_replay(draft_id: int) -> None:
    """As `publish`, for the replay of a draft."""
    _send(REPLAY_TASK, [draft_id])


def publish(request_ids: Iterable[UUID]) -> int:
    """Send one hint per id; how many the broker took. A broker that is away is not an error: the sweeper repairs it."""
    failpoint("publish.before")
    return _send(EXECUTE_TASK, (str(request_id) for request_id in request_ids))


def _send(task: str, ids: Iterable[str | int]) -> int:
    sent = 0
    for identifier in ids:
        if _rest.is_resting():
            break
        try:
            _publish(task, identifier)
            sent += 1
        except (OperationalError, RedisError, OSError) as error:
            _rest.begin()
            logger.warning("the broker took no message (%s); the sweeper will send it", type(error).__name__)
    return sent


def _publish(task: str, identifier: str | int) -> None:
    """Put one message into the broker, in Celery's protocol 2; three times as fast as `send_task`, which looks for
    routes, results, links and delays that a hint never has.
    """
    message_id = str(uuid4())
    headers = {"lang": "py", "task": task, "id": message_id, "root_id": message_id, "retries": 0}
    if correlation_id := correlation.current():
        headers[correlation.TASK_HEADER] = correlation_id
    with current_app.producer_pool.acquire(block=True) as producer:
        producer.publish(
            ((identifier,), {}, _NO_LINKS), headers=headers, correlation_id=message_id, serializer="json",
            exchange="", routing_key=current_app.conf.task_default_queue, retry=False,
        )  # fmt: skip


def waiting_hints(most: int) -> tuple[int, set[UUID]]:
    """How many messages wait in the broker, and which requests those name that come first, `most` of them at most.

    After a flush none wait, so that everything due is sent again at once. What a worker has taken and not begun is not
    among them: a second hint does no harm, while a hint that died with its worker must not count.
    """
    with current_app.connection_or_acquire() as connection:
        broker, name = connection.default_channel.client, current_app.conf.task_default_queue
        # Workers take from the right.
        waiting, first = broker.pipeline().llen(name).lrange(name, -most, -1).execute()
    return int(waiting), {named for raw in first if (named := _named_in(raw)) is not None}


def _named_in(raw: bytes) -> UUID | None:
    """The request that a message of the broker names; None where it is for something else, or rubbish."""
    try:
        (request_id,), _, _ = json.loads(base64.b64decode(json.loads(raw)["body"]))
        return UUID(request_id)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None

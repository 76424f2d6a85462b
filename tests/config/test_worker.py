"""What happens to a worker's channel when its connection was given up with messages unacknowledged."""

from __future__ import annotations

import os
from typing import Any

import pytest
from kombu import Connection, Queue
from kombu.transport import redis

from config.worker import TolerantTransport


def given_up(transport: Any) -> tuple[Connection, Any]:
    """A connection as Celery leaves it when the broker goes, and a message that was taken and not acknowledged."""
    connection = Connection(os.environ["CELERY_BROKER_URL"], transport=transport)
    channel: Any = connection.default_channel
    queue = Queue("given-up", channel=channel)
    queue.declare()
    connection.Producer(channel).publish({}, routing_key="given-up")
    message = queue.get()
    queue.delete()
    assert message is not None
    connection._do_close_transport()
    return connection, message


def test_a_connection_that_was_given_up_is_closed_without_a_word() -> None:
    connection, _ = given_up(TolerantTransport)
    connection.close()


def test_an_acknowledgement_that_comes_too_late_is_a_connection_error() -> None:
    connection, message = given_up(TolerantTransport)
    connection.close()
    with pytest.raises(connection.connection_errors):
        message.ack()


def test_without_the_tolerance_the_close_is_an_error_that_ends_a_worker() -> None:
    connection, _ = given_up(redis.Transport)
    with pytest.raises(AttributeError, match="hostname"):
        connection.close()

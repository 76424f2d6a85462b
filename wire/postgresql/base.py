"""A pooled connection that PostgreSQL has ended is found by looking at its socket.

With CONN_HEALTH_CHECKS the pool asks the server for a sign of life each time a connection is borrowed: one more message
for every request and task, of which a submission has five. A server that restarts, or ends a session, says so on the
socket, which is then readable; one that vanished without a word is found by neither way before TCP gives it up.
"""

from __future__ import annotations

import select
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        while True:
            connection = super().get_new_connection(conn_params)
            if self.pool is None or not _has_something_to_say(connection) or _is_alive(connection):
                return connection
            connection.close()
            self.pool.putconn(connection)  # which opens another one in its place


def _has_something_to_say(connection: psycopg.Connection[Any]) -> bool:
    looking = select.poll()
    looking.register(connection.fileno(), select.POLLIN)
    return bool(looking.poll(0))


def _is_alive(connection: psycopg.Connection[Any]) -> bool:
    try:
        ConnectionPool.check_connection(connection)
    except psycopg.Error:
        return False
    return True

"""Statements that the database has parsed and planned before: for those that every submission or decision sends.

Planning such a statement takes PostgreSQL three to ten times as long as carrying it out. A statement is prepared in
the session of its connection when it is sent for the sixth time (`prepare_threshold` of psycopg), if
DATABASE_PREPARED_STATEMENTS is on; otherwise it is planned each time, and nothing depends on the session.
"""

from __future__ import annotations

from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper
from psycopg.types.numeric import Int8

_LEAST, _MOST = -(2**63), 2**63 - 1


class TypedCursor(psycopg.Cursor[Any]):
    """Sends every whole number as bigint; psycopg's choice by size would make several statements out of one."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        if isinstance(params, dict):
            params = {name: _typed(value) for name, value in params.items()}
        elif params is not None:
            params = [_typed(value) for value in params]
        return super().execute(query, params, **options)

    def _convert_query(self, query: Any, params: Any = None) -> Any:
        # psycopg keeps the text of what it sends, but for what is prepared already; whoever looks on wants to see it.
        self._query = super()._convert_query(query, params)
        return self._query


def _typed(value: Any) -> Any:
    return Int8(value) if type(value) is int and _LEAST <= value <= _MOST else value


def cursor() -> CursorWrapper:
    """As `connection.cursor()`, but values go beside the text and not in it.

    So the type of a value that stands alone has to be said (`%s::text`), and a text can be one statement only.
    """
    # Looked up once: `django.db.connection` would look for the thread's own at every attribute.
    connection: Any = connections[DEFAULT_DB_ALIAS]
    connection.ensure_connection()
    with connection.wrap_database_errors:
        opened = TypedCursor(connection.connection)
    wrapped: CursorWrapper = connection._prepare_cursor(opened)
    return wrapped

"""Several statements in one message to the database, which answers all of them at once.

They are carried out one after the other, as if each had been sent alone: a later one sees what an earlier one has done,
and what others have committed until an earlier one got its lock. Waiting for every answer before the next statement is
sent costs both sides more than most of these statements do (`python -m bench.life`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections

from wire import prepared

Answer = TypeVar("Answer")
Made = TypeVar("Made")


def _nothing(_: Any) -> None:
    """Reads an answer that nobody wants."""


@dataclass(frozen=True, slots=True)
class Statement(Generic[Answer]):
    """One statement, to be sent alone or together with others.

    Attributes:
        values: bound by the server, so that the type of one that stands alone has to be said (`%s::text`).
        read: is given the cursor once the whole message is answered; it may send statements of its own.
    """

    sql: str
    values: Sequence[Any] | Mapping[str, Any]
    read: Callable[[Any], Answer] = _nothing  # type: ignore[assignment]  # for a Statement[None]

    def then(self, make: Callable[[Answer], Made]) -> Statement[Made]:
        """The same statement, with something made of what it has brought."""
        read = self.read
        return Statement(self.sql, self.values, lambda cursor: make(read(cursor)))


def send(*statements: Statement[Any]) -> list[Any]:
    """What each statement has brought, in their order. Outside a transaction only reading is sent together: a failure
    may or may not undo what was before it.

    Raises:
        DatabaseError: of the first statement that failed; those behind it were not carried out.
    """
    if not statements:
        return []
    database: Any = connections[DEFAULT_DB_ALIAS]  # `django.db.connection` looks for it anew each time it is touched
    database.ensure_connection()
    # psycopg asks for a flush behind the end of its message. A pooler, which may be there where nothing is prepared,
    # takes a session for that outside a transaction, and keeps it.
    may_join = database.in_atomic_block or database.connection.prepare_threshold is not None
    one_by_one = len(statements) == 1 or not may_join
    with database.wrap_database_errors, nullcontext() if one_by_one else database.connection.pipeline():
        cursors = [_execute(database, statement) for statement in statements]
    return [statement.read(cursor) for statement, cursor in zip(statements, cursors, strict=True)]


def send_alone(statement: Statement[Answer]) -> Answer:
    """What one statement has brought that is a transaction of its own: committed when this returns.

    Raises:
        RuntimeError: within a transaction. Those that a test case puts around a test do not count, as for `atomic`.
    """
    database: Any = connections[DEFAULT_DB_ALIAS]
    if any(not block._from_testcase for block in database.atomic_blocks):
        raise RuntimeError("this statement is sent outside transactions only")
    (answer,) = send(statement)
    found: Answer = answer
    return found


def _execute(database: Any, statement: Statement[Any]) -> Any:
    if database.queries_logged or database.execute_wrappers:
        cursor: Any = prepared.cursor()  # somebody wants to see each of them
    else:
        database.validate_no_broken_transaction()
        cursor = prepared.TypedCursor(database.connection)
    cursor.execute(statement.sql, statement.values)
    return cursor

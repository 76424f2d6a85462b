"""Several statements in one message to the database, which answers all of them at once.

They are carried out one after the other, as if each had been sent alone: a later one sees what an earlier one has done,
and what others have committed until an earlier one got its lock. Waiting for every answer before the next statement is
sent costs both sides more than most of these statements do (`python -m bench.life`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import psycopg
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


def send(*statements: Statement[Any], and_commit: bool = False) -> list[Any]:
    """What each statement has brought, in their order. Outside a transaction only reading is sent together: they are
    one transaction then, unless somebody looks at each of them.

    Args:
        and_commit: this is the last that the caller's `atomic(durable=True)` does, so that its end may come with the
            same message. Nothing may fail behind it: it would be too late to undo anything.

    Raises:
        DatabaseError: of the first statement that failed; those behind it were not carried out.
    """
    if not statements:
        return []
    database: Any = connections[DEFAULT_DB_ALIAS]  # `django.db.connection` looks for it anew each time it is touched
    database.ensure_connection()
    if database.queries_logged or database.execute_wrappers:
        answers = [_seen(database, statement) for statement in statements]
    else:
        database.validate_no_broken_transaction()
        with database.wrap_database_errors:
            answers = prepared.exchange(
                database.connection, [(each.sql, each.values) for each in statements],
                commits=and_commit and _is_outermost(database),
            )  # fmt: skip
    return [statement.read(answer) for statement, answer in zip(statements, answers, strict=True)]


def _is_outermost(database: Any) -> bool:
    """Whether the transaction ends with the block that the caller is in; a test case's own stands around its test."""
    return len(database.atomic_blocks) == 1 and not database.atomic_blocks[0]._from_testcase


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


def _seen(database: Any, statement: Statement[Any]) -> Any:
    """Its answer, where somebody wants to see each of them: sent alone, by a cursor that says what it sends."""
    with database.wrap_database_errors:
        cursor = database._prepare_cursor(psycopg.Cursor(database.connection))
    cursor.execute(statement.sql, statement.values)
    return cursor

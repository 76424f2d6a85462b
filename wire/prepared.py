"""Statements that go to the database in one packet, each parsed and planned once per connection.

For those that every submission or decision sends. Planning such a statement takes PostgreSQL three to ten times as long
as carrying it out, and psycopg's own pipeline writes to the socket once for each statement, which wakes the other side
as often as if each had been sent alone. So psycopg's parts (its values, its `pq`, its errors) are put together here to
write all of them at once, and the `BEGIN` of a transaction with its first statement.

A statement is prepared in the session of its connection when it is sent for the sixth time, if
DATABASE_PREPARED_STATEMENTS is on; otherwise it is planned each time, and nothing depends on the session. psycopg
itself prepares nothing: it would take everything back after a ROLLBACK.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache, partial
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.conf import settings
from psycopg import abc, errors, generators
from psycopg.adapt import AdaptersMap, PyFormat, Transformer
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.types.datetime import TimestamptzLoader
from psycopg.types.numeric import Int8BinaryDumper, Int8Dumper

Values = Sequence[Any] | Mapping[str, Any]
_Key = tuple[bytes, tuple[int, ...]]
_THRESHOLD, _MOST_PREPARED, _MOST_SEEN = 5, 200, 1000
_LEAST, _MOST = -(2**63), 2**63 - 1
_PLACE = re.compile(r"%(?:%|s|\((\w+)\)s)")


class Answer:
    """What a statement has brought: the part of a cursor that the readers of answers use."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, result: PGresult, transformer: abc.Transformer) -> None:
        self._rows: list[tuple[Any, ...]] = []
        if result.status != ExecStatus.TUPLES_OK:
            self.rowcount = result.command_tuples or 0
            return
        self.rowcount = result.ntuples
        if self.rowcount:
            transformer.set_pgresult(result)
            self._rows = transformer.load_rows(0, self.rowcount, tuple)

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows.pop(0) if self._rows else None

    def fetchall(self) -> list[tuple[Any, ...]]:
        rows, self._rows = self._rows, []
        return rows


class _Session:
    """What is kept for a connection: how its values are sent, and what its session has prepared."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = None  # of an `AdaptContext`; the transformer would keep the connection alive
        self.adapters = AdaptersMap(connection.adapters)
        # Every whole number as bigint: psycopg's choice by size would make several statements out of one. Lists are
        # sent as text, numbers that stand alone as what is registered last.
        self.adapters.register_dumper(int, Int8Dumper)
        self.adapters.register_dumper(int, Int8BinaryDumper)
        # As Django's, which is written in Python: every session of this service is in UTC.
        self.adapters.register_loader("timestamptz", TimestamptzLoader)
        self.transformer: abc.Transformer = Transformer(self)
        self._seen: dict[_Key, int] = {}
        self._names: dict[_Key, bytes] = {}
        self._made = 0
        self._fresh: list[_Key] = []  # of the message that is put together

    def begin(self) -> None:
        """Another message is put together."""
        self._fresh = []

    def commands(self, pgconn: PGconn, sql: str, values: Values) -> list[Callable[[], None]]:
        """What sends a statement; where it is time to prepare it, that comes first."""
        text, names = _numbered(sql)
        sent, types, formats = self._bound([values[name] for name in names] if isinstance(values, Mapping) else values)
        key = (text, types)
        known = self._names.get(key)
        if known is None and not (settings.PREPARED_STATEMENTS and self._is_time(key)):
            return [partial(pgconn.send_query_params, text, sent, types, formats)]
        if known is not None:
            return [partial(pgconn.send_query_prepared, known, sent, formats)]
        self._made += 1
        self._fresh.append(key)
        name = self._names[key] = f"wire_{self._made}".encode()
        return [
            partial(pgconn.send_prepare, name, text, types),
            partial(pgconn.send_query_prepared, name, sent, formats),
        ]

    def failed(self, error: psycopg.Error) -> None:
        """Prepare anew, under another name, what was to be prepared with the message that failed.

        Everything, where a statement is not what it was: a table has been altered, or the session is another one.
        """
        if isinstance(error, errors.InvalidSqlStatementName | errors.FeatureNotSupported):
            self._names.clear()
        for key in self._fresh:
            self._names.pop(key, None)

    def _bound(self, values: Sequence[Any]) -> tuple[Sequence[Any], tuple[int, ...], Sequence[Any]]:
        if not values:
            return (), (), ()
        try:
            sent = self.transformer.dump_sequence(values, [PyFormat.AUTO] * len(values))
        except OverflowError:  # a number that no column can hold is compared, and not refused
            return self._bound([Decimal(each) if _is_too_big(each) else each for each in values])
        return sent, self.transformer.types or (), self.transformer.formats or ()

    def _is_time(self, key: _Key) -> bool:
        if len(self._names) >= _MOST_PREPARED:
            return False
        if len(self._seen) >= _MOST_SEEN:
            self._seen.clear()
        self._seen[key] = times = self._seen.get(key, 0) + 1
        return times > _THRESHOLD


_sessions: WeakKeyDictionary[psycopg.Connection[Any], _Session] = WeakKeyDictionary()


def exchange(
    connection: psycopg.Connection[Any], statements: Sequence[tuple[str, Values]], *, commits: bool = False
) -> list[Answer]:
    """The answers to statements, in their order; where the connection is not in autocommit, a transaction is begun.

    In autocommit they are one transaction, which is committed when this returns.

    Args:
        commits: end the transaction with them.

    Raises:
        psycopg.Error: of the first statement that failed; those behind it were not carried out.
    """
    session = _sessions.get(connection)
    if session is None:
        session = _sessions[connection] = _Session(connection)
    pgconn = connection.pgconn
    with connection.lock:
        session.begin()
        sends = [session.commands(pgconn, sql, values) for sql, values in statements]
        if commits:
            sends.append([partial(pgconn.send_query_params, b"COMMIT", None)])
        begins = not connection.autocommit and pgconn.transaction_status == TransactionStatus.IDLE
        if begins:
            sends.insert(0, [partial(pgconn.send_query_params, b"BEGIN", None)])
        try:
            results = iter(_results(connection, [command for commands in sends for command in commands]))
        except psycopg.Error as error:
            session.failed(error)
            raise
        last = [[next(results) for _ in commands][-1] for commands in sends]  # what prepares is answered as well
        return [Answer(result, session.transformer) for result in last[begins : begins + len(statements)]]


def _results(connection: psycopg.Connection[Any], commands: Sequence[Callable[[], None]]) -> list[PGresult]:
    """What the server answered to each command; raises the first error among them."""
    pgconn, found = connection.pgconn, list[PGresult]()
    pgconn.enter_pipeline_mode()
    try:
        for command in commands:
            command()
        pgconn.pipeline_sync()
        connection.wait(_received(pgconn, found))
    except psycopg.OperationalError as lost:
        raise _error_among(found) or lost from None  # what the server said before it hung up
    finally:
        if found and found[-1].status == ExecStatus.PIPELINE_SYNC:
            pgconn.exit_pipeline_mode()
        else:
            connection.close()  # answers may be on their way that nobody waits for
    if error := _error_among(found):
        raise error
    return found


def _received(pgconn: PGconn, found: list[PGresult]) -> abc.PQGen[None]:
    """Write what was put together and read until its end; kept in `found` also where waiting is broken off."""
    yield from generators.send(pgconn)
    while not found or found[-1].status != ExecStatus.PIPELINE_SYNC:
        found.extend((yield from generators.fetch_many(pgconn)))


def _error_among(results: Sequence[PGresult]) -> psycopg.Error | None:
    failed = next((result for result in results if result.status == ExecStatus.FATAL_ERROR), None)
    return None if failed is None else errors.error_from_result(failed)


@lru_cache(maxsize=_MOST_SEEN)
def _numbered(sql: str) -> tuple[bytes, tuple[str, ...]]:
    """The text with `$1` and so on for `%s` or `%(name)s`, and the names in their order; a name has one number."""
    names: dict[str, int] = {}
    number = count(1)

    def numbered(place: re.Match[str]) -> str:
        if place[0] == "%%":
            return "%"
        if place[1] is None:
            return f"${next(number)}"
        return f"${names.setdefault(place[1], len(names) + 1)}"

    return _PLACE.sub(numbered, sql).encode(), tuple(names)


def _is_too_big(value: Any) -> bool:
    return type(value) is int and not _LEAST <= value <= _MOST

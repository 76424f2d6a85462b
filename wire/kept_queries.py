"""Queries and updates whose SQL is compiled once: compiling takes ten times as long as having it carried out.

    _of_request = KeptQuery(lambda: AdminTask.objects.select_for_update().filter(request=Given("request")))
    task = _of_request.first(request=request.pk)

From the second time on the same text is sent with other values, and what comes back is made into the same rows. It
relies on three inner parts of Django's compiler (`select`, `klass_info`, `get_related_populators`), as Django's own
iterable does; tests/wire/test_kept_queries.py compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, cached_property
from operator import attrgetter
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections, models, transaction
from django.db.models.base import ModelState
from django.db.models.expressions import Expression
from django.db.models.query import get_related_populators
from django.db.models.sql import InsertQuery, UpdateQuery

from wire.messages import Statement, send

Row = TypeVar("Row", bound=models.Model)


class Given(Expression):
    """Stands in the filters of a kept query for a value that every run gives."""

    def __init__(self, name: str) -> None:
        super().__init__(output_field=models.Field())
        self.name = name

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, Any]:
        return "%s", (self,)


class KeptQuery(Generic[Row]):
    """A query for rows; `select_related`, `defer`, `only` and locks are kept, annotations are not supported.

    Args:
        build: makes the query, once, when it is first run.
        around: a statement that the query is a part of, as `{query}`, and that brings the query's columns first. Its
            own values stand behind the query.
        given: the names of those values.
        also: what the statement brings beyond the query, set on the row under these names.
    """

    def __init__(
        self, build: Callable[[], models.QuerySet[Row]], *, around: str = "{query}", given: Sequence[str] = (),
        also: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self._build, self._around, self._given, self._also = build, around, given, also

    def first(self, **values: Any) -> Row | None:
        """The first row; None where there is none. The query is to find no more than one."""
        row: Row | None = send(self.asked_first(**values))[0]
        return row

    def all(self, **values: Any) -> list[Row]:
        """The rows, for a value for every `Given`."""
        rows: list[Row] = send(self.asked(**values))[0]
        return rows

    def asked(self, **values: Any) -> Statement[list[Row]]:
        """The statement that brings the rows, to be sent with others."""
        compiled = self._compiled
        chosen = [values[each.name] if isinstance(each, Given) else each for each in compiled.parameters]
        chosen += [values[name] for name in self._given]
        return Statement(compiled.sql, chosen, compiled.rows_of)

    def asked_first(self, **values: Any) -> Statement[Row | None]:
        """The statement of `first`, to be sent with others."""
        return self.asked(**values).then(lambda rows: rows[0] if rows else None)

    @cached_property
    def _compiled(self) -> _Compiled:
        with transaction.atomic(savepoint=False):  # Django compiles no lock outside; nothing is sent
            return _Compiled(self._build(), self._around, self._also)


class _Compiled:
    """The text of a query, and what is to be known to make rows of its answer."""

    def __init__(self, queryset: models.QuerySet[Any], around: str, also: Sequence[str]) -> None:
        compiler: Any = queryset.query.get_compiler(connection=connection)
        query, self.parameters = compiler.as_sql()
        self.sql = around.format(query=query)
        self._also = [(len(compiler.select) + place, name) for place, name in enumerate(also)]
        start, *_, end = compiler.klass_info["select_fields"]
        columns = [column for column, *_ in compiler.select]
        self._own = slice(start, end + 1)
        self._model: type[models.Model] = compiler.klass_info["model"]
        self._names = [attrgetter("target.attname")(column) for column in columns[self._own]]
        # The stubs are ahead of this Django.
        self._related = get_related_populators(compiler.klass_info, compiler.select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]
        self._converters = [
            (place, convert, expression)
            for place, (converters, expression) in compiler.get_converters(columns).items()
            for convert in converters
        ]

    def rows_of(self, cursor: Any) -> list[Any]:
        # Looked up once, and only where it is needed: that takes as long as a row does.
        database = connections[DEFAULT_DB_ALIAS] if self._converters else None
        return [self._row_of(list(found), database) for found in cursor.fetchall()]

    def _row_of(self, values: list[Any], database: Any) -> Any:
        for place, convert, expression in self._converters:
            values[place] = convert(values[place], expression, database)
        # As `Model.from_db`, which looks at every field that the query has not asked for, too.
        row = self._model.__new__(self._model)
        row.__dict__.update(zip(self._names, values[self._own], strict=True))
        row._state = ModelState()
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
        for populator in self._related:
            populator.populate(values, row)
        for place, name in self._also:
            setattr(row, name, values[place])
        return row


def update(row: models.Model, names: tuple[str, ...], *, by_clock: tuple[str, ...] = ()) -> None:
    """Write these fields of a row that the caller has locked, as `save(update_fields=names)`. Signals are not sent.

    Args:
        by_clock: fields that become the time by the database's clock, which is set on the row as well.
    """
    send(updated(row, names, by_clock=by_clock))


def updated(row: models.Model, names: tuple[str, ...], *, by_clock: tuple[str, ...] = ()) -> Statement[None]:
    """The statement by which `update` writes, to be sent with others.

    It raises a DatabaseError where the row is not there.
    """
    model = type(row)
    fields = _fields_of(model)
    database = connections[DEFAULT_DB_ALIAS]
    written: list[tuple[str, str]] = []
    values: list[Any] = []
    for name in dict.fromkeys((*names, *by_clock)):
        text, inside = (
            ("statement_timestamp()", ())
            if name in by_clock
            else bound(UpdateQuery, fields[name], getattr(row, fields[name].attname), database)
        )
        written.append((name, text))
        values += inside

    def read(cursor: Any) -> None:
        if cursor.rowcount != 1:
            raise DatabaseError(f"{row._meta.label} {row.pk} is not there")
        if by_clock:
            for name, value in zip(by_clock, cursor.fetchone(), strict=True):
                setattr(row, name, value)

    return Statement(_update_of(model, tuple(written), by_clock), [*values, row.pk], read)


def bound(
    kind: type[UpdateQuery] | type[InsertQuery], field: models.Field[Any, Any], value: Any, database: Any
) -> tuple[str, Sequence[Any]]:
    """What stands for a value in an INSERT or UPDATE, and its parameters: several, or none, for an expression.

    Args:
        database: `connections[...]`; to look it up takes as long as to convert a value.
    """
    if not hasattr(value, "resolve_expression"):
        return "%s", (field.get_db_prep_save(value, database),)
    query = kind(field.model)
    resolved = value.resolve_expression(query, allow_joins=False, for_save=True)
    compiled: tuple[str, Sequence[Any]] = query.get_compiler(connection=database).compile(resolved)
    return compiled


@cache
def _fields_of(model: type[models.Model]) -> dict[str, models.Field[Any, Any]]:
    return {field.name: field for field in model._meta.local_concrete_fields}


@cache
def _update_of(model: type[models.Model], written: tuple[tuple[str, str], ...], by_clock: tuple[str, ...]) -> str:
    """The text of an UPDATE of one row, given what stands for the value of each field."""
    options, quote, fields = model._meta, connection.ops.quote_name, _fields_of(model)
    columns = [f"{quote(str(fields[name].column))} = {text}" for name, text in written]
    where = f"{quote(str(options.pk.column))} = %s"
    timed = ", ".join(quote(str(fields[name].column)) for name in by_clock)
    sql = f"UPDATE {quote(options.db_table)} SET {', '.join(columns)} WHERE {where}"  # noqa: S608 - names of columns
    return f"{sql} RETURNING {timed}" if timed else sql

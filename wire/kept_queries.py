"""Queries and updates whose SQL is compiled once: compiling takes ten times as long as having it carried out.

    _of_request = KeptQuery(lambda: AdminTask.objects.select_for_update().filter(request=Given("request")))
    task = _of_request.first(request=request.pk)

From the second time on the same text is sent with other values, and what comes back is made into the same rows. It
relies on three inner parts of Django's compiler (`select`, `klass_info`, `get_related_populators`), as Django's own
iterable does; tests/wire/test_kept_queries.py compares the two.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property
from operator import attrgetter
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, models
from django.db.models.expressions import Expression
from django.db.models.query import get_related_populators

from wire import prepared

Row = TypeVar("Row", bound=models.Model)


class Given(Expression):
    """Stands in the filters of a kept query for a value that every run gives."""

    def __init__(self, name: str) -> None:
        super().__init__(output_field=models.Field())
        self.name = name

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, Any]:
        return "%s", (self,)


class KeptQuery(Generic[Row]):
    """A query for whole rows; `select_related`, `defer` and locks are kept, annotations are not supported.

    Args:
        build: makes the query, once, when it is first run.
    """

    def __init__(self, build: Callable[[], models.QuerySet[Row]]) -> None:
        self._build = build

    def first(self, **values: Any) -> Row | None:
        """The first row; None where there is none. The query is to find no more than one."""
        return next(iter(self.all(**values)), None)

    def all(self, **values: Any) -> list[Row]:
        """The rows, for a value for every `Given`."""
        compiled = self._compiled
        chosen = [values[each.name] if isinstance(each, Given) else each for each in compiled.parameters]
        with prepared.cursor() as cursor:
            cursor.execute(compiled.sql, chosen)
            return [compiled.row_of(list(found)) for found in cursor.fetchall()]

    @cached_property
    def _compiled(self) -> _Compiled:
        return _Compiled(self._build())


class _Compiled:
    """The text of a query, and what is to be known to make rows of its answer."""

    def __init__(self, queryset: models.QuerySet[Any]) -> None:
        compiler: Any = queryset.query.get_compiler(connection=connection)
        self.sql, self.parameters = compiler.as_sql()
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

    def row_of(self, values: list[Any]) -> Any:
        for place, convert, expression in self._converters:
            values[place] = convert(values[place], expression, connection)
        row = self._model.from_db(DEFAULT_DB_ALIAS, self._names, values[self._own])
        for populator in self._related:
            populator.populate(values, row)
        return row


def update(row: models.Model, names: tuple[str, ...], *, by_clock: tuple[str, ...] = ()) -> None:
    """Write these fields of a row that the caller has locked, as `save(update_fields=names)`. Signals are not sent.

    Args:
        by_clock: fields that become the time by the database's clock, which is set on the row as well.

    A row with an expression in one of the fields (`Now() + …`) goes the usual way.
    """
    sql, fields = _update_of(type(row), names, by_clock)
    if any(hasattr(getattr(row, field.attname), "resolve_expression") for field in fields):
        row.save(update_fields=[*names])
        return
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    with prepared.cursor() as cursor:
        cursor.execute(sql, [*values, row.pk])
        if cursor.rowcount != 1:
            raise DatabaseError(f"{row._meta.label} {row.pk} is not there")
        if by_clock:
            for name, value in zip(by_clock, cursor.fetchone(), strict=True):
                setattr(row, name, value)


@cache
def _update_of(
    model: type[models.Model], names: tuple[str, ...], by_clock: tuple[str, ...]
) -> tuple[str, tuple[models.Field[Any, Any], ...]]:
    options, quote = model._meta, connection.ops.quote_name
    known = {field.name: field for field in options.local_concrete_fields}
    columns = {name: quote(str(known[name].column)) for name in (*names, *by_clock)}
    fields = tuple(known[name] for name in names if name not in by_clock)
    timed = [columns[name] for name in by_clock]
    written = [f"{columns[field.name]} = %s" for field in fields]
    written += [f"{column} = statement_timestamp()" for column in timed]
    where = f"{quote(str(options.pk.column))} = %s"
    sql = f"UPDATE {quote(options.db_table)} SET {', '.join(written)} WHERE {where}"  # noqa: S608
    return sql + (f" RETURNING {', '.join(timed)}" if timed else ""), fields

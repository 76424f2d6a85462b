"""Writing new rows with one prepared INSERT per model, and in one message to the database.

`save()` compiles its INSERT anew each time, which takes longer than PostgreSQL takes to carry it out
(`python -m bench.submit` shows both). What is written is the same: every field, by its own conversion.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.models.expressions import DatabaseDefault
from django.db.models.sql import InsertQuery

from wire.kept_queries import bound
from wire.messages import Statement, send


def insert(*rows: models.Model) -> None:
    """Write rows that do not exist yet, in this order; what the database fills in is set on them. No signals are sent.

    A key that the database makes is known afterwards only, so that no row may refer to another one's by it.
    """
    send(*(inserted(row) for row in rows))


def inserted(row: models.Model) -> Statement[None]:
    """The statement by which `insert` writes, to be sent with others."""
    text, values, returned = _statement(row)

    def read(cursor: Any) -> None:
        for name, value in zip(returned, cursor.fetchone() if returned else (), strict=True):
            setattr(row, name, value)
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS

    return Statement(text, values, read)


def _statement(row: models.Model) -> tuple[str, list[Any], tuple[str, ...]]:
    """The INSERT of a row, its parameters, and the attributes that it returns."""
    model, given, database = type(row), row.__dict__, connections[DEFAULT_DB_ALIAS]
    written: list[tuple[str, str]] = []
    values: list[Any] = []
    for column in _columns_of(model):
        value = given[column.attribute]
        kind = type(value)
        if value is None or kind is column.kind:
            values.append(value)
            written.append((column.name, "%s"))
        elif kind is not DatabaseDefault:
            text, inside = bound(InsertQuery, column.field, value, database)
            values += inside
            written.append((column.name, text))
    text, returned = _text_of(model, tuple(written))
    return text, values, returned


@dataclass(frozen=True, slots=True)
class _Column:
    """A column that an INSERT names.

    Attributes:
        kind: values of exactly this type go to the database as they are; None where each is converted by the field.
    """

    field: models.Field[Any, Any]
    attribute: str
    name: str
    kind: type | None


@cache
def _columns_of(model: type[models.Model]) -> tuple[_Column, ...]:
    """All but a key that the database makes."""
    options, quote = model._meta, connection.ops.quote_name
    return tuple(
        _Column(field, field.attname, quote(str(field.column)), _kind_of(field))
        for field in options.local_concrete_fields
        if field is not options.auto_field
    )


# What these fields do to a value of the type is nothing; a subclass may do more.
_AS_THEY_ARE: dict[type[models.Field[Any, Any]], type] = {
    models.CharField: str, models.TextField: str, models.BooleanField: bool, models.UUIDField: UUID,
    models.DateTimeField: datetime, models.DateField: date, models.DecimalField: Decimal,
    models.IntegerField: int, models.BigIntegerField: int, models.SmallIntegerField: int,
    models.PositiveIntegerField: int, models.PositiveSmallIntegerField: int, models.PositiveBigIntegerField: int,
    models.AutoField: int, models.BigAutoField: int,
}  # fmt: skip


def _kind_of(field: models.Field[Any, Any]) -> type | None:
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    return _AS_THEY_ARE.get(type(field))


@cache
def _text_of(model: type[models.Model], written: tuple[tuple[str, str], ...]) -> tuple[str, tuple[str, ...]]:
    """The whole text, and the attributes that it returns: what the database makes or fills in."""
    options, quote = model._meta, connection.ops.quote_name
    names, places = zip(*written, strict=True)
    filled_in = [column.field for column in _columns_of(model) if column.name not in names]
    made = [field for field in options.local_concrete_fields if field is options.auto_field or field in filled_in]
    returning = f" RETURNING {', '.join(quote(str(field.column)) for field in made)}" if made else ""
    into = f"{quote(options.db_table)} ({', '.join(names)})"
    return f"INSERT INTO {into} VALUES ({', '.join(places)}){returning}", tuple(field.attname for field in made)  # noqa: S608 - names of columns

"""Writing new rows with one SQL text per model, kept from the first time on, and in one message to the database.

`save()` compiles its INSERT anew each time, which takes longer than PostgreSQL takes to carry it out
(`python -m bench.submit` shows both). What is written is the same: every field, by its own conversion.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import connection, models
from django.db.models.expressions import DatabaseDefault
from django.db.models.sql import InsertQuery


def insert(*rows: models.Model) -> None:
    """Write rows that do not exist yet, in this order; what the database fills in is set on them. No signals are sent.

    A key that the database makes is known afterwards only, so that no row may refer to another one's by it.
    """
    texts: list[str] = []
    parameters: list[Any] = []
    made: list[tuple[str, ...]] = []
    for row in rows:
        text, values, returned = _statement(row)
        texts.append(text)
        parameters += values
        made.append(returned)
    with connection.cursor() as cursor:
        # Parameters are bound here and not by the server, which is what lets several statements go as one message.
        cursor.execute("; ".join(texts), parameters)
        for row, returned in zip(rows, made, strict=True):
            for name, value in zip(returned, cursor.fetchone() if returned else (), strict=True):
                setattr(row, name, value)
            row._state.adding, row._state.db = False, connection.alias
            cursor.nextset()


def _statement(row: models.Model) -> tuple[str, list[Any], tuple[str, ...]]:
    """The INSERT of a row, its parameters, and the attributes that it returns."""
    model = type(row)
    given = [(field, getattr(row, field.attname)) for field in _fields_of(model)]
    filled_in = frozenset(field for field, value in given if isinstance(value, DatabaseDefault))
    begins, ends, returned = _text_of(model, filled_in)
    places: list[str] = []
    values: list[Any] = []
    for field, value in given:
        if field in filled_in:
            continue
        if hasattr(value, "resolve_expression"):
            place, inside = _compiled(model, value)
            places.append(place)
            values += inside
        else:
            places.append("%s")
            values.append(field.get_db_prep_save(value, connection))
    return f"{begins}{', '.join(places)}{ends}", values, returned


def _compiled(model: type[models.Model], expression: Any) -> tuple[str, tuple[Any, ...]]:
    """An expression among the values, such as `Now()`."""
    query = InsertQuery(model)
    resolved = expression.resolve_expression(query, allow_joins=False, for_save=True)
    text, inside = query.get_compiler(connection=connection).compile(resolved)
    return text, tuple(inside)


@cache
def _fields_of(model: type[models.Model]) -> tuple[models.Field[Any, Any], ...]:
    """The columns that an INSERT names: all but a key that the database makes."""
    options = model._meta
    return tuple(field for field in options.local_concrete_fields if field is not options.auto_field)


@cache
def _text_of(
    model: type[models.Model], filled_in: frozenset[models.Field[Any, Any]]
) -> tuple[str, str, tuple[str, ...]]:
    """The text before and behind the values, and the attributes that it returns: what the database makes."""
    options, quote = model._meta, connection.ops.quote_name
    names = [quote(str(field.column)) for field in _fields_of(model) if field not in filled_in]
    made = [field for field in options.local_concrete_fields if field is options.auto_field or field in filled_in]
    ends = f") RETURNING {', '.join(quote(str(field.column)) for field in made)}" if made else ")"
    begins = f"INSERT INTO {quote(options.db_table)} ({', '.join(names)}) VALUES ("  # noqa: S608 - names of columns
    return begins, ends, tuple(field.attname for field in made)

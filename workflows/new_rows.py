"""Writing a new row with one SQL text per model, kept from the first time on.

`save()` compiles its INSERT anew each time, which takes longer than PostgreSQL takes to carry it out
(`python -m bench.submit` shows both). What is written is the same: every field, by its own conversion.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import connection, models
from django.db.models.expressions import DatabaseDefault


def insert(row: models.Model) -> None:
    """Write a row that does not exist yet; what the database fills in by itself is set on it. Signals are not sent.

    A row with another expression in it (`Now()`) goes the usual way.
    """
    given = {field: getattr(row, field.attname) for field in _fields_of(type(row))}
    filled_in = frozenset(field for field, value in given.items() if isinstance(value, DatabaseDefault))
    written = {field: value for field, value in given.items() if field not in filled_in}
    if any(hasattr(value, "resolve_expression") for value in written.values()):
        row.save(force_insert=True)
        return
    sql, returned = _statement_of(type(row), filled_in)
    with connection.cursor() as cursor:
        cursor.execute(sql, [field.get_db_prep_save(value, connection) for field, value in written.items()])
        if returned:
            for name, value in zip(returned, cursor.fetchone(), strict=True):
                setattr(row, name, value)
    row._state.adding, row._state.db = False, connection.alias


@cache
def _fields_of(model: type[models.Model]) -> tuple[models.Field[Any, Any], ...]:
    """The columns that an INSERT names: all but a key that the database makes."""
    options = model._meta
    return tuple(field for field in options.local_concrete_fields if field is not options.auto_field)


@cache
def _statement_of(
    model: type[models.Model], filled_in: frozenset[models.Field[Any, Any]]
) -> tuple[str, tuple[str, ...]]:
    """The text, and the attributes that it returns: what the database makes."""
    options, quote = model._meta, connection.ops.quote_name
    names = [quote(str(field.column)) for field in _fields_of(model) if field not in filled_in]
    made = [field for field in options.local_concrete_fields if field is options.auto_field or field in filled_in]
    sql = f"INSERT INTO {quote(options.db_table)} ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})"  # noqa: S608
    if made:
        sql += f" RETURNING {', '.join(quote(str(field.column)) for field in made)}"
    return sql, tuple(field.attname for field in made)

"""The sequences that number new rows: they go on beyond whatever was imported."""

from __future__ import annotations

from django.db import connection


def step_over(sequence: str, largest: int) -> None:
    """Whatever is numbered next comes after `largest`."""
    with connection.cursor() as cursor:
        name = connection.ops.quote_name(sequence)
        behind = f"SELECT setval(%s, %s) FROM {name} WHERE last_value < %s"  # noqa: S608 - the name is our own
        cursor.execute(behind, [sequence, largest, largest])

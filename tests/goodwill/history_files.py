"""Files of history for the tests of the import: rows as dictionaries, written in either format."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command
from django.db import connection

from goodwill.backfill.columns import COLUMNS

ROW: dict[str, Any] = {
    "requestId": 13039305, "userId": 565039505, "programId": 2739, "points": "500", "goodwillStatus": "APPROVED",
    "reason": "GoodGuy", "comments": "yes", "updatedComments": "yes; AUTO_APPROVED", "oneStep": "false",
    "addedBy.id": 75160042, "addedBy.name": "1739864911_aditi", "addedBy.code": "1739864912683_",
    "addedOn": "2025-04-22T16:01:45Z", "updatedOn": "2025-04-22T10:31:45Z",
}  # fmt: skip


def row(number: int = ROW["requestId"], **changes: Any) -> dict[str, Any]:
    """`ROW` with another number; a dot of a name is written as two underscores."""
    return {**ROW, "requestId": number, **{name.replace("__", "."): value for name, value in changes.items()}}


def as_csv(rows: list[dict[str, Any]], *, header: list[str] | None = None) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, header or list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_jsonl(rows: list[dict[str, Any]]) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def backfill(path: Path | str, *options: str, org: int = 51250) -> tuple[int, dict[str, Any]]:
    """Run the command in this process: its exit code and its summary."""
    out = io.StringIO()
    code = 0
    try:
        call_command("backfill_goodwill", str(path), "--org", str(org), "--json", *options, stdout=out)
    except SystemExit as ended:
        code = int(ended.code or 0)
    except CommandError as error:
        return error.returncode, {"error": str(error)}
    return code, json.loads(out.getvalue())


def stored(org: int = 51250) -> list[tuple[Any, ...]]:
    """Every imported row, but for its own id and its organisation."""
    columns = ", ".join(f"row.{column.stored}" for column in COLUMNS if column.name != "programId")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT row.request_number, program.program_id, {columns} FROM goodwill_goodwillrequest AS row"
            " JOIN goodwill_program AS program ON program.id = row.program_id"
            " WHERE row.organisation_id = %s ORDER BY row.request_number",
            [org],
        )
        return cursor.fetchall()

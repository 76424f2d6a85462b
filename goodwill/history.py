"""Reading the history at size: a page of a customer's rows and their number in one statement, by one index.

Rows come as plain values: model instances of them, of their programs and of the three people in each cost several
times what PostgreSQL needs to find them (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connections

from goodwill.models import Program


class HistoryRow(NamedTuple):
    """What is shown of a row of the history, with its program; people by their ids."""

    id: int
    request_number: int
    customer_id: int
    goodwill_type: str
    earning_entity_type: str
    points: Decimal | None
    status: str
    reason: str
    comments: str
    updated_comments: str
    one_step: bool
    auto_approved: bool
    added_by_id: int
    updated_by_id: int
    entered_by_id: int | None
    added_on: datetime
    updated_on: datetime
    workflow_request_id: UUID | None
    program_number: int
    program_name: str
    program_ratio: Decimal
    program_description: str
    program_is_default: bool

    @property
    def people(self) -> set[int]:
        return {self.added_by_id, self.updated_by_id, self.entered_by_id or self.added_by_id}


class Person(NamedTuple):
    """An admin user as the incumbent tells of one; without a name, that of the account."""

    id: int
    code: str
    description: str
    name: str
    user_type: str
    reference_id: int
    admin_type: str
    is_active: bool
    is_ou_enabled: bool
    time_zone_id: int
    currency_id: int
    language_id: int
    is_default: bool


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some rows, newest first, who is in them, and how many there are on all pages."""

    total: int
    rows: list[HistoryRow]
    people: dict[int, Person]


# In the order of `HistoryRow`, as Django's query sets name them.
LOOKUPS: Final = (
    *HistoryRow._fields[:-5],
    "program__program_id", "program__name", "program__points_to_currency_ratio", "program__description",
    "program__is_default",
)  # fmt: skip
_COLUMNS = ", ".join(
    f"program.{lookup.removeprefix('program__')}" if lookup.startswith("program__") else f"row.{lookup}"
    for lookup in LOOKUPS
)
# By the name of the parameter; one that was not sent is no condition.
_CONDITIONS: Final = {
    "requestId": "row.request_number = %(requestId)s",
    "is_one_step_change": "row.one_step = %(is_one_step_change)s",
    "autoApprove": "row.auto_approved = %(autoApprove)s",
    "programId": f"row.program_id = (SELECT id FROM {Program._meta.db_table}"  # noqa: S608 - a name of our own
    " WHERE organisation_id = %(organisation)s AND program_id = %(programId)s)",
}
_CHOSEN = "row.organisation_id = %(organisation)s AND row.customer_id = %(customer)s"
# The total is one row even where the page has none. As a window over the page's rows it would read all of them.
_PAGE = """
    SELECT counted.total, page.*
      FROM (SELECT count(*) AS total FROM goodwill_goodwillrequest AS row WHERE {chosen}) AS counted
      LEFT JOIN (
           SELECT {columns}
             FROM goodwill_goodwillrequest AS row JOIN goodwill_program AS program ON program.id = row.program_id
            WHERE {chosen} ORDER BY row.added_on DESC, row.id DESC LIMIT %(limit)s OFFSET %(offset)s
           ) AS page ON true
     ORDER BY page.added_on DESC, page.id DESC
"""
_PEOPLE = """
    SELECT id, code, description, coalesce(nullif(name, ''), nullif(email, ''), username), user_type, reference_id,
           admin_type, is_active, is_ou_enabled, time_zone_id, currency_id, language_id, is_default
      FROM accounts_user WHERE id = ANY(%s)
"""


def read_page(
    organisation_id: int, customer_id: int, filters: Mapping[str, Any], *, limit: int, offset: int, using: str
) -> HistoryPage:
    """A page of a customer's history, in two statements whatever its length.

    Args:
        filters: values by the parameters of E5; None lets everything through.
    """
    wanted = {name: value for name, value in filters.items() if value is not None}
    chosen = " AND ".join([_CHOSEN, *(_CONDITIONS[name] for name in wanted)])
    with connections[using].cursor() as cursor:
        cursor.execute(
            _PAGE.format(chosen=chosen, columns=_COLUMNS),
            {"organisation": organisation_id, "customer": customer_id, "limit": limit, "offset": offset, **wanted},
        )
        found = cursor.fetchall()
    rows = [HistoryRow._make(values) for _total, *values in found if values[0] is not None]
    return HistoryPage(found[0][0], rows, people_by_id({key for row in rows for key in row.people}, using=using))


def people_by_id(keys: Collection[int], *, using: str) -> dict[int, Person]:
    """These people; one statement, or none for nobody."""
    if not keys:
        return {}
    with connections[using].cursor() as cursor:
        cursor.execute(_PEOPLE, [list(keys)])
        return {found[0]: Person._make(found) for found in cursor.fetchall()}

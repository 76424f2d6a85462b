"""`export_goodwill --org 51250 --out history.csv.gz --filter programId=973`"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from accounts.models import Organisation
from goodwill.api.filters import GoodwillFilter
from goodwill.api.presenters import plain, present
from goodwill.backfill.columns import NAMES, SPELLINGS
from goodwill.models import GoodwillRequest
from wire.errors import MalformedBody
from wire.filters import POSITIVE, read_integer
from wire.pages import LimitOffset
from workflows.management.exporting import ExportCommand


class Command(ExportCommand):
    help = (
        "Write the goodwill history of an organisation to a file that backfill_goodwill reads. Filters are those of"
        " the history API: customerId, requestId, programId, is_one_step_change, autoApprove."
    )
    example = "python manage.py export_goodwill --org 51250 --out history.csv.gz --filter programId=973"
    action = "goodwill.export"
    columns = tuple(name for name in NAMES if name not in SPELLINGS)
    paging = frozenset(LimitOffset.parameters)

    def chosen(self, tenant: Organisation, filters: QueryDict) -> QuerySet[Any]:
        rows = GoodwillRequest.objects.filter(organisation=tenant)
        if customer := filters.get("customerId"):
            rows = rows.filter(customer_id=_customer(str(customer)))
        found: QuerySet[Any] = GoodwillFilter(filters, queryset=rows).strict_qs
        return found.select_related("program", "added_by", "updated_by", "entered_by").order_by("-id")

    def present(self, row: GoodwillRequest) -> dict[str, Any]:
        """What the API shows, and beside it whatever it leaves out that an import has to know."""
        more = {
            "points": None if row.points is None else plain(row.points), "autoApproved": row.auto_approved,
            "addedOn": _exactly(row.added_on), "updatedOn": _exactly(row.updated_on),
        }  # fmt: skip
        return {**present(row), **more}


def _exactly(moment: datetime) -> str:
    return f"{moment.astimezone(UTC).isoformat()[:-6]}Z"


def _customer(text: str) -> int:
    try:
        return read_integer(text, POSITIVE)
    except ValueError as error:
        raise MalformedBody(f"customerId {error}.", reference="customerId") from None

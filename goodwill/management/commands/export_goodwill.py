"""`export_goodwill --org 51250 --out history.csv.gz --filter programId=973`"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from accounts.models import Organisation
from accounts.replica import reads_from
from goodwill.api.filters import GoodwillFilter
from goodwill.api.presenters import plain, present, present_person
from goodwill.backfill.columns import NAMES, SPELLINGS
from goodwill.history import LOOKUPS, HistoryRow, people_by_id
from goodwill.models import GoodwillRequest
from wire.errors import MalformedBody
from wire.filters import POSITIVE, read_integer
from wire.pages import LimitOffset
from workflows.management.exporting import ExportCommand

_MOST_PEOPLE = 2000


class Command(ExportCommand):
    help = (
        "Write the goodwill history of an organisation to a file that backfill_goodwill reads. Filters are those of"
        " the history API: customerId, requestId, programId, is_one_step_change, autoApprove."
    )
    example = "python manage.py export_goodwill --org 51250 --out history.csv.gz --filter programId=973"
    action = "goodwill.export"
    columns = tuple(name for name in NAMES if name not in SPELLINGS)
    paging = frozenset(LimitOffset.parameters)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._people: dict[int, dict[str, Any]] = {}

    def chosen(self, tenant: Organisation, filters: QueryDict) -> QuerySet[Any]:
        rows = GoodwillRequest.objects.using(reads_from()).filter(organisation=tenant)
        if customer := filters.get("customerId"):
            rows = rows.filter(customer_id=_customer(str(customer)))
        found: QuerySet[Any] = GoodwillFilter(filters, queryset=rows).strict_qs
        return found.order_by("-id").values_list(*LOOKUPS)

    def present(self, row: tuple[Any, ...]) -> dict[str, Any]:
        """What the API shows, and beside it whatever it leaves out that an import has to know."""
        found = HistoryRow._make(row)
        shown = present(found, self._people_of(found))
        more = {
            "points": None if found.points is None else plain(found.points), "autoApproved": found.auto_approved,
            "addedOn": _exactly(found.added_on), "updatedOn": _exactly(found.updated_on),
        }  # fmt: skip
        return {**shown, **more}

    def _people_of(self, row: HistoryRow) -> dict[int, dict[str, Any]]:
        """Everybody in the row, read once per person; forgotten now and then, as there may be very many."""
        missing = row.people - self._people.keys()
        if missing:
            if len(self._people) > _MOST_PEOPLE:
                self._people.clear()
                missing = row.people
            found = people_by_id(missing, using=reads_from())
            self._people.update((key, present_person(person)) for key, person in found.items())
        return self._people


def _exactly(moment: datetime) -> str:
    return f"{moment.astimezone(UTC).isoformat()[:-6]}Z"


def _customer(text: str) -> int:
    try:
        return read_integer(text, POSITIVE)
    except ValueError as error:
        raise MalformedBody(f"customerId {error}.", reference="customerId") from None

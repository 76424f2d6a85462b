"""`export_requests --org 51250 --out requests.jsonl --format jsonl --filter states=approved,failed`"""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from accounts.models import Organisation
from accounts.replica import reads_from
from wire.pages import NumberedPages
from workflows.api.filters import RequestFilter
from workflows.api.presenters import present
from workflows.management.exporting import ExportCommand
from workflows.models import WorkflowRequest
from workflows.selectors import requests_in

_MORE = ("referenceId", "customerId", "amount", "reason", "tillId", "storeId", "zoneId", "conceptId", "oneStep",
         "autoApproved", "lastError")  # fmt: skip


class Command(ExportCommand):
    help = (
        "Write the requests of an organisation to a file, newest first. Filters are those of the API's list: userId,"
        " customerId, conceptId, zoneId, storeId, tillId, requestType, states, startDate, endDate, sortBy, sortOrder."
    )
    example = "python manage.py export_requests --org 51250 --out requests.csv --filter states=approved,failed"
    action = "request.export"
    columns = (
        "requestId", "requestType", "state", "userId", "userName", "startTimeUtc", "endTimeUtc", *_MORE,
        "details.AdminTask_Output", "details.AdminTask_Actor.userName", "details.AdminTask_Actor.decidedAt",
        "details.AdminTask-Payload.actionMessage",
    )  # fmt: skip
    paging = frozenset(NumberedPages.parameters)

    def chosen(self, tenant: Organisation, filters: QueryDict) -> QuerySet[Any]:
        rows = requests_in(tenant).using(reads_from())
        found: QuerySet[Any] = RequestFilter(filters, queryset=rows, organisation=tenant).strict_qs
        return found

    def present(self, row: WorkflowRequest) -> dict[str, Any]:
        """What the API shows, and what its list is filtered by."""
        more = (
            row.reference_id, row.customer_id, row.amount, row.reason, row.till_id, row.store_id, row.zone_id,
            row.concept_id, row.one_step, row.auto_approved, row.last_error,
        )  # fmt: skip
        return {**present(row), **dict(zip(_MORE, more, strict=True))}

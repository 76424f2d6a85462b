"""What stands beside a request on the page of its task: the customer's and the maker's record, and what is odd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from accounts.moments import in_zone
from workflows import desk_history
from workflows.admin import chips
from workflows.admin.chips import Chip
from workflows.amounts import readable
from workflows.models import WorkflowRequest
from workflows.rules.levels import terms_of_request

Chipped = list[tuple[WorkflowRequest, Chip]]


def _money(request: WorkflowRequest) -> str:
    return "–" if request.money is None else readable(request.money, least_decimals=2)


def _where(request: WorkflowRequest) -> str:
    return f"{request.store_id} / {request.till_id}"


# Customer and amount are the same in all of them.
_READINGS: Final[list[tuple[Any, Callable[[WorkflowRequest], Any]]]] = [
    (_("Reason"), lambda request: request.reason),
    (_("Program"), lambda request: request.program_name or "–"),
    (_("Worth in money"), _money),
    (_("Maker"), lambda request: request.maker_name),
    (_("Store / till"), _where),
    (_("Made"), lambda request: in_zone(request.created_at, request.organisation)),
    (_("Reference"), lambda request: request.reference_id),
]


def read(request: WorkflowRequest) -> dict[str, Any]:
    """The context of the page; a fixed number of queries."""
    customer = desk_history.of_customer(request)
    alike = desk_history.look_alikes(request)
    return {
        "customer": customer,
        "pending": _chipped(customer.pending) if customer else [],
        "others": _chipped(customer.others) if customer else [],
        "maker": desk_history.of_maker(request),
        "most_read": desk_history.MOST_READ,
        "alike": _chipped(alike.shown),
        "alike_number": alike.number,
        "alike_unshown": alike.unshown,
        "alike_days": terms_of_request(request).look_alike.days,
        "parts": _chipped(desk_history.split_with(request)),
        "comparisons": desk_history.compare(request, alike.shown, _READINGS),
    }


def _chipped(requests: list[WorkflowRequest]) -> Chipped:
    return [(request, chips.of_request(request)) for request in requests]

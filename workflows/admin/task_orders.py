"""The orders of the lists of tasks. By points, money or customer only what waits: an index holds each of these, and
what was decided in all the years is read by time."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from workflows import desk_filters
from workflows.admin.orders import NEWEST, Key, Order, by_amount, by_columns
from workflows.models import AdminTask, WorkflowRequest
from workflows.states import State

_WAITS = Q(request__state=State.WAITING)
_ID = Key("id", AdminTask._meta.pk)
_REQUEST = Key("request_id", WorkflowRequest._meta.pk)
_TAIL = (_REQUEST, _ID)
_CUSTOMER = (Key("request__customer_id", WorkflowRequest._meta.get_field("customer_id"), "request.customer_id"), *_TAIL)

_BY_TASK = by_columns(AdminTask, "id")
_BY_DECISION = by_columns(AdminTask, "decided_at", "id")
_POINTS: dict[str, Any] = {"path": "request__amount", "tail": _TAIL, "column": "points", "holds": _WAITS}
_MONEY: dict[str, Any] = {"path": "request__money", "tail": _TAIL, "column": "money", "holds": _WAITS}
_BY_VALUE = (
    by_amount("most-points", _("Most points first"), **_POINTS, is_descending=True),
    by_amount("fewest-points", _("Fewest points first"), **_POINTS),
    by_amount("most-money", _("Most money first"), **_MONEY, is_descending=True),
    by_amount("least-money", _("Least money first"), **_MONEY),
    Order("customer", _("By customer"), _CUSTOMER, column="customer", holds=_WAITS),
    Order("customer-down", _("By customer, downwards"), _CUSTOMER, is_descending=True, column="customer", holds=_WAITS),
)


def offered(tab: str) -> list[Order]:
    """The orders that a tab can stand in, the usual one first."""
    if tab in desk_filters.OPEN_TABS:
        return [*_BY_TASK, *_BY_VALUE]
    by_time = _BY_DECISION if tab == desk_filters.DECIDED else _BY_TASK
    return sorted(by_time, key=lambda order: order.name != NEWEST)

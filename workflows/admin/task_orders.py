"""The orders of the lists of tasks. By points, money or customer only what waits: an index holds each of these, and
what was decided in all the years is read by time."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from workflows import desk_filters
from workflows.admin.orders import NEWEST, Key, Order, by_amount, by_columns
from workflows.models import AdminTask

_ID = Key("id", AdminTask._meta.pk)
_CUSTOMER: dict[str, Any] = {
    "keys": (Key("in_order_of", models.BigIntegerField()), _ID),
    "column": "customer",
    "computed": {"in_order_of": Coalesce("customer_id", Value(0))},
}

_BY_TASK = by_columns(AdminTask, "id")
_BY_DECISION = by_columns(AdminTask, "decided_at", "id")


def _by_value() -> list[Order]:
    points: dict[str, Any] = {"path": "amount", "tail": (_ID,), "column": "points"}
    money: dict[str, Any] = {"path": "money", "tail": (_ID,), "column": "money"}
    return [
        by_amount("most-points", _("Most points first"), **points, is_descending=True),
        by_amount("fewest-points", _("Fewest points first"), **points),
        by_amount("most-money", _("Most money first"), **money, is_descending=True),
        by_amount("least-money", _("Least money first"), **money),
        Order("customer", _("By customer"), **_CUSTOMER),
        Order("customer-down", _("By customer, downwards"), **_CUSTOMER, is_descending=True),
    ]  # fmt: skip


def offered(tab: str) -> list[Order]:
    """The orders that a tab can stand in, the usual one first."""
    if tab in desk_filters.OPEN_TABS:
        return [*_BY_TASK, *_by_value()]
    by_time = _BY_DECISION if tab == desk_filters.DECIDED else _BY_TASK
    return sorted(by_time, key=lambda order: order.name != NEWEST)

"""Rows of any age and state, put straight into the database: what no service would make on purpose."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

from django.db.models import Model
from uuid6 import uuid7

from goodwill.models import GoodwillRequest, GoodwillStatus
from tests.house import House
from workflows.models import WorkflowRequest
from workflows.states import State

_numbers = itertools.count(1)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def _again(row: Any, **changes: Any) -> Any:
    """A new row with the values of another one, but for the changes."""
    assert isinstance(row, Model)
    fields = {
        field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.primary_key
    }
    return type(row)(**(fields | changes))


def request_of(house: House, at: datetime = NOON, ended_at: datetime | None = None, **changes: Any) -> WorkflowRequest:
    """A waiting request made at some time, or one that was withdrawn at `ended_at`."""
    template = WorkflowRequest.objects.filter(organisation=house.organisation).first() or house.submit()
    row: WorkflowRequest = _again(
        template, id=uuid7(), reference_id=f"row-{next(_numbers)}", idempotency_key=None, state=State.WAITING,
        created_at=at, updated_at=at, ended_at=None, due_at=None, tries=0, **changes,
    )  # fmt: skip
    row.save(force_insert=True)
    if ended_at is not None:
        WorkflowRequest.objects.filter(pk=row.pk).update(state=State.WITHDRAWN, ended_at=ended_at, secret=None)
        row.refresh_from_db()
    return row


def history_row(house: House, at: datetime = NOON, **changes: Any) -> GoodwillRequest:
    """A row of the history from before the engine."""
    values: dict[str, Any] = {
        "organisation": house.organisation, "program": house.program, "customer_id": 382332518, "points": 20,
        "status": GoodwillStatus.APPROVED, "reason": "reason", "added_by": house.maker, "updated_by": house.checker,
        "added_on": at, "updated_on": at,
    }  # fmt: skip
    return GoodwillRequest.objects.create(**values | changes)

"""What tests of the engine share: moving a request along, and looking at everything that is kept of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from goodwill.models import GoodwillRequest
from tests.house import House
from tests.workflows.sandbox_client import Client
from wire import correlation
from workflows import execution
from workflows.models import AdminTask, AuditEvent, IntouchCall, WorkflowRequest
from workflows.states import QUEUED, State


def reread(request: WorkflowRequest) -> WorkflowRequest:
    """The request as the database has it."""
    return WorkflowRequest.objects.select_related("target").get(pk=request.pk)


def make_due(request: WorkflowRequest) -> None:
    """Let the time pass that a request waits for, its lease included."""
    past = Now() - timedelta(seconds=1)
    WorkflowRequest.objects.filter(pk=request.pk, state__in=QUEUED).update(due_at=past)
    WorkflowRequest.objects.filter(pk=request.pk, lease_expires_at__isnull=False).update(lease_expires_at=past)


def attempt(request: WorkflowRequest) -> WorkflowRequest:
    """One attempt of a worker at a request, now."""
    make_due(request)
    assert execution.execute(request.pk), "the request was not to be claimed"
    return reread(request)


def history(request: WorkflowRequest) -> str:
    """The status that the customer's history shows; empty where the request is not in it."""
    return GoodwillRequest.objects.filter(workflow_request=request).values_list("status", flat=True).first() or ""


def goodwill_of(request: WorkflowRequest) -> GoodwillRequest:
    return GoodwillRequest.objects.get(workflow_request=request)


def task_of(request: WorkflowRequest) -> AdminTask:
    return AdminTask.objects.get(request=request)


def calls_of(request: WorkflowRequest) -> list[IntouchCall]:
    return list(IntouchCall.objects.filter(request=request).order_by("attempt"))


def outcomes_of(request: WorkflowRequest) -> list[str | None]:
    return [call.outcome for call in calls_of(request)]


def events_of(request: WorkflowRequest) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(request=request).order_by("id"))


def actions_of(request: WorkflowRequest) -> list[str]:
    return [event.action for event in events_of(request)]


def whole_database() -> str:
    """Every row of every table as text, binary columns in hexadecimal: what a dump would hold."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT row_to_json(t)::text FROM "{table}" t')
            found += [row[0] for row in cursor.fetchall()]
    return "\n".join(found)


@dataclass(frozen=True)
class Counts:
    """How many rows there are of what a request leaves behind."""

    requests: int
    tasks: int
    goodwill: int
    events: int


def counts() -> Counts:
    models: tuple[Any, ...] = (WorkflowRequest, AdminTask, GoodwillRequest)
    return Counts(*(model.objects.count() for model in models), AuditEvent.objects.exclude(request=None).count())


@contextlib.contextmanager
def broken(constraint: str) -> Iterator[None]:
    """The block breaks this constraint or trigger, and the database refuses it under that name."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        yield
    diagnosis = getattr(caught.value.__cause__, "diag", None)
    assert diagnosis is not None
    assert (diagnosis.constraint_name or diagnosis.message_primary) == constraint


def sql(statement: str, *values: Any) -> None:
    """One statement as the application's own connection sends it."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def write(request: WorkflowRequest, **columns: Any) -> None:
    """Write columns of a request's row past every service."""
    names = ", ".join(f"{name} = %s" for name in columns)
    sql(f"UPDATE workflows_workflowrequest SET {names} WHERE id = %s", *columns.values(), request.pk)


@contextlib.contextmanager
def past_the_guards() -> Iterator[None]:
    """Without triggers, as somebody could write who owns the database."""
    sql("SET session_replication_role = replica")
    try:
        yield
    finally:
        sql("SET session_replication_role = origin")


def point_to(house: House, sandbox: Client) -> House:
    """Let the house's target be this sandbox."""
    house.target.base_url = sandbox.server.url
    house.target.save()
    return house


@contextlib.contextmanager
def correlated(correlation_id: str) -> Iterator[str]:
    """As if within a request that carries this correlation id."""
    correlation.begin(correlation_id)
    try:
        yield correlation_id
    finally:
        correlation.begin(None)


ENDED_BY = {
    State.REJECTED: "REJECTED",
    State.WITHDRAWN: "REJECTED",
    State.EXPIRED: "REJECTED",
    State.CREDITED: "APPROVED",
    State.FAILED: "FAILURE",
}

"""Reading: a fixed number of queries each, and only ever within one organisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from accounts.actors import Actor
from accounts.models import Organisation
from wire.kept_queries import Given, KeptQuery
from wire.messages import Statement, send
from workflows.errors import RequestNotFound
from workflows.models import AdminTask, AuditEvent, IntouchCall, WorkflowRequest
from workflows.states import State


def requests_of(actor: Actor) -> QuerySet[WorkflowRequest]:
    """Every request of the actor's organisation, with what the API shows of it; two queries."""
    return requests_in(actor.organisation)


def requests_in(organisation: Organisation) -> QuerySet[WorkflowRequest]:
    """Every request of the organisation, for whoever runs the whole of it; `requests_of` is for everybody else."""
    return (
        WorkflowRequest.objects.filter(organisation=organisation)
        .select_related("organisation")
        .defer("secret")
        .prefetch_related(Prefetch("tasks", queryset=AdminTask.objects.order_by("level")))
    )


_FOUND = KeptQuery(
    lambda: (
        WorkflowRequest.objects.filter(organisation=Given("organisation"), pk=Given("request"))
        .select_related("organisation")
        .defer("secret")
    )
)
_TASKS = KeptQuery(lambda: AdminTask.objects.filter(request=Given("request")).order_by("level"))


def find_request(actor: Actor, request_id: UUID) -> WorkflowRequest:
    """One request of the actor's organisation, as one of `requests_of`.

    Raises:
        RequestNotFound: unknown, or of another organisation.
    """
    found, its_tasks = send(
        _FOUND.asked_first(organisation=actor.organisation.pk, request=request_id), _TASKS.asked(request=request_id)
    )
    if found is None:
        raise RequestNotFound(reference="requestId")
    tasks = found.tasks.all()
    tasks._result_cache = its_tasks  # what `prefetch_related` keeps
    found._prefetched_objects_cache = {"tasks": tasks}
    request: WorkflowRequest = found
    return request


def state_of(request_id: UUID) -> State:
    """The state at this moment, by one look at the primary key."""
    asked = Statement("SELECT state FROM workflows_workflowrequest WHERE id = %s", [request_id], _only_value)
    return State(send(asked)[0])


def _only_value(cursor: Any) -> Any:
    (value,) = cursor.fetchone()
    return value


@dataclass(frozen=True, slots=True)
class Timeline:
    """What happened to a request: its events and its calls, oldest first."""

    events: list[AuditEvent]
    calls: list[IntouchCall]


def timeline(request: WorkflowRequest) -> Timeline:
    return Timeline(
        events=list(AuditEvent.objects.filter(request=request).order_by("id")),
        calls=list(IntouchCall.objects.filter(request=request).order_by("attempt")),
    )

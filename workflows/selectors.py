"""Reading: a fixed number of queries each, and only ever within one organisation."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from accounts.actors import Actor
from accounts.models import Organisation
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


def find_request(actor: Actor, request_id: UUID) -> WorkflowRequest:
    """One request of the actor's organisation.

    Raises:
        RequestNotFound: unknown, or of another organisation.
    """
    found = requests_of(actor).filter(pk=request_id).first()
    if found is None:
        raise RequestNotFound(reference="requestId")
    return found


def state_of(request_id: UUID) -> State:
    """The state at this moment, by one look at the primary key."""
    return State(WorkflowRequest.objects.values_list("state", flat=True).get(pk=request_id))


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

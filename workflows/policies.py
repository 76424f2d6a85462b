"""May they? The one place: admin and API hide their buttons with the same functions that the services enforce with."""

from __future__ import annotations

from typing import Protocol

from accounts.actors import Actor
from wire.errors import ApiError
from workflows.errors import AlreadyDecided, NoCredential, OwnRequest, PermissionDenied
from workflows.models import AdminTask, WorkflowRequest
from workflows.states import State


class Entity(Protocol):
    """Where a request comes from; both a submission's entity and a stored request are one."""

    concept_id: str
    zone_id: str
    store_id: str
    till_id: str


def _covered(actor: Actor, entity: Entity) -> bool:
    return actor.membership.covers(
        concept=entity.concept_id, zone=entity.zone_id, store=entity.store_id, till=entity.till_id
    )


def check_may_make(actor: Actor) -> None:
    """Raises PermissionDenied unless the actor is a maker."""
    if not actor.membership.is_maker:
        raise PermissionDenied("You need CanMakeRequest in this organisation.")


def check_may_submit(actor: Actor, entity: Entity, *, one_step: bool) -> None:
    """Raises PermissionDenied: no maker, outside the scope, or in one step without that grant."""
    check_may_make(actor)
    if not _covered(actor, entity):
        raise PermissionDenied("This till, store, zone or concept is outside your scope.", reference="entityInfo")
    if one_step and not actor.membership.may_issue_in_one_step:
        raise PermissionDenied(
            "Issuing in one step needs an explicit grant; submit without is_one_step_change.",
            reference="is_one_step_change",
        )


def may_see(actor: Actor, request: WorkflowRequest) -> bool:
    """Whether the actor may read the request: any member of its organisation."""
    return actor.organisation.pk == request.organisation_id


def why_not_decide(actor: Actor, request: WorkflowRequest, task: AdminTask | None = None) -> ApiError | None:
    """Why the actor may not decide the request now; None where they may.

    Four eyes come first, so that the maker learns the real reason and a superuser meets it too.

    Args:
        task: the open task, where it is known; whoever asked for a retry may not decide it either.
    """
    if request.maker_id == actor.user.pk:
        return OwnRequest()
    if task is not None and task.opened_by_id == actor.user.pk:
        return OwnRequest("You asked for this retry yourself; somebody else must decide it.")
    if not actor.membership.is_checker or not may_see(actor, request):
        return PermissionDenied("You need CanCheckRequest in this organisation.")
    if not _covered(actor, request):
        return PermissionDenied("The request's till, store, zone or concept is outside your scope.")
    if request.state != State.WAITING:
        return AlreadyDecided()
    return None


def why_not_withdraw(actor: Actor, request: WorkflowRequest) -> ApiError | None:
    """Why the actor may not withdraw the request now; only its maker may, and only while it waits."""
    if request.maker_id != actor.user.pk:
        return PermissionDenied("Only the maker of a request can withdraw it.")
    if request.state != State.WAITING:
        return AlreadyDecided()
    return None


def check_may_operate(actor: Actor) -> None:
    """Raises PermissionDenied unless the actor is an operator."""
    if not actor.membership.is_operator:
        raise PermissionDenied("You need the operator's role in this organisation.")


def why_not_retry(actor: Actor, request: WorkflowRequest) -> ApiError | None:
    """Why the actor may not ask for another try of a failed request; None where they may."""
    if not actor.membership.is_operator or not may_see(actor, request):
        return PermissionDenied("You need the operator's role in this organisation.")
    if request.state != State.FAILED:
        return AlreadyDecided("Only a failed request can be tried again.")
    if request.target.credential is None:
        return NoCredential()
    return None

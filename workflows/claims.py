"""Who is at which task: saying that one is looking at it, and handing it to somebody.

A claim binds nobody and ends by itself; a task that was handed over is decided by that person, or by a supervisor.
The request is locked before its task, as everywhere: the audit event names the request, so the database locks it too.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.models import User
from workflows import audit, policies
from workflows.errors import AlreadyDecided, PermissionDenied, RequestNotFound
from workflows.models import AdminTask, WorkflowRequest
from workflows.rules import people, stuck


def _locked(actor: Actor, task_id: int) -> AdminTask:
    """The open task, with its request, both locked.

    Raises:
        RequestNotFound: unknown, or of another organisation.
        AlreadyDecided: it is open no more.
    """
    of_task = WorkflowRequest.objects.filter(tasks=task_id, organisation=actor.organisation)
    request = of_task.select_for_update(of=("self",)).first()
    if request is None:
        raise RequestNotFound
    task = AdminTask.objects.select_for_update().get(pk=task_id)
    if task.decision is not None:
        raise AlreadyDecided
    task.request = request
    return task


@transaction.atomic(durable=True)
def claim(*, actor: Actor, task_id: int) -> bool:
    """Say that the actor is looking at the task; False where somebody else has said so before.

    Raises:
        RequestNotFound, AlreadyDecided, OwnRequest, PermissionDenied: see `policies.why_not_decide`.
    """
    task = _locked(actor, task_id)
    reason = policies.why_not_decide(actor, task.request, task)
    if reason is not None:
        raise reason
    if task.is_claimed and task.claimed_by_id != actor.user.pk:
        return False
    AdminTask.objects.filter(pk=task.pk).update(claimed_by=actor.user, claimed_at=Now())
    audit.record("task.claimed", request=task.request, actor=actor.user, level=task.stage)
    return True


@transaction.atomic(durable=True)
def release(*, actor: Actor, task_id: int) -> bool:
    """Say that the actor has stopped looking at the task; False where it was not theirs.

    Raises:
        RequestNotFound, AlreadyDecided.
    """
    task = _locked(actor, task_id)
    if task.claimed_by_id != actor.user.pk:
        return False
    AdminTask.objects.filter(pk=task.pk).update(claimed_by=None, claimed_at=None)
    audit.record("task.released", request=task.request, actor=actor.user, level=task.stage)
    return True


def able_to_take(request: WorkflowRequest, task: AdminTask) -> list[User]:
    """Whom the open task could be handed to: everybody who may decide it, whoever has it now."""
    holder, task.assigned_to_id = task.assigned_to_id, None
    try:
        found = people.deciders(request.organisation_id)
        return [actor.user for actor in found if policies.why_not_decide(actor, request, task) is None]
    finally:
        task.assigned_to_id = holder


@transaction.atomic(durable=True)
def assign(*, actor: Actor, task_id: int, user_id: int | None) -> None:
    """Hand the task to somebody who may decide it, or back to everybody (None); other claims of it end.

    Raises:
        RequestNotFound, AlreadyDecided, OwnRequest, PermissionDenied: see `policies.why_not_assign`; and where that
            person may not decide the task.
    """
    task = _locked(actor, task_id)
    reason = policies.why_not_assign(actor, task.request, task)
    if reason is not None:
        raise reason
    taker = None
    if user_id is not None:
        taker = next((user for user in able_to_take(task.request, task) if user.pk == user_id), None)
        if taker is None:
            raise PermissionDenied(_("This person may not decide the task; hand it to somebody who may."))
    if task.assigned_to_id == user_id:
        return
    AdminTask.objects.filter(pk=task.pk).update(assigned_to=taker, claimed_by=None, claimed_at=None)
    audit.record(
        "task.assigned" if taker is not None else "task.unassigned", request=task.request, actor=actor.user,
        level=task.stage, to=taker.display_name if taker is not None else None,
    )  # fmt: skip
    stuck.look(task.request)

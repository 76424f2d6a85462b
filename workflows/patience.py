"""Nothing waits for ever: reminders, escalation to the next people, a warning, and then the expiry.

Everything goes by the database's clock, and each act is a transaction of its own that looks again under the lock. So
two runs beside each other, or the same again, act once, and what somebody is deciding just now is passed over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Greatest, Now

from workflows import audit, services
from workflows.collisions import is_collision
from workflows.errors import AlreadyDecided
from workflows.models import AdminTask, WorkflowRequest
from workflows.rules import stuck
from workflows.states import State

logger = logging.getLogger(__name__)

BATCH: Final = 500


def run() -> int:
    """Do what is due, at most `BATCH` of each kind; how much that was.

    The warning comes before the expiry, so that a request that is overdue for both is warned of first.
    """
    return (
        _each(_of_tasks("escalate_at"), _escalate)
        + _each(_of_tasks("remind_at"), _remind)
        + _each(_of_requests("warn_at"), _warn)
        + _each(_of_requests("expires_at").filter(warn_at=None), _expire)
    )


def _of_tasks(column: str) -> QuerySet[Any]:
    due = AdminTask.objects.filter(**{f"{column}__lte": Now()}, decision=None)
    return due.select_for_update(skip_locked=True).order_by(column).values_list("request_id", flat=True)


def _of_requests(column: str) -> QuerySet[Any]:
    due = WorkflowRequest.objects.filter(**{f"{column}__lte": Now()}, state=State.WAITING)
    return due.select_for_update(skip_locked=True).order_by(column).values_list("pk", flat=True)


def _each(due: QuerySet[Any], act: Callable[[UUID], bool]) -> int:
    """Act on each that is due; one that cannot be acted on holds up none of the others."""
    with transaction.atomic(durable=True):  # the locks only tell what somebody is at
        ids = list(due[:BATCH])
    done = failed = 0
    for request_id in ids:
        try:
            done += act(request_id)
        except Exception as error:
            if isinstance(error, (OperationalError, InterfaceError)) and not is_collision(error):
                raise  # the database is away, for all of them
            failed += 1
            logger.exception("what was due could not be done", extra={"request_id": str(request_id)})
    if failed:
        logger.error(
            "%d of %d that were due could not be done; they are tried again at the next beat", failed, len(ids)
        )
    return done


def _locked(request_id: UUID) -> WorkflowRequest | None:
    """The request, if it waits and nobody is at it."""
    free = WorkflowRequest.objects.select_for_update(of=("self",), skip_locked=True)
    return free.filter(pk=request_id, state=State.WAITING).first()


def _locked_task(request_id: UUID, column: str) -> AdminTask | None:
    """The open task of a request that nobody is at, if this is still due."""
    request = _locked(request_id)
    if request is None:
        return None
    due = AdminTask.objects.select_for_update().filter(request=request, decision=None, **{f"{column}__lte": Now()})
    task = due.first()
    if task is not None:
        task.request = request
    return task


@transaction.atomic(durable=True)
def _remind(request_id: UUID) -> bool:
    task = _locked_task(request_id, "remind_at")
    if task is None:
        return False
    AdminTask.objects.filter(pk=task.pk).update(remind_at=None)
    audit.record("task.reminded", request=task.request, actor=None, level=task.stage)
    return True


@transaction.atomic(durable=True)
def _escalate(request_id: UUID) -> bool:
    """From now on the backup people may fill this place as well; still one place for one person.

    Whom it was handed to has had their time: that ends, so that it keeps nobody away.
    """
    task = _locked_task(request_id, "escalate_at")
    if task is None:
        return False
    AdminTask.objects.filter(pk=task.pk).update(escalate_at=None, escalated_at=Now(), assigned_to=None)
    audit.record("task.escalated", request=task.request, actor=None, level=task.stage, role=task.backup_role)
    stuck.look(task.request)
    return True


@transaction.atomic(durable=True)
def _warn(request_id: UUID) -> bool:
    """Say that the request will expire; a warning that comes late moves the expiry, so that its time is never cut."""
    request = _locked(request_id)
    if request is None:
        return False
    due = WorkflowRequest.objects.filter(pk=request_id, warn_at__lte=Now())
    later = Now() + (F("expires_at") - F("warn_at"))
    if not due.update(expires_at=Greatest("expires_at", later), warn_at=None):
        return False
    request.refresh_from_db(fields=["expires_at"])
    expires_at = request.expires_at.isoformat(timespec="seconds") if request.expires_at is not None else None
    audit.record("request.expiry_warned", request=request, actor=None, expires_at=expires_at)
    return True


def _expire(request_id: UUID) -> bool:
    organisation_id = WorkflowRequest.objects.values_list("organisation_id", flat=True).get(pk=request_id)
    try:
        services.expire(organisation_id=organisation_id, request_id=request_id, only_if_due=True)
    except AlreadyDecided:
        return False  # somebody was faster
    return True

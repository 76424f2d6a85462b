"""The decisions of a request, opened one after the other, as its snapshot of the policy says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models.functions import Now

from accounts.models import User
from workflows import audit
from workflows.models import AdminTask, Decision, WorkflowRequest
from workflows.models.policy import terms_of
from workflows.new_rows import insert
from workflows.terms.document import Level, Patience, Terms
from workflows.terms.judging import steps_of


def terms_of_request(request: WorkflowRequest) -> Terms:
    """The terms that judged the request; those of today's defaults where it is older than versions."""
    return Terms() if request.policy_version_id is None else terms_of(request.policy_version_id)


def levels_of(request: WorkflowRequest) -> tuple[Level, ...]:
    """The levels that the request was told; one checker where it is older than levels."""
    told = request.judgement.get("levels")
    return (Level(),) if told is None else tuple(Level.model_validate(level) for level in told)


def first_of(
    request: WorkflowRequest, levels: Sequence[Level], patience: Patience, now: datetime, barred: Sequence[int] = ()
) -> AdminTask:
    """The first decision of a new request; to be stored with it.

    Args:
        barred: users who may decide at no level.
    """
    return _opened(request, levels[0], patience, now, level=1, stage=1, barred=barred)


def has_next(request: WorkflowRequest, decided: AdminTask) -> bool:
    """Whether another decision follows, once this one is an approval."""
    # A retry is one decision.
    return decided.opened_by_id is None and decided.level < len(steps_of(levels_of(request)))


def open_next(request: WorkflowRequest, decided: AdminTask) -> None:
    """Open the decision that follows an approved one."""
    stage, level = steps_of(levels_of(request))[decided.level]
    assert decided.decided_at is not None  # noqa: S101 - it was decided just now
    before = AdminTask.objects.filter(request=request, decision=Decision.APPROVED, checker__isnull=False)
    deciders = before.values_list("checker_id", flat=True)
    insert(_opened(
        request, level, terms_of_request(request).patience, decided.decided_at,
        level=decided.level + 1, stage=stage, barred=sorted({*decided.barred, *deciders}),
    ))  # fmt: skip
    audit.record("level.opened", request=request, actor=None, level=stage, role=level.role)


def open_retry(request: WorkflowRequest, *, opened_by: User) -> None:
    """One checker decides whether a failed request is tried again."""
    count = AdminTask.objects.filter(request=request).count()
    patience = terms_of_request(request).patience
    insert(_opened(request, Level(), patience, request.updated_at, level=count + 1, stage=1, opened_by=opened_by))


def still_to_come(request: WorkflowRequest, task: AdminTask) -> list[AdminTask]:
    """The decisions that follow the open one, as they will be opened; none of them is stored."""
    if task.opened_by_id is not None:
        return []  # a retry is one decision
    return [
        _task(request, level, level=number, stage=stage, barred=task.barred)
        for number, (stage, level) in enumerate(steps_of(levels_of(request)), start=1)
        if number > task.level
    ]


def _opened(
    request: WorkflowRequest, needs: Level, patience: Patience, now: datetime, *, level: int, stage: int,
    barred: Sequence[int] = (), opened_by: User | None = None,
) -> AdminTask:  # fmt: skip
    task = _task(request, needs, level=level, stage=stage, barred=barred)
    task.opened_at, task.opened_by = now, opened_by
    task.remind_at = in_hours(patience.remind_after)
    task.escalate_at = in_hours(patience.escalate_after) if needs.backup is not None else None
    return task


def _task(
    request: WorkflowRequest, needs: Level, *, level: int, stage: int, barred: Sequence[int]
) -> AdminTask:  # fmt: skip
    backup = needs.backup
    return AdminTask(
        organisation_id=request.organisation_id, request=request, maker_id=request.maker_id, level=level, stage=stage,
        role=needs.role, users=list(needs.users), concepts=list(needs.concepts), zones=list(needs.zones),
        stores=list(needs.stores), tills=list(needs.tills), barred=list(barred),
        customer_id=request.customer_id, amount=request.amount, money=request.money,
        backup_role=backup.role if backup is not None else "",
        backup_users=list(backup.users) if backup is not None else [],
    )  # fmt: skip


def in_hours(hours: int | None) -> Any:
    """So many hours from now, by the database's clock."""
    return None if hours is None else Now() + timedelta(hours=hours)

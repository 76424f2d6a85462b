"""The audit trail: one row in the same transaction as the change it tells of."""

from __future__ import annotations

from typing import Any

from django.db import connection

from accounts.models import User
from wire import correlation
from wire.messages import Statement, send
from wire.redaction import redact
from workflows import notices
from workflows.models import AuditEvent, WorkflowRequest
from workflows.new_rows import inserted

SYSTEM = "system"


def record(
    action: str,
    *,
    actor: User | None,
    request: WorkflowRequest | None = None,
    organisation_id: int | None = None,
    **details: Any,
) -> None:
    """Write one event about a request, or about an organisation where no request is concerned.

    What somebody should be told of it by mail is noted in the same transaction.

    Args:
        action: dotted and stable, e.g. `task.approved`.
        actor: who did it; None for the service itself.
        details: JSON values; whatever looks like a credential is masked.

    Raises:
        RuntimeError: outside a transaction, where the event could stand without its change.
    """
    send(*said(action, actor=actor, request=request, organisation_id=organisation_id, **details))


def said(
    action: str, *, actor: User | None, request: WorkflowRequest | None = None, organisation_id: int | None = None,
    **details: Any,
) -> list[Statement[None]]:  # fmt: skip
    """The statements of `record`, to be sent with those of the change. They tell of the request as it is now."""
    row = event(action, actor=actor, request=request, organisation_id=organisation_id, **details)
    return [inserted(row), *notices.noted(action, request)]


def event(
    action: str, *, actor: User | None, request: WorkflowRequest | None = None, organisation_id: int | None = None,
    **details: Any,
) -> AuditEvent:  # fmt: skip
    """What `record` writes, for whoever stores it together with the very change."""
    if request is not None:
        organisation_id = request.organisation_id
    if organisation_id is None:
        raise RuntimeError("an audit event belongs to an organisation")
    if not connection.in_atomic_block:
        raise RuntimeError("an audit event is written in the transaction of the change it tells of")
    return AuditEvent(
        organisation_id=organisation_id,
        request=request,
        action=action,
        actor=actor,
        actor_name=actor.display_name if actor is not None else SYSTEM,
        correlation_id=correlation.current() or (request.correlation_id if request is not None else ""),
        details=redact(details),
    )

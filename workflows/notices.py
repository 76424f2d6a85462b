"""Noting what somebody should be told by mail: a row in the transaction of the change, and a hint after its commit."""

from __future__ import annotations

from django.conf import settings
from django.db.models.functions import Now

from wire.messages import Statement, send
from workflows.models import Notice, NoticeKind, WorkflowRequest
from workflows.new_rows import inserted
from workflows.queue import announce_mail
from workflows.states import State

_OPENS_A_TASK = frozenset({"request.submitted", "request.retry_asked", "task.approved"})
_ENDS_A_REQUEST = frozenset({"task.rejected", "request.expired"})
_ATTEMPT = ("call.", "change.")
_ALERTS = {
    "task.reminded": NoticeKind.REMINDER, "task.escalated": NoticeKind.BACKUP,
    "request.expiry_warned": NoticeKind.EXPIRING, "request.stuck": NoticeKind.STUCK,
}  # fmt: skip


def note(action: str, request: WorkflowRequest | None) -> None:
    """Note what an audit event of this action, on the request as it is now, means for anybody's mail; mostly nothing.

    One statement where there is something to tell, and none where the service sends no mail.
    """
    send(*noted(action, request))


def noted(action: str, request: WorkflowRequest | None) -> list[Statement[None]]:
    """The statements of `note`, to be sent with others."""
    kind = _kind_of(action, request) if settings.MAIL_ON and request is not None else None
    if request is None or kind is None:
        return []
    notice = Notice(organisation_id=request.organisation_id, request=request, kind=kind, due_at=Now())
    return [inserted(notice).then(lambda _: announce_mail(notice.pk))]


def _kind_of(action: str, request: WorkflowRequest) -> NoticeKind | None:
    # A decision is recorded before the state moves, so an approval may open a further level or none: who is told of it
    # is only looked up when the mail is sent, and then there is nobody to tell of a request that waits no more.
    if action in _OPENS_A_TASK and request.state == State.WAITING:
        return NoticeKind.WAITING
    if action in _ENDS_A_REQUEST or (action.startswith(_ATTEMPT) and request.state in (State.CREDITED, State.FAILED)):
        return NoticeKind.OUTCOME
    return _ALERTS.get(action)

"""The only writers of state once a request is made (`workflows.submitting`): decide, withdraw, expire, settled.

Each takes an id, locks the row, and only then looks. Locks are taken in one order: request, then its task, then what
the type keeps (docs/locking.md). Nothing leaves before commit.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor, actor_in, asked
from accounts.freshness import FreshProof
from accounts.models import User
from accounts.moments import spelled
from wire import strict_json
from wire.kept_queries import Given, KeptQuery, updated
from wire.messages import Statement, send
from workflows import audit, policies, registry
from workflows.errors import AlreadyDecided, ContentChanged, PermissionDenied, RequestNotFound
from workflows.intouch.outcomes import Outcome
from workflows.models import AdminTask, CallOutcome, Decision, WorkflowRequest
from workflows.queue import announce
from workflows.rules import levels, stuck, usage, verdicts
from workflows.states import ENDED, State, can_move

_LOCKED = KeptQuery(
    lambda: (
        WorkflowRequest.objects.select_for_update()
        .defer("payload", "result", "secret", "idempotency_key", "program_name", "rule", "source")
        .filter(pk=Given("request"), organisation=Given("organisation"))
        .order_by()
    )
)
_OPEN_TASK = KeptQuery(
    lambda: (
        AdminTask.objects.select_for_update()
        .filter(request=Given("request"), organisation=Given("organisation"), decision=None)
        .order_by()
    )
)


def _locked_for(actor: Actor, request_id: UUID) -> tuple[WorkflowRequest, Actor, AdminTask | None]:
    """Lock the request and its open task, then read the actor's rights: what was taken away meanwhile is taken away.

    Raises:
        RequestNotFound, PermissionDenied.
    """
    organisation_id = actor.organisation.pk
    request, fresh, task = send(
        _LOCKED.asked_first(request=request_id, organisation=organisation_id),
        asked(user_id=actor.user.pk, organisation_id=organisation_id),
        _OPEN_TASK.asked_first(request=request_id, organisation=organisation_id),
    )
    if request is None:
        raise RequestNotFound(reference="requestId")
    if fresh is None:
        raise PermissionDenied
    return request, fresh, task


def _locked(organisation_id: int, request_id: UUID) -> WorkflowRequest:
    """Lock the request; only what is read after this may be believed."""
    request = _LOCKED.first(request=request_id, organisation=organisation_id)
    if request is None:
        raise RequestNotFound(reference="requestId")
    return request


@transaction.atomic(durable=True)
def decide(
    *,
    actor: Actor,
    request_id: UUID,
    decision: Decision,
    message: str,
    digests: Collection[str] = (),
    proof: FreshProof | None = None,
    task_id: int | None = None,
    slug: str | None = None,
) -> WorkflowRequest:
    """Approve or reject a waiting request. Exactly one decision is ever recorded.

    Args:
        decision: APPROVED or REJECTED.
        message: 1 to 1000 characters.
        digests: the content that the checker looked at, where the client names it: one of them has to be the request's.
        proof: that the actor has only just proved who they are; without it no amount is approved above the one from
            which the organisation asks for that. One proof serves all decisions of one form.
        task_id: the task that the checker looked at, where the client names it; the next level is not decided instead.
        slug: the request's type, where the client names it.

    Raises:
        RequestNotFound: unknown, of another organisation or of another type.
        FreshProofNeeded: see `policies.check_fresh_enough`.
        OwnRequest, PermissionDenied, AlreadyDecided: see `policies.why_not_decide`.
        PermissionDenied: see `stuck.check_leaves_enough`.
        ContentChanged: none of `digests` is the request's.
    """
    request, fresh, task = _locked_for(actor, request_id)
    if slug not in (None, request.request_type):
        raise RequestNotFound(_("The request is not of this type. Check the URL."), reference="requestId")
    reason = policies.why_not_decide(fresh, request, task)
    if reason is not None:
        raise _with_winner(reason, request)
    if decision == Decision.APPROVED:
        policies.check_fresh_enough(fresh, request, proof)
        if task is not None:
            stuck.check_leaves_enough(fresh, request, task)
    if digests and request.digest not in digests:
        raise ContentChanged(reference="If-Match")
    if task is None or task_id not in (None, task.pk):
        raise _with_winner(AlreadyDecided(), request)
    decided = [
        _closed(task, decision, message, fresh.user, request.digest),
        *audit.said(f"task.{decision}", request=request, actor=fresh.user, message=message, digest=request.digest,
                    level=task.stage),
    ]  # fmt: skip
    if decision == Decision.REJECTED:
        send(*decided, *_moved(request, State.REJECTED), and_commit=True)
    elif levels.has_next(request, task):
        send(*decided)
        levels.open_next(request, task)
        stuck.look(request)  # whoever has decided this level cannot fill a later one
    else:
        send(*decided, *_moved(request, State.EXECUTING, due=True), and_commit=True)
        announce(request.pk)
    return request


def _with_winner(reason: Exception, request: WorkflowRequest) -> Exception:
    """A late checker is told who was faster, and what they decided."""
    if not isinstance(reason, AlreadyDecided):
        return reason
    last = AdminTask.objects.filter(request=request).exclude(decision=None).order_by("-level").first()
    if last is None or last.decision is None:
        return AlreadyDecided(_("The request has needed no decision: it was approved when it was made."))
    words = {
        "decision": last.get_decision_display(), "who": last.checker_name,
        "at": spelled(last.decided_at, request.organisation) if last.decided_at else "",
    }  # fmt: skip
    if last.checker_name:
        return AlreadyDecided(_("The request was already %(decision)s by %(who)s at %(at)s.") % words)
    return AlreadyDecided(_("The request was already %(decision)s at %(at)s.") % words)


_DECIDED = ("decision", "message", "checker", "checker_name", "decided_at", "digest", "claimed_by", "claimed_at")


def _closed(task: AdminTask, decision: Decision, message: str, checker: User | None, digest: str) -> Statement[None]:
    """Decide a locked task; the statement that writes it."""
    task.decision = decision
    task.message = message
    task.checker = checker
    task.checker_name = checker.display_name if checker is not None else ""
    task.decided_at = timezone.now()
    task.digest = digest if checker is not None else ""
    task.claimed_by = task.claimed_at = None
    return updated(task, _DECIDED)


_MOVED = ("state", "updated_at", "due_at", "ended_at", "lease_expires_at", "stuck_at")


def _moved(request: WorkflowRequest, state: State, *, due: bool = False, **changes: Any) -> list[Statement[None]]:
    """Give a locked request a new state; the statements that write it, and all that follows it.

    An ended one loses its credential, its lease and its due time.
    """
    before = State(request.state)
    if not can_move(before, state):
        words = {"before": before.label, "after": state.label}
        raise AlreadyDecided(_("A request that is %(before)s cannot become %(after)s.") % words)
    request.state = state
    request.stuck_at = None
    request.updated_at = max(timezone.now(), request.created_at)
    if state in ENDED:
        request.ended_at = request.updated_at
        request.secret = request.due_at = request.lease_expires_at = None
    for name, value in changes.items():
        setattr(request, name, value)
    # Due by the clock that the claim compares with, whatever this host's says.
    names = (*_MOVED, "secret", *changes) if state in ENDED else (*_MOVED, *changes)
    written = updated(request, names, by_clock=("due_at",) if due else ())
    freed = usage.freed(request) if state in ENDED and state != State.CREDITED else []
    return [written, *freed, *registry.get(request.request_type).on_changed(request)]


@transaction.atomic(durable=True)
def withdraw(*, actor: Actor, request_id: UUID, message: str = "") -> WorkflowRequest:
    """Take back one's own request while it waits.

    Raises:
        RequestNotFound, PermissionDenied, AlreadyDecided.
    """
    request = _locked(actor.organisation.pk, request_id)
    reason = policies.why_not_withdraw(actor, request)
    if reason is not None:
        raise _with_winner(reason, request)
    _end_undecided(request, Decision.WITHDRAWN, State.WITHDRAWN, message)
    audit.record("request.withdrawn", request=request, actor=actor.user, message=message)
    return request


@transaction.atomic(durable=True)
def expire(*, organisation_id: int, request_id: UUID, only_if_due: bool = False) -> WorkflowRequest:
    """End a request that nobody decided in time.

    Args:
        only_if_due: not before its time, by the database's clock, and not before its warning was given.

    Raises:
        RequestNotFound, AlreadyDecided.
    """
    request = _locked(organisation_id, request_id)
    if request.state != State.WAITING:
        raise AlreadyDecided
    if only_if_due and not WorkflowRequest.objects.filter(pk=request_id, expires_at__lte=Now(), warn_at=None).exists():
        raise AlreadyDecided(_("The request has not expired."))
    _end_undecided(request, Decision.EXPIRED, State.EXPIRED, "")
    audit.record("request.expired", request=request, actor=None)
    return request


def _end_undecided(request: WorkflowRequest, decision: Decision, state: State, message: str) -> None:
    task = AdminTask.objects.select_for_update().get(request=request, decision=None)
    send(_closed(task, decision, message, None, ""), *_moved(request, state))


@transaction.atomic(durable=True)
def ask_for_retry(*, actor: Actor, request_id: UUID, message: str) -> WorkflowRequest:
    """Put a failed request before a checker once more; approved, it is called with the same reference.

    Whoever asks may not decide, nor may the maker.

    Raises:
        RequestNotFound, PermissionDenied, AlreadyDecided, NoCredential: see `policies.why_not_retry`.
        LimitReached: its points were freed when it failed, and by now others have used the limit up.
    """
    request = _locked(actor.organisation.pk, request_id)
    fresh = actor_in(user_id=actor.user.pk, organisation_id=actor.organisation.pk)
    reason = policies.why_not_retry(fresh, request)
    if reason is not None:
        raise reason
    locked_at = verdicts.lock_counters(request)
    patience = levels.terms_of_request(request).patience
    waits = {"expires_at": levels.in_hours(patience.expire_after), "warn_at": levels.in_hours(patience.warn_after)}
    send(*_moved(request, State.WAITING, ended_at=None, **waits))
    verdicts.count_again(request, locked_at)
    levels.open_retry(request, opened_by=actor.user)
    stuck.look(request)
    audit.record("request.retry_asked", request=request, actor=actor.user, message=message)
    return request


def settled(request: WorkflowRequest, outcome: Outcome, *, retry_in: float | None) -> list[Statement[None]]:
    """Give a request that the caller has locked (`execution.record`, `.claim_due`) what an attempt has brought.

    Nothing is called failed that may have been credited: once an outcome was unknown, a later refusal or a time without
    connection proves nothing about the earlier attempt, and the request stays unknown.

    Args:
        retry_in: seconds until the next try; None when none is left, which leaves an unknown one to a person.

    Returns:
        the statements that write it, to be sent behind the one that finishes the call.
    """
    details: dict[str, Any] = {"attempt": request.tries, "http_status": outcome.http_status, "error": outcome.error}
    request.last_error = "" if outcome.kind == CallOutcome.CREDITED else outcome.error
    if outcome.shown is not None:
        request.result = strict_json.dumps(outcome.shown)
    if outcome.kind == CallOutcome.CREDITED:
        written = _moved(request, State.CREDITED, result=request.result, last_error="")
    elif outcome.kind == CallOutcome.ABSENT:
        written = _moved(request, State.EXECUTING, due=True, lease_expires_at=None, last_error="")
    elif request.state == State.EXECUTING and _is_final_failure(outcome, retry_in):
        written = _moved(request, State.FAILED, result=request.result, last_error=request.last_error)
    else:
        written = _waiting_on(request, outcome, retry_in)
    is_local = registry.get(request.request_type).local is not None
    action = f"change.{outcome.kind}" if is_local else f"call.{outcome.kind}"
    return [*written, *audit.said(action, request=request, actor=None, state=request.state, **details)]


def _is_final_failure(outcome: Outcome, retry_in: float | None) -> bool:
    """Refused, or never sent and no try left: certainly nothing was credited."""
    return outcome.kind == CallOutcome.REFUSED or (outcome.kind == CallOutcome.NOT_SENT and retry_in is None)


def _waiting_on(request: WorkflowRequest, outcome: Outcome, retry_in: float | None) -> list[Statement[None]]:
    """Give the lease back and set the next due time; by the database's clock, which all workers share."""
    due = None if retry_in is None else Now() + timedelta(seconds=retry_in)
    changes: dict[str, Any] = {
        "due_at": due, "lease_expires_at": None, "last_error": request.last_error, "result": request.result,
    }  # fmt: skip
    if outcome.kind == CallOutcome.UNKNOWN and request.state == State.EXECUTING:
        return _moved(request, State.UNKNOWN, **changes)
    for name, value in changes.items():
        setattr(request, name, value)
    return [updated(request, tuple(changes))]

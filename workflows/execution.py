"""The journey of an approved request: claim, call, record. The order is what makes it exactly once.

1. *Claim*: a committed update takes a lease and a number, and writes the call's row, before the first byte is sent.
2. *Call* (`workflows.attempts`): no transaction is open.
3. *Record*: one transaction, and only if the number is still the row's: a worker that lost its lease records nothing.

An attempt that may have reached Intouch makes the request `UNKNOWN`. It is reconciled as the policy says: asked again
with the same reference, which Intouch refuses if it has credited it (then that refusal is the confirmation), or looked
up first. Only a look-up that was answered late enough proves that nothing was credited.

A request of a local type is not called but carried out here, in the very transaction that records it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from wire.kept_queries import Given, KeptQuery
from wire.messages import Statement, send, send_alone
from workflows import audit, breaker, lease_clock, next_try, registry
from workflows.attempts import APPROVED, Claim, attempt, carry_out_here, digests_of, purpose_of
from workflows.failpoints import failpoint
from workflows.intouch.outcomes import Outcome
from workflows.models import CallOutcome, CallPurpose, IntouchCall, IntouchTarget, Pause, TargetBreaker, WorkflowRequest
from workflows.services import settled
from workflows.states import QUEUED, State

logger = logging.getLogger(__name__)

LOST_WORKER = "the worker ended between sending and recording"
LOST_HERE = "the worker ended before this was carried out"


def execute(request_id: UUID) -> bool:
    """Make at most one attempt at a due request. Safe to call any number of times, from anywhere.

    Returns:
        Whether there was anything to do.
    """
    failpoint("claim.before")
    claim = claim_due(request_id)
    if claim is None:
        return False
    failpoint("claim.after")
    if claim.purpose == CallPurpose.LOCAL:
        carry_out_and_record(claim)
        return True
    outcome = attempt(claim)
    failpoint("record.before")
    record(claim, outcome)
    failpoint("record.after")
    return True


def _due() -> QuerySet[WorkflowRequest]:
    """What a worker may claim now, by the database's clock: due, not leased, not paused, its target not left alone."""
    pauses = Pause.objects.filter(organisation=OuterRef("organisation"))
    # A pause of everything stops the calls. Settings can be put right meanwhile, unless they are paused by name.
    all_paused, type_paused = pauses.filter(request_type=""), pauses.filter(request_type=OuterRef("request_type"))
    left_alone = TargetBreaker.objects.filter(target=OuterRef("target"), open_until__gt=Now())
    return WorkflowRequest.objects.filter(
        Q(lease_expires_at=None) | Q(lease_expires_at__lte=Now()),
        Q(target=None) | ~Exists(all_paused),
        ~Exists(type_paused),
        ~Exists(left_alone),
        state__in=QUEUED,
        due_at__lte=Now(),
    )


# Committed with the lease: the row of the call that may be made under it.
_TAKEN = """
claimed AS (
    UPDATE workflows_workflowrequest
       SET tries = tries + 1, lease_expires_at = statement_timestamp() + %s * interval '1 second'
     WHERE id = %s {only_if}
    RETURNING id, organisation_id, tries
), called AS (
    INSERT INTO workflows_intouchcall (organisation_id, request_id, attempt, purpose, started_at, error)
    SELECT organisation_id, id, tries, %s, statement_timestamp(), '' FROM claimed)
"""


def _locked_due() -> QuerySet[WorkflowRequest]:
    due = _due().select_for_update(skip_locked=True, of=("self",)).select_related("target__breaker")
    return due.filter(pk=Given("request")).order_by()


_CALLED_FOR = (
    "organisation_id", "request_type", "reference_id", "till_id", "store_id", "zone_id", "concept_id", "payload",
    "digest", "secret", "correlation_id", "state", "tries",
    "target__base_url", "target__allows_internal", "target__is_enabled", "target__credential",
    "target__breaker__failures", "target__breaker__open_until",
)  # fmt: skip
_TAKEN_FIRST = KeptQuery(
    lambda: (
        _locked_due()
        .filter(state=State.EXECUTING, tries=0, target__isnull=False, target__breaker__open_until=None)
        .only(*_CALLED_FOR)
    ),
    around=f"WITH due AS ({{query}}), {_TAKEN.format(only_if='AND EXISTS (SELECT FROM due)')}"  # noqa: S608 - texts of this project
    f"SELECT due.*, ARRAY({APPROVED}) FROM due",
    given=("lease", "request", "purpose", "request"),
    also=("approved",),
)
_DUE_ONE = KeptQuery(_locked_due)


def claim_due(request_id: UUID) -> Claim | None:
    """Take the lease of a due request; None where it is not due, taken, paused, or being looked at."""
    return _claim_first(request_id) or _claim_again(request_id)


def _claim_first(request_id: UUID) -> Claim | None:
    """One statement, and a transaction of its own, for what nearly every hint is about: a request that nobody has
    called for yet, and whose target is not being left alone.
    """
    began, lease = lease_clock.now(), settings.INTOUCH_LEASE_SECONDS
    first = _TAKEN_FIRST.asked_first(request=request_id, lease=lease, purpose=CallPurpose.CREDIT)
    request = send_alone(first)
    if request is None:
        return None
    request.tries += 1
    approved = frozenset(request.approved)  # type: ignore[attr-defined]  # the query brings it beyond the row
    return Claim(request, request.tries, CallPurpose.CREDIT, False, approved, began + lease)


@transaction.atomic(durable=True)
def _claim_again(request_id: UUID) -> Claim | None:
    """Whatever there is to look at first: a lost call, an open breaker, earlier tries, a type that is local."""
    began, lease = lease_clock.now(), settings.INTOUCH_LEASE_SECONDS
    request = _DUE_ONE.first(request=request_id)
    if request is None or not _outlives_lost_call(request):
        return None
    if request.target is not None and not breaker.may_call(request.target):
        return None
    request.tries += 1
    purpose = purpose_of(request)
    taken = f"WITH {_TAKEN.format(only_if='')} {APPROVED}"
    (approved,) = send(Statement(taken, [lease, request.pk, purpose, request.pk], digests_of))
    return Claim(request, request.tries, purpose, _has_unknown_call(request), approved, began + lease)


def _outlives_lost_call(request: WorkflowRequest) -> bool:
    """A call without an outcome whose lease ran out: its worker died, perhaps after sending. Its outcome is unknown;
    what is carried out here was not, because its record is missing too.

    Returns:
        False where that was the last try: what kills its worker each time must not do so for ever.
    """
    if request.lease_expires_at is None:
        return True
    outcome = Outcome(CallOutcome.UNKNOWN, error=LOST_WORKER)
    if registry.get(request.request_type).local is not None:
        outcome = Outcome(CallOutcome.NOT_SENT, error=LOST_HERE)
    lost = IntouchCall.objects.filter(request=request, outcome=None).update(
        outcome=outcome.kind, finished_at=Now(), error=outcome.error
    )
    if not lost:
        return True
    has_tries = next_try.has_tries(request)
    send(*settled(request, outcome, retry_in=0 if has_tries else None))
    return has_tries


def _has_unknown_call(request: WorkflowRequest) -> bool:
    """Whether an earlier attempt to credit may have done so, and Intouch did not know the reference before it."""
    if request.tries == 1:
        return False
    told = IntouchCall.objects.filter(request=request, purpose=CallPurpose.CREDIT).order_by("attempt")
    is_maybe_ours = told.filter(Q(outcome=CallOutcome.UNKNOWN) | Q(already_known=True))
    first = is_maybe_ours.values_list("already_known", flat=True).first()
    return first is False


@transaction.atomic(durable=True)
def record(claim: Claim, outcome: Outcome) -> bool:
    """Write what is known after an attempt.

    Returns:
        False where another worker holds the request by now: then nothing is changed, and the audit says so.
    """
    request = _locked(claim)
    if outcome.already_known and claim.may_have_credited:
        # The reference exists because of an earlier attempt of ours; without one it would be somebody else's.
        outcome = replace(outcome, kind=CallOutcome.CREDITED)
    if not _is_held(request, claim):
        audit.record("call.late", request=request, actor=None, attempt=claim.attempt, outcome=outcome.kind)
        logger.warning("a late outcome was not recorded", extra={"request_id": str(request.pk)})
        return False
    if request.target is not None:
        _tell_breaker(request.target, outcome)
    _write(request, claim, outcome)
    return True


@transaction.atomic(durable=True)
def carry_out_and_record(claim: Claim) -> bool:
    """Carry out a request of a local type and write what came of it, both or neither.

    Returns:
        False where another worker holds the request by now: then nothing is changed.
    """
    request = _locked(claim, _LOCKED_WHOLE)
    if not _is_held(request, claim):
        return False
    outcome = carry_out_here(request)
    failpoint("local.applied")
    _write(request, claim, outcome)
    return True


# What `settled` may look at or write; what the claim has read is not believed any more.
_RECORDED = (
    "organisation_id", "request_type", "state", "tries", "created_at", "correlation_id", "auto_approved", "due_at",
    "ended_at", "lease_expires_at", "stuck_at", "updated_at", "last_error", "result", "counted_on", "amount",
    "customer_id", "maker_id", "program_id", "store_id",
    "target__id", "target__breaker__failures", "target__breaker__open_until",
)  # fmt: skip


def _lock() -> QuerySet[WorkflowRequest]:
    locked = WorkflowRequest.objects.select_for_update(of=("self",)).select_related("target__breaker")
    return locked.filter(pk=Given("request")).order_by()


_LOCKED = KeptQuery(lambda: _lock().only(*_RECORDED))
_LOCKED_WHOLE = KeptQuery(_lock)


def _locked(claim: Claim, query: KeptQuery[WorkflowRequest] = _LOCKED) -> WorkflowRequest:
    request = query.first(request=claim.request.pk)
    assert request is not None  # noqa: S101 - it was claimed, and requests are kept for ever
    return request


def _is_held(request: WorkflowRequest, claim: Claim) -> bool:
    """Whether the claim's number is still the row's."""
    return request.tries == claim.attempt and request.state in QUEUED


_FINISHED = """
UPDATE workflows_intouchcall
   SET outcome = %(outcome)s, finished_at = statement_timestamp(), http_status = %(http_status)s, error = %(error)s,
       is_outage = %(is_outage)s, already_known = %(already_known)s
 WHERE request_id = %(request)s AND attempt = %(attempt)s
"""


def _write(request: WorkflowRequest, claim: Claim, outcome: Outcome) -> None:
    """The last that its transaction does."""
    finished: Statement[None] = Statement(_FINISHED, {
        "request": request.pk, "attempt": claim.attempt, "outcome": outcome.kind,
        "http_status": outcome.http_status, "error": outcome.error,
        "is_outage": outcome.is_outage, "already_known": outcome.already_known,
    })  # fmt: skip
    if outcome.kind == CallOutcome.CREDITED:
        send(finished, *settled(request, outcome, retry_in=None), and_commit=True)
    else:
        send(finished)  # among the tries that are counted now
        send(*settled(request, outcome, retry_in=next_try.seconds_until(request, outcome)), and_commit=True)


def _tell_breaker(target: IntouchTarget, outcome: Outcome) -> None:
    """A target that answers in its senses is there, whatever it says; what was never sent proves nothing about it."""
    if outcome.is_outage:
        breaker.note_failure(target, outcome.error)
    elif outcome.http_status is not None:
        breaker.note_success(target)


def due_ids(limit: int, *, besides: Collection[UUID] = ()) -> list[UUID]:
    """Requests that a worker should look at now, the longest waiting first; those being claimed are passed over.

    Args:
        besides: ids that are left out.
    """
    with transaction.atomic():
        due = (
            _due()
            .exclude(pk__in=list(besides))
            .select_for_update(skip_locked=True, of=("self",))
            .order_by("due_at")
            .values_list("pk", flat=True)[:limit]
        )
        return list(due)

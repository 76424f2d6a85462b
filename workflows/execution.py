"""The journey of an approved request: claim, call, record. The order is what makes it exactly once.

1. *Claim*: a committed update takes a lease and a number, and writes the call's row, before the first byte is sent.
2. *Call*: no transaction is open.
3. *Record*: one transaction, and only if the number is still the row's: a worker that lost its lease records nothing.

An attempt that may have reached Intouch makes the request `UNKNOWN`. It is asked again with the same reference, which
Intouch refuses if it has credited it; then that refusal is the confirmation.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from wire import strict_json
from workflows import audit, registry, secrets
from workflows.intouch import client, outcomes
from workflows.intouch.errors import IntouchError
from workflows.intouch.outcomes import Outcome
from workflows.models import CallOutcome, IntouchCall, WorkflowRequest
from workflows.secrets import Secret, SecretUnreadable
from workflows.services import secret_binding, settle
from workflows.set_up import target_binding
from workflows.states import QUEUED, State
from workflows.submission import content_digest

logger = logging.getLogger(__name__)

LOST_WORKER = "the worker ended between sending and recording"


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease on one request. `attempt` is the fencing token; `may_have_credited` tells of the attempts before it."""

    request: WorkflowRequest
    attempt: int
    may_have_credited: bool


def execute(request_id: UUID) -> bool:
    """Make at most one attempt at a due request. Safe to call any number of times, from anywhere.

    Returns:
        Whether there was anything to do.
    """
    claim = claim_due(request_id)
    if claim is None:
        return False
    outcome = _attempt(claim)
    record(claim, outcome)
    return True


@transaction.atomic(durable=True)
def claim_due(request_id: UUID) -> Claim | None:
    """Take the lease of a due request, by the database's clock; None where it is not due, taken, or being looked at."""
    request = (
        WorkflowRequest.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("target", "organisation")
        .filter(pk=request_id, state__in=QUEUED, due_at__lte=Now())
        .filter(Q(lease_expires_at=None) | Q(lease_expires_at__lte=Now()))
        .first()
    )
    if request is None:
        return None
    request.tries += 1
    _abandon_lost_call(request)
    WorkflowRequest.objects.filter(pk=request.pk).update(
        tries=request.tries, lease_expires_at=Now() + timedelta(seconds=settings.INTOUCH_LEASE_SECONDS)
    )
    IntouchCall.objects.create(
        organisation_id=request.organisation_id, request=request, attempt=request.tries, started_at=timezone.now()
    )
    return Claim(request, request.tries, may_have_credited=request.state == State.UNKNOWN)


def _abandon_lost_call(request: WorkflowRequest) -> None:
    """A call without an outcome whose lease ran out: its worker died, perhaps after sending. Its outcome is unknown."""
    lost = IntouchCall.objects.filter(request=request, outcome=None).update(
        outcome=CallOutcome.UNKNOWN, finished_at=timezone.now(), error=LOST_WORKER
    )
    if lost and request.state == State.EXECUTING:
        settle(request, Outcome(CallOutcome.UNKNOWN, error=LOST_WORKER), retry_in=0)


def _attempt(claim: Claim) -> Outcome:
    """Call Intouch for a claimed request; every end of it is an outcome, never an exception."""
    request = claim.request
    request_type = registry.get(request.request_type)
    content = request.content
    if content_digest(request, content) != request.digest:
        return Outcome(CallOutcome.REFUSED, error="not sent: the content is not what was decided on (digest differs)")
    try:
        secret = _secret_of(request)
    except SecretUnreadable as error:
        return Outcome(CallOutcome.REFUSED, error=f"not sent: {error}")
    if not request.target.is_enabled:
        return Outcome(CallOutcome.NOT_SENT, error="not sent: the target is switched off")
    try:
        answer = client.call(
            target=request.target, method=request_type.method, path=request_type.path,
            body=strict_json.dumps(content["body"]).encode(), organisation_id=request.organisation_id,
            secret=secret, correlation_id=request.correlation_id,
        )  # fmt: skip
    except IntouchError as error:
        return outcomes.of_error(error)
    return outcomes.classify(answer, request_type, _parts_of(secret))


def _secret_of(request: WorkflowRequest) -> Secret:
    """The credential to call with: the maker's, else the target's own."""
    if request.secret is not None:
        return secrets.decrypt(bytes(request.secret), secret_binding(request.pk))
    if request.target.credential is not None:
        return secrets.decrypt(bytes(request.target.credential), target_binding(request.target_id))
    raise SecretUnreadable("there is no credential to call Intouch with")


def _parts_of(secret: Secret) -> tuple[str, ...]:
    """The credential and its bare value, to be masked wherever an answer echoes them."""
    return (secret.value, secret.value.partition(" ")[2])


@transaction.atomic(durable=True)
def record(claim: Claim, outcome: Outcome) -> bool:
    """Write what is known after an attempt.

    Returns:
        False where another worker holds the request by now: then only the call's row is completed.
    """
    request = (
        WorkflowRequest.objects.select_for_update(of=("self",)).select_related("organisation").get(pk=claim.request.pk)
    )
    outcome = _read_with_history(outcome, claim)
    owner = request.tries == claim.attempt and request.state in QUEUED
    if not owner:
        audit.record("call.late", request=request, actor=None, attempt=claim.attempt, outcome=outcome.kind)
        logger.warning("a late outcome was not recorded", extra={"request_id": str(request.pk)})
        return False
    IntouchCall.objects.filter(request=request, attempt=claim.attempt).update(
        outcome=outcome.kind, finished_at=timezone.now(), http_status=outcome.http_status, error=outcome.error
    )
    settle(request, outcome, retry_in=_delay(request, outcome))
    return True


def _read_with_history(outcome: Outcome, claim: Claim) -> Outcome:
    """ "The reference exists already" confirms an earlier attempt of ours, and is a refusal where there was none."""
    if outcome.already_known and claim.may_have_credited:
        return replace(outcome, kind=CallOutcome.CREDITED)
    return outcome


def _delay(request: WorkflowRequest, outcome: Outcome) -> float | None:
    """Seconds until the next try: exponential with full jitter, or what Intouch asked for; None when none is left."""
    age = timezone.now() - request.updated_at if request.state == State.EXECUTING else timedelta()
    if request.tries >= settings.INTOUCH_MAX_TRIES or age > timedelta(hours=settings.INTOUCH_MAX_AGE_HOURS):
        return None
    ceiling = min(settings.INTOUCH_BACKOFF_MOST_SECONDS, settings.INTOUCH_BACKOFF_SECONDS * 2 ** (request.tries - 1))
    jittered = random.uniform(ceiling / 2, ceiling)  # noqa: S311 - spreads load, hides nothing
    return max(jittered, outcome.retry_after or 0)


def due_ids(limit: int) -> list[UUID]:
    """Requests that a worker should look at now, the longest waiting first; those being claimed are passed over."""
    with transaction.atomic():
        due = (
            WorkflowRequest.objects.select_for_update(skip_locked=True)
            .filter(state__in=QUEUED, due_at__lte=Now())
            .filter(Q(lease_expires_at=None) | Q(lease_expires_at__lte=Now()))
            .order_by("due_at")
            .values_list("pk", flat=True)[:limit]
        )
        return list(due)

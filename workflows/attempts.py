"""One attempt at a claimed request: the credit, or a look-up, with no transaction open; or what is carried out here.

Every end is an outcome.
"""

from __future__ import annotations

import base64
import logging
import math
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from wire import secrets, strict_json
from wire.messages import Statement, send
from wire.secrets import KeyMissing, Secret, SecretUnreadable
from workflows import registry
from workflows.bindings import secret_binding, target_binding
from workflows.failpoints import failpoint
from workflows.intouch import client, outcomes
from workflows.intouch.client import Caller
from workflows.intouch.errors import IntouchError
from workflows.intouch.outcomes import Outcome
from workflows.models import (
    CallOutcome,
    CallPurpose,
    IntouchCall,
    IntouchTarget,
    Reconciling,
    WorkflowPolicy,
    WorkflowRequest,
)
from workflows.registry import RefusedHere
from workflows.states import State
from workflows.submission import content_digest

logger = logging.getLogger(__name__)

# A shorter text of the maker's cannot carry the phrase by which Intouch says that it knows a reference.
SHORTEST_PHRASE = 8
TAMPERED = "not sent: the content is not what was decided on (its digest differs)"


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease on one request. `attempt` is the fencing token; `may_have_credited` tells of the attempts before it,
    `approved` what checkers have approved, by its digest.

    Nothing is sent after `lease_ends`, by this process's clock of leases: a process that was frozen in between would
    call for a request that another worker has taken over.
    """

    request: WorkflowRequest
    attempt: int
    purpose: CallPurpose
    may_have_credited: bool
    approved: frozenset[str]
    lease_ends: float = math.inf


def purpose_of(request: WorkflowRequest) -> CallPurpose:
    """What the next attempt is for: an unknown outcome is looked up first where type and policy say so."""
    request_type = registry.get(request.request_type)
    if request_type.local is not None:
        return CallPurpose.LOCAL
    if request.state != State.UNKNOWN or request_type.look_up is None:
        return CallPurpose.CREDIT
    policy = WorkflowPolicy.objects.filter(
        organisation_id=request.organisation_id, request_type=request.request_type
    ).first()
    looks_up = policy is not None and Reconciling(policy.terms.reconciling) == Reconciling.LOOK_UP
    return CallPurpose.LOOK_UP if looks_up else CallPurpose.CREDIT


def attempt(claim: Claim) -> Outcome:
    """Call Intouch for a claimed request."""
    request, target = claim.request, claim.request.target
    assert target is not None  # noqa: S101 - a CHECK: every request has one but those of local types
    content = _content_decided_on(request, claim.approved)
    if content is None:
        return _tampered(request)
    if not target.is_enabled:
        return Outcome(CallOutcome.NOT_SENT, error="not sent: the target is switched off")
    try:
        secret = _secret_of(request, target)
    except KeyMissing as error:
        # A process that was not restarted yet after a change of keys; one that was will make the call.
        logger.error("a credential cannot be read: %s", error, extra={"request_id": str(request.pk)})
        return Outcome(CallOutcome.NOT_SENT, error=f"not sent: {error}", is_outage=True)
    except SecretUnreadable as error:
        logger.error("a credential cannot be read: %s", error, extra={"request_id": str(request.pk)})
        return Outcome(CallOutcome.REFUSED, error=f"not sent: {error}")
    caller = Caller(target, request.organisation_id, secret, request.correlation_id, claim.lease_ends)
    try:
        if claim.purpose == CallPurpose.LOOK_UP:
            return _look_up(request, caller)
        return _credit(request, caller, content["body"])
    except IntouchError as error:
        return outcomes.of_error(error)


def carry_out_here(request: WorkflowRequest) -> Outcome:
    """Carry out a request of a local type, within the transaction that has locked it and records the outcome.

    What was begun is taken back where it is refused half-way.
    """
    carry_out = registry.get(request.request_type).local
    assert carry_out is not None  # noqa: S101 - `purpose_of` has looked
    (approved,) = send(Statement(APPROVED, [request.pk], digests_of))
    if _content_decided_on(request, approved) is None:
        return _tampered(request)
    try:
        with transaction.atomic():
            carry_out(request)
    except RefusedHere as refusal:
        return Outcome(CallOutcome.REFUSED, error=str(refusal)[:500])
    return Outcome(CallOutcome.CREDITED)


def _tampered(request: WorkflowRequest) -> Outcome:
    logger.error("a request was altered after it was decided on", extra={"request_id": str(request.pk)})
    return Outcome(CallOutcome.REFUSED, error=TAMPERED)


def _content_decided_on(request: WorkflowRequest, approved: frozenset[str]) -> dict[str, Any] | None:
    """The content, if it still is what its digest says, and what every checker who approved saw: the digest beside the
    content can be altered together with it, and somebody who did so need not have left JSON behind.
    """
    try:
        content = request.content
        digest = content_digest(request, content)
    except (ValueError, TypeError, AttributeError):
        return None
    return content if digest == request.digest and approved <= {digest} else None


# What checkers have approved.
APPROVED = """
SELECT digest FROM workflows_admintask
 WHERE request_id = %s AND decision = 'approved' AND checker_id IS NOT NULL
"""


def digests_of(cursor: Any) -> frozenset[str]:
    """The answer to `APPROVED`."""
    return frozenset(digest for (digest,) in cursor.fetchall())


def _credit(request: WorkflowRequest, caller: Caller, body: dict[str, Any]) -> Outcome:
    request_type = registry.get(request.request_type)
    raw = strict_json.dumps(body).encode()
    failpoint("call.before")
    answer = client.call(caller, method=request_type.method, path=request_type.path, body=raw)
    failpoint("call.answered")
    sent_texts = [text for text in body.values() if isinstance(text, str) and len(text) >= SHORTEST_PHRASE]
    return outcomes.classify(answer, request_type, _parts_of(caller.secret), sent_texts)


def _look_up(request: WorkflowRequest, caller: Caller) -> Outcome:
    """Ask about the reference. "Not credited" counts only when no earlier call can still be at work at Intouch."""
    look_up = registry.get(request.request_type).look_up
    assert look_up is not None  # noqa: S101 - `purpose_of` has looked
    try:
        answer = client.call(
            caller, method="GET", path=look_up.path, query=urlencode({look_up.parameter: request.reference_id})
        )
    except IntouchError as error:
        return Outcome(CallOutcome.UNKNOWN, error=f"look-up: {error.reason}", is_outage=True)
    outcome = outcomes.classify_look_up(answer, look_up, _parts_of(caller.secret))
    if outcome.kind == CallOutcome.ABSENT and not _is_settled(request):
        return Outcome(
            CallOutcome.UNKNOWN, outcome.http_status, "looked up: not credited yet",
            retry_after=settings.INTOUCH_SETTLE_SECONDS,
        )  # fmt: skip
    return outcome


def _is_settled(request: WorkflowRequest) -> bool:
    """Whether the last call that may have credited ended so long ago that Intouch is surely through with it."""
    recent = Now() - timedelta(seconds=settings.INTOUCH_SETTLE_SECONDS)
    return not IntouchCall.objects.filter(
        request=request, purpose=CallPurpose.CREDIT, outcome=CallOutcome.UNKNOWN, finished_at__gt=recent
    ).exists()


def _secret_of(request: WorkflowRequest, target: IntouchTarget) -> Secret:
    """The credential to call with: the maker's; the target's own without one, or where Intouch takes it no more."""
    if request.secret is not None and (target.credential is None or not _is_denied(request)):
        return secrets.decrypt(bytes(request.secret), secret_binding(request.pk))
    if target.credential is not None:
        return secrets.decrypt(bytes(target.credential), target_binding(target.pk))
    raise SecretUnreadable("there is no credential to call Intouch with")


def _is_denied(request: WorkflowRequest) -> bool:
    """Whether Intouch has refused the maker's credential; about an unknown outcome it must be asked all the same."""
    denied = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
    return (
        request.state == State.UNKNOWN and IntouchCall.objects.filter(request=request, http_status__in=denied).exists()
    )


def _parts_of(secret: Secret) -> tuple[str, ...]:
    """The credential, its bare value and what that decodes to, to be masked wherever an answer echoes them."""
    bare = secret.value.partition(" ")[2]
    try:
        pair = base64.b64decode(bare, validate=True).decode()
    except ValueError:
        return (secret.value, bare)
    return (secret.value, bare, pair, pair.partition(":")[2])

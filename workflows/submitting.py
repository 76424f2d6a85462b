"""Making a request: one transaction for the request, its first decision, the type's own row and the audit event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import psycopg
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _
from uuid6 import uuid7

from accounts.actors import Actor
from wire import correlation, secrets, strict_json
from wire.messages import Statement, send
from workflows import audit, notices, policies, registry
from workflows.bindings import secret_binding
from workflows.errors import PolicyChanged, ReferenceReused
from workflows.models import AdminTask, RequestSource, WorkflowRequest
from workflows.new_rows import inserted
from workflows.queue import announce
from workflows.rules import levels, usage, verdicts
from workflows.rules.verdicts import Judged
from workflows.states import State
from workflows.submission import Sent, Submission
from workflows.terms.judging import ONE_STEP_RULE, steps_of

SUBMITTED: Final = "request.submitted"


@dataclass(frozen=True, slots=True)
class Submitted:
    """A request, and whether it existed already because the same was sent before."""

    request: WorkflowRequest
    replayed: bool


def submit(
    *,
    actor: Actor,
    submission: Submission,
    one_step: bool = False,
    idempotency_key: str | None = None,
    source: RequestSource = RequestSource.API,
) -> Submitted:
    """Store a request; it waits for a checker, or is carried out at once where grant or policy say so.

    The same reference with the same content returns the first request and creates nothing.

    Raises:
        PermissionDenied: see `policies.check_may_submit`.
        ReferenceReused: the reference, or the idempotency key, belongs to other content.
        RefusedByPolicy, LimitReached, NobodyCanDecide: see `verdicts.check_allowed` and `.people_for`.
        PolicyChanged: another version of the policy came into force meanwhile.
    """
    if submission.request_type.local is None:
        policies.check_may_submit(actor, submission.entity, one_step=one_step)
    else:
        policies.check_may_propose(actor, submission.entity)
    earlier = _earlier(actor, submission.request_type.slug, submission.subject.reference_id, idempotency_key)
    try:
        with transaction.atomic(durable=True):
            found = _sent_or_judged(actor, submission, source, earlier, one_step)
            if isinstance(found, Judged):
                request = _create(actor, submission, found, one_step, idempotency_key, source)
                return Submitted(request, replayed=False)
    except IntegrityError as error:
        # Somebody sent the same at the same instant and was faster; anything else is a fault of ours.
        found = send(earlier)[0]
        if found is None and _is_by_old_policy(error):
            raise PolicyChanged(headers={"Retry-After": "1"}) from None
        if found is None:
            raise
    return _replay(found, submission.digest, one_step)


def _sent_or_judged(
    actor: Actor, submission: Submission, source: RequestSource, earlier: Statement[WorkflowRequest | None],
    one_step: bool,
) -> WorkflowRequest | Judged:  # fmt: skip
    """The request that was sent before; otherwise the verdict, which lets it pass and whose levels can be filled.

    Raises:
        RefusedByPolicy, LimitReached, NobodyCanDecide: see `submit`.
    """
    existing: WorkflowRequest | None
    locks = verdicts.locks(actor, submission)
    if locks:
        existing, *locked_at = send(earlier, *locks)
        if existing is not None:
            return existing
        judged = verdicts.count_and_judge(actor, submission, source, locked_at)
        verdicts.check(judged.verdict, actor=actor, submission=submission, one_step=one_step)
        return judged
    # Nothing that others do changes the verdict, so what it asks for goes with the first message.
    judged = verdicts.count_and_judge(actor, submission, source, [])
    people = verdicts.people_for(judged.verdict, actor=actor, submission=submission, one_step=one_step)
    existing, *problems = send(earlier, *people)
    if existing is not None:
        return existing
    verdicts.check_allowed(judged.verdict, one_step=one_step)
    verdicts.check_people(problems)
    return judged


def sent_before(
    *, actor: Actor, slug: str, sent: Sent | None, one_step: bool = False, idempotency_key: str | None = None
) -> Submitted | None:
    """The first request, where the very same was sent before: for what today's policy, programs or targets refuse.

    Raises:
        PermissionDenied: see `policies.check_may_submit`.
        ReferenceReused: the first one was not made in one step, or the idempotency key belongs to another request.
    """
    if sent is None:
        return None
    slug = registry.get_of_clients(slug).slug
    existing: WorkflowRequest | None = send(_earlier(actor, slug, sent.reference_id, None))[0]
    if existing is None or existing.digest != sent.digest:
        return None
    policies.check_may_submit(actor, sent.entity, one_step=one_step)
    if idempotency_key is not None:
        send(_earlier(actor, slug, sent.reference_id, idempotency_key))
    return _replay(existing, sent.digest, one_step)


_EARLIER = """
SELECT (SELECT id FROM workflows_workflowrequest
         WHERE organisation_id = %(organisation)s AND request_type = %(type)s AND reference_id = %(reference)s),
       (SELECT id FROM workflows_workflowrequest
         WHERE organisation_id = %(organisation)s AND maker_id = %(maker)s AND idempotency_key = %(key)s)
"""


def _earlier(
    actor: Actor, slug: str, reference_id: str, idempotency_key: str | None
) -> Statement[WorkflowRequest | None]:
    """The request that already has this reference, or that this caller made with this idempotency key.

    Its answer raises ReferenceReused where the key is that of another request.
    """

    def read(cursor: Any) -> WorkflowRequest | None:
        by_reference, by_key = cursor.fetchone()
        if by_key is not None and by_key != by_reference:
            raise ReferenceReused(
                _("This Idempotency-Key was already used for a request with other content. Use a new one."),
                reference="Idempotency-Key",
            )
        if by_reference is None:
            return None
        return WorkflowRequest.objects.select_related("organisation", "maker").get(pk=by_reference)

    values = {
        "organisation": actor.organisation.pk, "type": slug, "reference": reference_id,
        "maker": actor.user.pk, "key": idempotency_key,
    }  # fmt: skip
    return Statement(_EARLIER, values, read)


def _replay(existing: WorkflowRequest, digest: str, one_step: bool) -> Submitted:
    if existing.one_step != one_step:
        raise ReferenceReused(reference="is_one_step_change")
    if existing.digest != digest:
        raise ReferenceReused(reference="payload.IntouchAPITask-Payload.body.referenceId")
    return Submitted(existing, replayed=True)


def _is_by_old_policy(error: IntegrityError) -> bool:
    cause = error.__cause__
    return (
        isinstance(cause, psycopg.errors.CheckViolation)
        and cause.diag.constraint_name == "request_judged_by_policy_in_force"
    )


def _create(
    actor: Actor, submission: Submission, judged: Judged, one_step: bool, idempotency_key: str | None,
    source: RequestSource,
) -> WorkflowRequest:  # fmt: skip
    verdict = judged.verdict
    automatic = not one_step and verdict.is_automatic
    at_once = one_step or automatic
    now = timezone.now()
    request_id = uuid7()
    entity, subject = submission.entity, submission.subject
    request = WorkflowRequest(
        id=request_id, organisation=actor.organisation, request_type=submission.request_type.slug,
        reference_id=subject.reference_id, idempotency_key=idempotency_key,
        maker=actor.user, maker_name=actor.name, source=source,
        state=State.EXECUTING if at_once else State.WAITING, one_step=one_step, auto_approved=automatic,
        till_id=entity.till_id, store_id=entity.store_id, zone_id=entity.zone_id, concept_id=entity.concept_id,
        customer_id=subject.customer_id, amount=subject.amount, reason=subject.reason,
        policy_version_id=submission.version_id, rule=ONE_STEP_RULE if one_step else verdict.rule,
        judgement=verdict.as_json(), steps=0 if at_once else len(steps_of(verdict.levels)),
        counted_on=usage.today_of(actor.organisation, judged.at),
        expires_at=None if at_once else levels.in_hours(submission.terms.patience.expire_after),
        warn_at=None if at_once else levels.in_hours(submission.terms.patience.warn_after),
        program_id=subject.program_id, program_name=subject.program_name, money=subject.money,
        payload=strict_json.dumps(submission.content), digest=submission.digest, target=submission.target,
        secret=secrets.encrypt(submission.secret, secret_binding(request_id)) if submission.secret else None,
        correlation_id=correlation.current(), created_at=now, updated_at=now, due_at=Now() if at_once else None,
    )  # fmt: skip
    first = None
    if not at_once:
        first = levels.first_of(request, verdict.levels, submission.terms.patience, now, barred=subject.concerns)
    _store(request, first, submission)
    if at_once:
        announce(request.pk)
    return request


def _store(request: WorkflowRequest, first: AdminTask | None, submission: Submission) -> None:
    """Write the request, its first decision, the type's own row and the audit event, in the transaction's last message
    to the database.
    """
    own = submission.request_type.own_row(request, submission.body, submission.facts)
    event = audit.event(
        SUBMITTED, request=request, actor=request.maker, source=request.source, digest=request.digest,
        one_step=request.one_step, auto_approved=request.auto_approved, rule=request.rule,
    )  # fmt: skip
    rows = [inserted(row) for row in (request, first, own, event) if row is not None]
    send(*rows, *notices.noted(SUBMITTED, request), and_commit=True)

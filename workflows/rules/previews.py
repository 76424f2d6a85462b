"""What would become of a submission at this moment: judged as `submitting.submit` does, but nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from accounts.actors import Actor
from wire.errors import ApiError, Problem
from workflows import policies
from workflows.errors import ReferenceReused
from workflows.models import RequestSource, WorkflowRequest
from workflows.rules import verdicts
from workflows.rules.levels import levels_of
from workflows.submission import BODY_PATH, Submission
from workflows.terms.document import Level
from workflows.terms.judging import ONE_STEP_RULE, LimitState, Verdict

Outcome = Literal["approve", "levels", "refuse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The outcome, and how it comes about.

    Attributes:
        existing: the request that was sent already with the same content, which a submission would return.
        problems: why it would be refused; empty where it would not.
    """

    outcome: Outcome
    rule: str
    levels: tuple[Level, ...] = ()
    limits: tuple[LimitState, ...] = ()
    look_alikes: tuple[UUID, ...] = ()
    split_with: tuple[UUID, ...] = ()
    existing: UUID | None = None
    problems: tuple[Problem, ...] = ()


def preview(
    *, actor: Actor, submission: Submission, one_step: bool = False, source: RequestSource = RequestSource.API
) -> Preview:
    """What `submitting.submit` would answer now; a fixed number of queries, and nothing is locked or counted.

    Raises:
        PermissionDenied: see `policies.check_may_submit`.
    """
    policies.check_may_submit(actor, submission.entity, one_step=one_step)
    earlier = WorkflowRequest.objects.filter(
        organisation=actor.organisation, request_type=submission.request_type.slug,
        reference_id=submission.subject.reference_id,
    ).first()  # fmt: skip
    if earlier is not None and earlier.digest == submission.digest and earlier.one_step == one_step:
        return _of_existing(earlier)
    verdict = verdicts.look_and_judge(actor, submission, source).verdict
    problems = _problems(verdict, actor, submission, one_step=one_step)
    if earlier is not None:
        problems = ReferenceReused(reference=f"{BODY_PATH}referenceId").problems
    return of_verdict(verdict, problems, one_step=one_step)


def of_verdict(verdict: Verdict, problems: tuple[Problem, ...], *, one_step: bool = False) -> Preview:
    """The preview of a verdict, given what else stands against it."""
    levels = () if one_step else verdict.levels
    outcome: Outcome = "refuse" if problems else "levels" if levels else "approve"
    return Preview(
        outcome=outcome, rule=ONE_STEP_RULE if one_step and not problems else verdict.rule, levels=levels,
        limits=verdict.limits, look_alikes=verdict.look_alikes, split_with=verdict.split_with, problems=problems,
    )  # fmt: skip


def _problems(
    verdict: Verdict, actor: Actor, submission: Submission, *, one_step: bool
) -> tuple[Problem, ...]:  # fmt: skip
    try:
        verdicts.check(verdict, actor=actor, submission=submission, one_step=one_step)
    except ApiError as refusal:
        return refusal.problems
    return ()


def _of_existing(request: WorkflowRequest) -> Preview:
    """It was judged when it came, and is not judged again."""
    return Preview(
        outcome="levels" if request.steps else "approve", rule=request.rule,
        levels=levels_of(request) if request.steps else (), existing=request.pk,
        look_alikes=tuple(UUID(found) for found in request.judgement.get("look_alikes", ())),
        split_with=tuple(UUID(found) for found in request.judgement.get("split_with", ())),
    )  # fmt: skip

"""From a submission to its verdict: gather what the policy asks about, judge, and refuse what it refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.models import UserKind
from wire.errors import Problem
from wire.messages import Statement, send
from workflows.amounts import readable
from workflows.errors import LimitReached, NobodyCanDecide, RefusedByPolicy
from workflows.models import RequestSource, WorkflowPolicy, WorkflowRequest
from workflows.registry import RequestType, Subject
from workflows.rules import levels, people, usage
from workflows.rules.usage import Asked, SoFar
from workflows.submission import BODY_PATH
from workflows.terms.document import Limit, MakerKind, Per, Terms
from workflows.terms.judging import Case, LimitState, Verdict, judge


class Asks(Protocol):
    """What is judged: a submission, or what somebody tries a draft with."""

    @property
    def request_type(self) -> RequestType: ...
    @property
    def terms(self) -> Terms: ...
    @property
    def entity(self) -> people.Place: ...
    @property
    def subject(self) -> Subject: ...


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, and the moment it holds for: by the database's clock where anything was counted."""

    verdict: Verdict
    at: datetime


def locks(actor: Actor, submission: Asks) -> list[Statement[datetime]]:
    """What waits for whoever counts for the same, and brings the time after that; nothing where nothing is counted."""
    if not _counted(submission.terms):
        return []
    return [usage.locked(actor.organisation.pk, submission.request_type.slug, _subjects(actor, submission))]


def count_and_judge(actor: Actor, submission: Asks, source: RequestSource, locked_at: Sequence[datetime]) -> Judged:
    """The verdict on a submission that is about to be stored; counts it, within the caller's transaction.

    One statement at most: none where the policy asks about nothing.

    Args:
        locked_at: what `locks` brought.
    """
    return _judge(actor, submission, source, locked_at[0] if locked_at else timezone.now(), adds=True)


def look_and_judge(actor: Actor, submission: Asks, source: RequestSource) -> Judged:
    """The verdict that the submission would meet at this moment; nothing is locked or stored."""
    return _judge(actor, submission, source, timezone.now(), adds=False)


def _counted(terms: Terms) -> frozenset[Per]:
    """What is locked: whoever asks about a customer must not ask beside somebody who adds to them."""
    return terms.counted | (frozenset({Per.CUSTOMER}) if terms.asks_about_customer else frozenset())


def _subjects(actor: Actor, submission: Asks) -> dict[Per, str]:
    return usage.subjects_of(
        _counted(submission.terms), customer_id=submission.subject.customer_id, maker_id=actor.user.pk,
        program_id=submission.subject.program_id, store_id=submission.entity.store_id,
    )  # fmt: skip


def _judge(actor: Actor, submission: Asks, source: RequestSource, now: datetime, *, adds: bool) -> Judged:
    case, used = gather(actor, submission, source, now, adds=adds)
    return Judged(judge(submission.terms, case, used), now)


def gather(
    actor: Actor, submission: Asks, source: RequestSource, now: datetime, *, adds: bool = False
) -> tuple[Case, Mapping[str, Decimal]]:
    """What `judge` looks at: the request with the customer's past, and what counts already for each limit."""
    terms, subject = submission.terms, submission.subject
    asked = Asked(
        organisation_id=actor.organisation.pk, request_type=submission.request_type.slug,
        subjects=_subjects(actor, submission), counts_for=terms.counted, maker_id=actor.user.pk,
        customer_id=subject.customer_id, amount=subject.amount, reason=subject.reason, now=now,
        today=usage.today_of(actor.organisation, now),
    )  # fmt: skip
    so_far = usage.read(asked, terms, adds=adds)
    return _case(actor, submission, source, so_far), so_far.used


def _case(actor: Actor, submission: Asks, source: RequestSource, so_far: SoFar) -> Case:
    subject, entity = submission.subject, submission.entity
    return Case(
        amount=subject.amount, money=subject.money, program_id=subject.program_id, customer_id=subject.customer_id,
        maker_id=actor.user.pk, maker_kinds=maker_kinds(actor), source=source,
        concept_id=entity.concept_id, zone_id=entity.zone_id, store_id=entity.store_id, till_id=entity.till_id,
        reason=subject.reason, so_far=so_far.customer, look_alikes=so_far.look_alikes,
        split_with=so_far.split_with, split_sum=so_far.split_sum,
    )  # fmt: skip


def maker_kinds(actor: Actor) -> frozenset[MakerKind]:
    """What a maker is besides a maker."""
    membership = actor.membership
    kinds = {MakerKind.SERVICE if actor.user.kind == UserKind.SERVICE else MakerKind.PERSON}
    if membership.is_checker:
        kinds.add(MakerKind.CHECKER)
    if membership.is_supervisor:
        kinds.add(MakerKind.SUPERVISOR)
    if membership.is_operator:
        kinds.add(MakerKind.OPERATOR)
    return frozenset(kinds)


def check(verdict: Verdict, *, actor: Actor, submission: Asks, one_step: bool) -> None:
    """Refuse what the verdict refuses, and what nobody could ever decide.

    Raises:
        RefusedByPolicy, LimitReached: see `check_allowed`.
        NobodyCanDecide: see `people_for`.
    """
    check_allowed(verdict, one_step=one_step)
    check_people(send(*people_for(verdict, actor=actor, submission=submission, one_step=one_step)))


def check_allowed(verdict: Verdict, *, one_step: bool) -> None:
    """Refuse what the verdict refuses, whoever could decide it.

    Raises:
        RefusedByPolicy: a rule refuses it.
        LimitReached: a hard limit would be passed; in one step also one that would ask for another level.
    """
    if verdict.result.kind == "refuse":
        raise RefusedByPolicy(verdict.result.message or "", reference="payload")
    passed = verdict.passed_hard + (verdict.passed_soft if one_step else ())
    if passed:
        raise LimitReached(
            problems=[Problem(LimitReached.code, _sentence(state), f"{BODY_PATH}points") for state in passed]
        )


def _sentence(state: LimitState) -> str:
    limit = state.limit
    what = "points" if limit.measure == "points" else "requests"
    return (
        f"would pass the limit “{limit.name}”: {readable(limit.most)} {what} per {limit.per}, of which"
        f" {readable(state.used)} count already. Ask for less, or later."
    )


def people_for(
    verdict: Verdict, *, actor: Actor, submission: Asks, one_step: bool
) -> list[Statement[NobodyCanDecide | None]]:
    """Whether the levels can be filled, by a statement to be sent with others; none where nobody is to decide.

    It brings what is wrong where there are not enough different people other than the maker, and other than whoever
    gave the maker the means to log in: see `policies.why_not_decide`.
    """
    if one_step or not verdict.levels:
        return []
    barred = (actor.user.pk, *actor.user.access_given_by, *submission.subject.concerns)
    asked = people.unfillable(
        verdict.levels, organisation_id=actor.organisation.pk, place=submission.entity,
        amount=submission.subject.amount, without=barred,
    )  # fmt: skip
    return [asked.then(lambda empty: _unfilled(empty, verdict, submission) if empty else None)]


def check_people(problems: Sequence[NobodyCanDecide | None]) -> None:
    """Raises what `people_for` brought, if anything is wrong."""
    for problem in problems:
        if problem is not None:
            raise problem


def _unfilled(empty: Sequence[int], verdict: Verdict, submission: Asks) -> NobodyCanDecide:
    if submission.request_type.local is not None:
        return NobodyCanDecide(
            _("A second administrator is needed, who is not concerned by the change: nobody else could approve it.")
        )
    return NobodyCanDecide(
        f"Nobody could decide this request at level {', '.join(map(str, empty))} of the rule “{verdict.rule}”."
        " An administrator must name people for it."
    )


def lock_counters(request: WorkflowRequest) -> datetime:
    """Wait for the others that count for anybody whom the request counts for; the time after that."""
    subjects = usage.subjects_of_request(request, Per)
    now: datetime = send(usage.locked(request.organisation_id, request.request_type, subjects))[0]
    return now


def count_again(request: WorkflowRequest, now: datetime) -> None:
    """Count a request that had been freed once more, on its own day, for everything that is counted by now.

    Its hard limits are those of the version in force, and of its own as far as they are counted still. The caller has
    locked its counters, and then written its row: before that, another version could come into force in between.

    Raises:
        LimitReached: by now it would pass one of them.
    """
    policy = WorkflowPolicy.objects.get(organisation_id=request.organisation_id, request_type=request.request_type)
    subjects = usage.subjects_of_request(request, [Per(name) for name in policy.counted])
    if not subjects:
        return
    asked = dict.fromkeys((*policy.terms.limits, *levels.terms_of_request(request).limits))
    limits = [limit for limit in asked if limit.per in subjects]
    today = usage.today_of(request.organisation, now)
    for limit, used in zip(limits, usage.count_again(request, subjects, limits, today), strict=True):
        if _is_passed_again(limit, used, request, today):
            raise LimitReached(f"Trying again would pass the limit “{limit.name}”.")


def _is_passed_again(limit: Limit, used: Decimal, request: WorkflowRequest, today: date) -> bool:
    """Whether the request, counted on its own day, passes a hard limit; one that it does not fall into never."""
    if not limit.is_hard or (limit.programs and request.program_id not in limit.programs):
        return False
    if request.counted_on is None or request.counted_on < usage.first_day(limit.window, today):
        return False
    return used + (1 if limit.measure == "requests" else request.amount or 0) > limit.most

"""What a draft would do with a request that somebody thinks up: judged beside what really counts at this moment."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.actors import Actor, actor_in
from wire.errors import ApiError, Problem
from workflows import registry
from workflows.amounts import readable
from workflows.errors import InvalidPayload, WorkflowDisabled
from workflows.models import RequestSource, WorkflowPolicy
from workflows.registry import RequestType, Subject
from workflows.rules import verdicts
from workflows.rules.previews import Preview, of_verdict
from workflows.terms.document import Terms
from workflows.terms.judging import Verdict


@dataclass(slots=True)
class Place:
    """Where the request would come from."""

    concept_id: str = ""
    zone_id: str = ""
    store_id: str = ""
    till_id: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """As `verdicts` wants it: by the terms of the draft, and not by those in force."""

    request_type: RequestType
    terms: Terms
    entity: Place
    subject: Subject


def try_out(
    policy: WorkflowPolicy, terms: Terms, *, maker_id: int, subject: Subject, place: Place, source: RequestSource
) -> Preview:
    """The verdict of these terms; nothing is stored or counted.

    Raises:
        PermissionDenied: the maker is no active member.
    """
    actor = actor_in(user_id=maker_id, organisation_id=policy.organisation_id)
    trial = Trial(registry.get(policy.request_type), terms, place, subject)
    verdict = verdicts.look_and_judge(actor, trial, source).verdict
    return of_verdict(verdict, _before_rules(terms, subject) or _by_rules(verdict, actor, trial))


def _before_rules(terms: Terms, subject: Subject) -> tuple[Problem, ...]:
    """What is refused before any rule is looked at."""
    if not terms.is_enabled:
        return WorkflowDisabled().problems
    found = []
    if terms.cap is not None and subject.amount is not None and subject.amount > terms.cap:
        found.append(_("This is above the cap of %(cap)s.") % {"cap": readable(terms.cap)})
    if terms.reasons is not None and subject.reason not in terms.reasons:
        found.append(_("The reason is not in the catalogue."))
    return tuple(Problem(InvalidPayload.code, text) for text in found)


def _by_rules(verdict: Verdict, actor: Actor, trial: Trial) -> tuple[Problem, ...]:
    try:
        verdicts.check(verdict, actor=actor, submission=trial, one_step=False)
    except ApiError as refusal:
        return refusal.problems
    return ()

"""A request as a checker reads it: who asks what for whom, from where, since when; then the type's own facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import simplejson
from django.utils.translation import gettext as _

from wire.redaction import redact
from workflows import registry
from workflows.amounts import readable
from workflows.models import WorkflowRequest
from workflows.registry import Fact
from workflows.shown_answer import shown_answer


@dataclass(frozen=True, slots=True)
class Story:
    """What a page shows of a request.

    Attributes:
        leads: what a decision turns on, in large print.
        groups: the rest, under headings.
        references: what other systems and operators know the request by.
        papers: the JSON that was sent and answered, masked, to be folded out.
    """

    kind: Any
    leads: list[Fact]
    groups: list[tuple[Any, list[Fact]]]
    references: list[Fact]
    papers: list[tuple[Any, str]]


def read(request: WorkflowRequest) -> Story:
    kind = registry.get(request.request_type)
    own = list(kind.facts_for_checker(request))
    leads = [] if request.customer_id is None else [Fact(_("Customer"), str(request.customer_id))]
    if request.amount is not None:
        leads.append(Fact(kind.label, readable(request.amount)))
    return Story(
        kind=kind.label,
        leads=leads + [fact for fact in own if fact.is_lead],
        groups=[
            (_("What"), [Fact(_("Reason"), request.reason, is_long=True), *(fact for fact in own if not fact.is_lead)]),
            (_("Who and where"), _who_and_where(request)),
        ],
        references=_references(request),
        papers=_papers(request),
    )


def _who_and_where(request: WorkflowRequest) -> list[Fact]:
    where = (
        (_("Concept"), request.concept_id), (_("Zone"), request.zone_id), (_("Store"), request.store_id),
        (_("Till"), request.till_id),
    )  # fmt: skip
    return [
        Fact(_("Maker"), request.maker_name, note=_("by %(source)s") % {"source": request.get_source_display()}),
        Fact(_("Organisation"), str(request.organisation)),
        *(Fact(label, place) for label, place in where if place),
    ]


def _references(request: WorkflowRequest) -> list[Fact]:
    return [
        *_judged_by(request),
        Fact(_("Reference"), request.reference_id),
        Fact(_("Request id"), str(request.pk)),
        Fact(_("Correlation id"), request.correlation_id),
        Fact(_("Digest of the content"), request.digest, is_long=True),
    ]


def _judged_by(request: WorkflowRequest) -> list[Fact]:
    """The rule, and the version of the policy that it stands in; nothing of a request that is older than versions."""
    version = request.policy_version
    if version is None:
        return []
    return [Fact(_("Judged by"), request.rule, note=_("version %(number)s of the policy") % {"number": version.number})]


def _papers(request: WorkflowRequest) -> list[tuple[Any, str]]:
    papers = [(_("Payload as it was sent, credentials masked"), _pretty(request.content))]
    answer = shown_answer(request)
    if answer is not None:
        papers.append((_("Answer of Intouch"), _pretty(answer)))
    return papers


def _pretty(value: Any) -> str:
    """JSON to read; masked once more, should an older row hold what is masked on arrival today."""
    return simplejson.dumps(redact(value), use_decimal=True, ensure_ascii=False, indent=2)

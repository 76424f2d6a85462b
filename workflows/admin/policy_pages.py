"""What the pages of a policy share, and the page that shows the draft as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.admin_guard import actors_for, person_of
from wire.errors import ApiError
from workflows import registry
from workflows.admin.policy_fields import Known
from workflows.drafting import drafts, editing
from workflows.drafting.drafts import DraftChanged
from workflows.models import PolicyDraft, WorkflowPolicy
from workflows.terms import words
from workflows.terms.document import Terms
from workflows.terms.words import Names, Said

PARTS: tuple[editing.Part, ...] = ("rules", "limits")


def address(policy: WorkflowPolicy, verb: str = "change") -> str:
    return reverse(f"admin:workflows_workflowpolicy_{verb}", args=(policy.pk,))


def show(
    request: HttpRequest, policy: WorkflowPolicy, template: str, *, status: int = 200, **context: Any
) -> HttpResponse:
    shared = {
        **admin.site.each_context(request),
        "opts": WorkflowPolicy._meta,
        "policy": policy,
        "organisation": policy.organisation,
        "kind": label_of(policy),
    }
    return TemplateResponse(request, template, shared | context, status=status)


def label_of(policy: WorkflowPolicy) -> str:
    known = {kind.slug: str(kind.label) for kind in registry.all_types()}
    return known.get(policy.request_type, policy.request_type)


def may_read_sums(actor: Actor) -> bool:
    """Administrators, supervisors and auditors: sums over everybody are no matter of a single request."""
    membership = actor.membership
    return membership.is_administrator or membership.is_supervisor or membership.is_auditor


def part_and_place(request: HttpRequest) -> tuple[editing.Part, int]:
    """What a button of the page stands beside.

    Raises:
        DraftChanged: nothing that this draft has.
    """
    for part in PARTS:
        if request.POST.get("part") == part:
            return part, _whole(request.POST.get("at", ""))
    raise DraftChanged


def place_asked(request: HttpRequest) -> int | None:
    """`?at=2`: the rule or limit to edit; None for a new one."""
    text = request.GET.get("at", "")
    return _whole(text) if text else None


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 5):
        raise DraftChanged
    return int(text)


@dataclass(frozen=True, slots=True)
class Item:
    """A rule or limit as the page shows it."""

    at: int
    name: str
    when: list[Said]
    then: list[Said]


def overview(request: HttpRequest, policy: WorkflowPolicy, refusal: ApiError | None = None) -> HttpResponse:
    """The draft of the person who looks; what is in force where they have none."""
    draft = drafts.draft_of(policy, person_of(request))
    terms = draft.terms
    names = drafts.names_of(policy, terms)
    return show(
        request, policy, "policy/overview.html", status=refusal.http_status if refusal else 200,
        title=_("Policy: %(kind)s") % {"kind": label_of(policy)},
        draft=draft, stamp=drafts.stamp_of(draft), problems=problems_shown(draft),
        refusal=refusal.detail if refusal else "", may_read_budgets=_is_member(request, policy), **parts(terms, names),
    )  # fmt: skip


def _is_member(request: HttpRequest, policy: WorkflowPolicy) -> bool:
    """Whether the sums behind the limits are theirs to read: who only runs the platform sees nobody's requests."""
    actor = actors_for(request).get(policy.organisation_id)
    return actor is not None and may_read_sums(actor)


def problems_shown(draft: PolicyDraft) -> list[str]:
    return drafts.problems_of(draft) if draft.pk is not None else []


def parts(terms: Terms, names: Names) -> dict[str, Any]:
    """The document in words, as the templates show it."""
    return {
        "settings": words.of_settings(terms),
        "waits_for_ever": terms.is_enabled and terms.patience.expire_after is None,
        "rules": [
            Item(at, rule.name, words.of_conditions(rule.when, names), words.of_result(rule.then, names))
            for at, rule in enumerate(terms.rules)
        ],
        "default": words.of_result(terms.default, names),
        "limits": [Item(at, limit.name, [], words.of_limit(limit, names)) for at, limit in enumerate(terms.limits)],
    }


def known_of(policy: WorkflowPolicy, terms: Terms) -> Known:
    return Known(
        programs=drafts.programs_of(policy),
        users=drafts.names_of(policy, terms).users,
        find_users=lambda usernames: drafts.members_called(policy, usernames),
    )

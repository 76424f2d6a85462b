"""Putting a draft in force, with the difference before one's eyes; and the versions that there have been."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin_guard import person_of
from wire.errors import ApiError
from workflows.admin.forms import OneLineField
from workflows.admin.policy_pages import address, problems_shown, show
from workflows.drafting import drafts
from workflows.models import PolicyVersion, WorkflowPolicy
from workflows.terms.differences import Difference, differences
from workflows.terms.document import Terms

UNPROCESSABLE = 422
MOST_SHOWN = 100


class NoteForm(forms.Form):
    note = OneLineField(
        label=gettext_lazy("Why"), max_length=500, widget=forms.Textarea(attrs={"rows": 2, "maxlength": 500}),
        error_messages={"required": gettext_lazy("Say why: it stands in the history of the policy.")},
    )  # fmt: skip


def force_page(request: HttpRequest, policy: WorkflowPolicy) -> HttpResponse:
    """The difference to what is in force; by POST, the draft is handed over."""
    if request.method != "POST":
        return _show(request, policy, NoteForm())
    form = NoteForm(request.POST)
    if not form.is_valid():
        return _show(request, policy, form, status=UNPROCESSABLE)
    try:
        said = drafts.put_in_force(
            policy, person_of(request), stamp=request.POST.get("stamp", ""),
            against=_number(request.POST.get("against", "")), note=form.cleaned_data["note"],
        )  # fmt: skip
    except ApiError as refusal:
        return _show(request, policy, form, status=refusal.http_status, refusal=_all_of(refusal))
    except ValidationError as error:
        form.add_error(None, error)
        return _show(request, policy, form, status=UNPROCESSABLE)
    messages.success(request, said)
    return HttpResponseRedirect(address(policy))


def _all_of(refusal: ApiError) -> str:
    return " ".join(problem.message for problem in refusal.problems)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _show(
    request: HttpRequest, policy: WorkflowPolicy, form: NoteForm, *, status: int = 200, refusal: str = ""
) -> HttpResponse:
    draft = drafts.draft_of(policy, person_of(request))
    before, after = policy.terms, draft.terms
    return show(
        request, policy, "policy/force.html", status=status, title=_("Put in force"), form=form, refusal=refusal,
        draft=draft, stamp=drafts.stamp_of(draft), problems=problems_shown(draft),
        differences=differences(before, after, drafts.names_of(policy, before, after)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """A version, and what it changed."""

    version: PolicyVersion
    changes: list[Difference]
    is_first: bool


def versions_page(request: HttpRequest, policy: WorkflowPolicy) -> HttpResponse:
    found = drafts.versions_of(policy)
    names = drafts.names_of(policy, *(version.terms for version in found))
    told: list[Any] = [
        Told(version, differences(before.terms, version.terms, names), is_first=False)
        for version, before in pairwise(found)
    ]
    if found and len(found) <= MOST_SHOWN:
        told.append(Told(found[-1], differences(Terms(), found[-1].terms, names), is_first=True))
    return show(request, policy, "policy/versions.html", title=_("History"), told=told)

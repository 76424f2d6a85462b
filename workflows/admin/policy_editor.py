"""The forms of a draft: settings, a rule, the default, a limit. Each saves into the draft and judges nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pydantic
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from accounts.admin_guard import person_of
from wire.errors import ApiError
from workflows.admin.policy_fields import Known
from workflows.admin.policy_pages import address, known_of, overview, place_asked, show
from workflows.admin.policy_settings import SettingsEditor
from workflows.admin.rule_forms import DefaultEditor, Editor, LimitEditor, RuleEditor
from workflows.drafting import drafts
from workflows.drafting.drafts import DraftChanged
from workflows.drafting.editing import NotThere
from workflows.models import WorkflowPolicy
from workflows.terms.contradictions import sentences_of
from workflows.terms.document import Terms

UNPROCESSABLE = 422
Make = Callable[[Any, Known, Terms], Editor]


def settings_page(request: HttpRequest, policy: WorkflowPolicy) -> HttpResponse:
    return _edit(request, policy, _("Settings"), "settings", lambda data, known, terms: SettingsEditor(
        data, known=known, terms=terms
    ))  # fmt: skip


def default_page(request: HttpRequest, policy: WorkflowPolicy) -> HttpResponse:
    return _edit(request, policy, _("Everything else"), "rules", lambda data, known, terms: DefaultEditor(
        data, known=known, terms=terms
    ))  # fmt: skip


def rule_page(request: HttpRequest, policy: WorkflowPolicy) -> HttpResponse:
    title = _("Rule") if request.GET.get("at") else _("New rule")
    return _edit(request, policy, title, "rules", lambda data, known, terms: RuleEditor(
        data, known=known, terms=terms, at=place_asked(request)
    ))  # fmt: skip


def limit_page(request: HttpRequest, policy: WorkflowPolicy) -> HttpResponse:
    title = _("Limit") if request.GET.get("at") else _("New limit")
    return _edit(request, policy, title, "limits", lambda data, known, terms: LimitEditor(
        data, known=known, terms=terms, at=place_asked(request)
    ))  # fmt: skip


def _edit(request: HttpRequest, policy: WorkflowPolicy, title: str, part: str, make: Make) -> HttpResponse:
    draft = drafts.draft_of(policy, person_of(request))
    data = request.POST if request.method == "POST" else None
    try:
        editor = make(data, known_of(policy, draft.terms), draft.terms)
    except (NotThere, DraftChanged):
        return overview(request, policy, refusal=DraftChanged())
    stamp = request.POST.get("stamp", "") if data is not None else drafts.stamp_of(draft)
    refusal: ApiError | None = None
    if data is not None and editor.is_valid():
        try:
            drafts.edit(policy, person_of(request), stamp, editor.apply)
        except pydantic.ValidationError as error:
            editor.add_problems(sentences_of(error))
        except ApiError as error:
            refusal = error
        else:
            return HttpResponseRedirect(f"{address(policy)}#{part}")
    status = refusal.http_status if refusal else 200 if data is None else UNPROCESSABLE
    return show(
        request, policy, "policy/edit.html", status=status, title=title, editor=editor, groups=editor.groups(),
        mistakes=editor.mistakes() if data is not None else [], stamp=stamp,
        refusal=refusal.detail if refusal else "",
    )  # fmt: skip

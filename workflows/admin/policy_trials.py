"""Trying a draft on a request that somebody thinks up."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin_guard import person_of
from wire.errors import ApiError
from workflows.admin.policy_fields import Known, MembersField, PartForm, amount_field
from workflows.admin.policy_pages import known_of, show
from workflows.amounts import readable
from workflows.drafting import drafts, trial
from workflows.models import RequestSource, WorkflowPolicy
from workflows.registry import Subject
from workflows.rules.previews import Preview
from workflows.terms import words
from workflows.terms.document import Per, Terms
from workflows.terms.words import Names, Said

UNPROCESSABLE = 422
_PLACE = ("concept_id", "zone_id", "store_id", "till_id")


def _entity(label: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=64, required=False)


class TrialForm(PartForm):
    points = amount_field(gettext_lazy("Points"), required=True)
    customer = forms.IntegerField(label=gettext_lazy("Customer"), min_value=1, max_value=2**63 - 1)
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=1000)
    maker = MembersField(label=gettext_lazy("Maker"), help_text=gettext_lazy("The user name of a member."))
    program = forms.TypedChoiceField(label=gettext_lazy("Program"), coerce=int, empty_value=None, required=False)
    money = amount_field(gettext_lazy("Worth in money"), help_text=gettext_lazy("Where a rule asks about it."))
    source = forms.ChoiceField(label=gettext_lazy("Comes by"), choices=list(words.SOURCES.items()))
    concept_id = _entity(gettext_lazy("Concept"))
    zone_id = _entity(gettext_lazy("Zone"))
    store_id = _entity(gettext_lazy("Store"))
    till_id = _entity(gettext_lazy("Till"))

    def __init__(self, data: Any, *, known: Known, terms: Terms) -> None:
        """What a limit of the terms is counted for has to be said."""
        super().__init__(data, known=known, initial={})
        program: Any = self.fields["program"]
        program.choices = [("", _("not said")), *known.programs]
        program.required = Per.PROGRAM in terms.counted
        self.fields["store_id"].required = Per.STORE in terms.counted

    def clean_points(self) -> Any:
        if not self.cleaned_data["points"]:
            raise forms.ValidationError(_("Say how many."))
        return self.cleaned_data["points"]

    def clean_maker(self) -> int:
        found: list[int] = self.cleaned_data["maker"]
        if len(found) != 1:
            raise forms.ValidationError(_("Name one person."))
        return found[0]

    def subject(self) -> Subject:
        given = self.cleaned_data
        return Subject(
            reference_id="", customer_id=given["customer"], amount=given["points"], reason=given["reason"],
            program_id=given["program"], money=given["money"],
        )  # fmt: skip


def try_page(request: HttpRequest, policy: WorkflowPolicy) -> HttpResponse:
    """A form; by POST, what the draft would do with what it describes. Nothing is stored."""
    draft = drafts.draft_of(policy, person_of(request))
    terms = draft.terms
    form = TrialForm(request.POST if request.method == "POST" else None, known=known_of(policy, terms), terms=terms)
    found: Preview | None = None
    refusal = ""
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        try:
            found = trial.try_out(
                policy, terms, maker_id=given["maker"], subject=form.subject(),
                place=trial.Place(*(given[name] for name in _PLACE)), source=RequestSource(given["source"]),
            )  # fmt: skip
        except ApiError as error:
            refusal = error.detail
    wrong = form.is_bound and (refusal or not form.is_valid())
    said = _said(found, drafts.names_of(policy, terms)) if found else None
    return show(
        request, policy, "policy/try.html", title=_("Try the draft"), draft=draft, form=form, found=found, said=said,
        refusal=refusal, status=UNPROCESSABLE if wrong else 200,
    )  # fmt: skip


_OUTCOMES = {
    "approve": ("good", gettext_lazy("It would be carried out at once.")),
    "levels": ("wait", gettext_lazy("It would wait for people.")),
    "refuse": ("bad", gettext_lazy("It would be refused.")),
}


def _said(found: Preview, names: Names) -> dict[str, Any]:
    tone, sentence = _OUTCOMES[found.outcome]
    lines: list[Said] = [(_("Rule"), found.rule)]
    for number, level in enumerate(found.levels, start=1):
        lines.append((_("Level %(number)s") % {"number": number}, words.of_level(level, names)))
    for state in found.limits:
        full = {"after": readable(state.after), "most": readable(state.limit.most)}
        lines.append((_("Limit “%(name)s”") % {"name": state.limit.name}, _("%(after)s of %(most)s") % full))
    if found.look_alikes:
        lines.append((_("Others that look alike"), str(len(found.look_alikes))))
    return {"tone": tone, "sentence": sentence, "lines": lines, "problems": [item.message for item in found.problems]}

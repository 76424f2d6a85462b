"""The maker's form of goodwill points: what is filled in by hand, and the body that is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from goodwill.models import Program
from goodwill.request_type import LARGEST_ID
from goodwill.selectors import programs_of
from workflows.admin.forms import OneLineField
from workflows.admin.maker_form import MakerForm
from workflows.amounts import readable

SOURCE = "ADMIN"
LONGEST_TEXT = 1000


def _whole_number(label: Any, **options: Any) -> forms.IntegerField:
    widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
    return forms.IntegerField(label=label, min_value=1, max_value=LARGEST_ID, widget=widget, **options)


class GoodwillForm(MakerForm):
    customer = _whole_number(gettext_lazy("Customer"), help_text=gettext_lazy("The customer’s number."))
    program = forms.ChoiceField(label=gettext_lazy("Program"))
    points = forms.DecimalField(
        label=gettext_lazy("Points"), max_digits=20, decimal_places=6,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )  # fmt: skip
    comments = OneLineField(
        label=gettext_lazy("Comment"), required=False, max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 2, "maxlength": LONGEST_TEXT}),
        help_text=gettext_lazy("For the checker, if the reason does not say everything."),
    )  # fmt: skip
    awarding_till = _whole_number(
        gettext_lazy("Awarding till"), required=False,
        help_text=gettext_lazy("Empty: the till above."),
    )  # fmt: skip
    body_fields: ClassVar[dict[str, str]] = {
        "customer": "earningEntityId", "points": "points", "program": "programId", "reason": "reason",
        "comments": "comments", "awarding_till": "awardingTillId",
    }  # fmt: skip
    place_fields = ("awarding_till",)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        programs = list(programs_of(self.actor))
        if not programs:
            self.obstacle = _("The organisation has no program yet. A platform administrator can add one.")
        choice: Any = self.fields["program"]
        choice.choices = [(str(program.program_id), _said(program)) for program in programs]
        choice.initial = str(self.last.program_id) if self.last is not None and self.last.program_id else None
        if self.terms.cap is not None:
            self.fields["points"].help_text = _("At most %(cap)s.") % {"cap": readable(self.terms.cap)}
        self.fields["reason"] = _reason_field(self.terms.reasons or ())

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        till = given.get("till", "")
        if given.get("awarding_till") is None and till and not _is_number(till):
            text = _("The till above is no number, so say which till awards the points.")
            self.add_error("awarding_till", text)
        return given

    def body(self) -> dict[str, Any]:
        given = self.cleaned_data
        comments = {"comments": given["comments"]} if given["comments"] else {}
        return {
            "reason": given["reason"], "baseType": "POINTS", "programId": int(given["program"]),
            "awardingTillId": given["awarding_till"] or int(given["till"]), "earningEntityType": "CUSTOMER",
            "earningEntityId": given["customer"], "points": given["points"], "source": SOURCE, **comments,
        }  # fmt: skip


def _said(program: Program) -> str:
    names = {"program": program, "ratio": readable(program.points_to_currency_ratio)}
    return _("%(program)s: a point is worth %(ratio)s") % names


def _reason_field(catalogue: Sequence[str]) -> forms.Field:
    """One of the organisation's reasons where it keeps a list of them, else free text."""
    label = _("Reason")
    if catalogue:
        choices = [("", _("Choose one")), *((reason, reason) for reason in catalogue)]
        return forms.ChoiceField(label=label, choices=choices)
    return OneLineField(label=label, max_length=LONGEST_TEXT)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < len(text) < 19

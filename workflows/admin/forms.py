"""What people may send from the desk."""

from __future__ import annotations

import re
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from workflows.models import Decision

MOST_CHARACTERS = 1000
_NUMBER = re.compile("[0-9]{1,18}")
_CONTROL = re.compile("[\x01-\x1f\x7f-\x9f]+")


class OneLineField(forms.CharField):
    """A text without line breaks and control characters, as the API takes it: the history shows it to its clients."""

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        return " ".join(_CONTROL.sub(" ", text).split())


def _message_field(**options: Any) -> OneLineField:
    return OneLineField(
        label=_("Message"),
        max_length=MOST_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 3, "maxlength": MOST_CHARACTERS}),
        **options,
    )


USUAL_MESSAGES: Final = (
    _("Ticket checked"),
    _("The store promised it"),
    _("Within the rules"),
    _("No ticket found"),
    _("Already compensated"),
    _("Too much for this"),
)


class ReasonedForm(forms.Form):
    """Why something is decided: one of the usual messages, words of one's own, or both, one after the other."""

    usual = OneLineField(
        label=_("Usual messages"), required=False, max_length=MOST_CHARACTERS,
        widget=forms.RadioSelect(choices=[(text, text) for text in USUAL_MESSAGES]),
    )  # fmt: skip
    message = _message_field(required=False, help_text=_("Kept with the decision; the maker can read it."))

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        text = " ".join(part for part in (given.get("usual"), given.get("message")) if part)
        if not text and "message" not in self.errors:
            self.add_error("message", _("Say why: the maker and the auditors will read it."))
        elif len(text) > MOST_CHARACTERS:
            self.add_error("message", _("Say it in 1,000 characters, the usual message included."))
        return {**given, "message": text}


class VerdictForm(ReasonedForm):
    """A decision, and why."""

    decision = forms.ChoiceField(
        choices=[(choice.value, choice.label) for choice in (Decision.APPROVED, Decision.REJECTED)],
        error_messages={"required": _("Choose Approve or Reject."), "invalid_choice": _("Choose Approve or Reject.")},
    )


class NumbersField(forms.Field):
    """Of `17,18,23` the numbers."""

    def to_python(self, value: Any) -> frozenset[int]:
        parts = str(value or "").split(",")
        if not all(_NUMBER.fullmatch(part) for part in parts):
            raise forms.ValidationError(_("Read anew what would be decided, and confirm that."))
        return frozenset(map(int, parts))


class BulkForm(VerdictForm):
    """One decision on many requests, why, and the items that the page named as those to be decided."""

    confirmed = NumbersField(widget=forms.HiddenInput)


class DecisionForm(VerdictForm):
    """A decision, why, and the digest of the content that the checker had before their eyes."""

    digest = forms.CharField(min_length=64, max_length=64, widget=forms.HiddenInput)
    go_on = forms.BooleanField(label=_("Then open the next task"), required=False, initial=True)


class WithdrawalForm(forms.Form):
    message = _message_field(required=False)


class RetryForm(forms.Form):
    message = _message_field(error_messages={"required": _("Say why another try should succeed.")})

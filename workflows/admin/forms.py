"""What people may send from the desk."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from workflows.models import Decision

MOST_CHARACTERS = 1000
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


class DecisionForm(forms.Form):
    """A decision, why, and the digest of the content that the checker had before their eyes."""

    message = _message_field(
        error_messages={"required": _("Say why: the maker and the auditors will read it.")},
        help_text=_("Kept with the decision; the maker can read it."),
    )
    decision = forms.ChoiceField(
        choices=[(choice.value, choice.label) for choice in (Decision.APPROVED, Decision.REJECTED)],
        error_messages={"required": _("Choose Approve or Reject."), "invalid_choice": _("Choose Approve or Reject.")},
    )
    digest = forms.CharField(min_length=64, max_length=64, widget=forms.HiddenInput)
    go_on = forms.BooleanField(label=_("Then open the next task"), required=False, initial=True)


class WithdrawalForm(forms.Form):
    message = _message_field(required=False)


class RetryForm(forms.Form):
    message = _message_field(error_messages={"required": _("Say why another try should succeed.")})

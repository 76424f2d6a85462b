"""The password once more, where an organisation asks for it before a large amount is approved."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import freshness
from accounts.admin_guard import person_of
from accounts.freshness import FreshProof
from wire.addresses import client_address

MOST_CHARACTERS = 1000


class PasswordAgainForm(forms.Form):
    """Stands beside the form of a decision, or of many. What was typed is never sent back."""

    password = forms.CharField(
        label=gettext_lazy("Your password, to approve"), required=False, strip=False, max_length=MOST_CHARACTERS,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text=gettext_lazy("Your organisation asks for it for amounts as large as this."),
    )  # fmt: skip

    def prove(self, request: HttpRequest) -> FreshProof | None:
        """The proof that services take; None where the password is missing or wrong, and the field says so.

        Raises:
            TooManyAttempts: wrong passwords count as failed log-ins.
        """
        given = self.cleaned_data["password"] if self.is_valid() else ""
        if not given:
            self.add_error("password", _("Give your password to approve this. Nothing was decided."))
            return None
        proof = freshness.by_password(person_of(request), given, client_address(request))
        if proof is None:
            self.add_error("password", _("This is not your password. Nothing was decided."))
        return proof

"""Intouch targets: where calls may go, and the credential for it, which can be written and never read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.admin_guard import person_of
from workflows import set_up, settings_change
from workflows.admin.proposals import ProposalForm, ProposingAdmin
from workflows.models import IntouchTarget, WorkflowRequest
from workflows.submission import is_credential


class TargetForm(ProposalForm):
    """`credential` is written only: what is stored is never put into a page."""

    new_credential = forms.CharField(
        label=gettext_lazy("Credential"), required=False, strip=True, max_length=4096,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("The Authorization header to call with. Stored encrypted and never shown again."),
    )  # fmt: skip
    erase_credential = forms.BooleanField(label=gettext_lazy("Erase the stored credential"), required=False)

    class Meta:
        model = IntouchTarget
        fields = ("organisation", "origin", "base_url", "allows_internal", "is_enabled")

    def clean_origin(self) -> str:
        return set_up.canonical_origin(self.cleaned_data["origin"])

    def clean_base_url(self) -> str:
        return set_up.canonical_origin(self.cleaned_data["base_url"])

    def clean_new_credential(self) -> str:
        value: str = self.cleaned_data["new_credential"]
        if value and not is_credential(value):
            raise ValidationError(_("One line of printable ASCII text, as in the header: Basic … or Bearer …"))
        return value

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        new, erase = given.get("new_credential"), given.get("erase_credential")
        if new and erase:
            self.add_error("erase_credential", _("Either store a new credential or erase the old one."))
        if self.instance.credential is not None and "base_url" in self.changed_data and not (new or erase):
            # Whoever moves a target could otherwise have the old credential sent to a host of their own.
            self.add_error("new_credential", _("The address changes: enter the credential again, or erase it."))
        return given


@admin.register(IntouchTarget)
class IntouchTargetAdmin(ProposingAdmin):
    nav_order = 70
    form = TargetForm
    list_display = ("origin", "base_url", "organisation", "is_enabled", "has_credential")
    list_display_links = ("origin",)
    list_select_related = ("organisation",)
    list_filter = ("is_enabled",)
    search_fields = ("origin", "base_url", "organisation__name")
    autocomplete_fields = ("organisation",)
    ordering = ("organisation__name", "origin")
    fieldsets = (
        (None, {"fields": ("organisation", "origin", "base_url", "is_enabled", "allows_internal")}),
        (gettext_lazy("Credential"), {"fields": ("has_credential", "new_credential", "erase_credential")}),
        ProposingAdmin.why,
    )

    def get_readonly_fields(self, request: HttpRequest, obj: IntouchTarget | None = None) -> tuple[str, ...]:
        return ("has_credential",) if obj is None else ("has_credential", "organisation", "origin")

    @admin.display(description=gettext_lazy("own credential"), boolean=True)
    def has_credential(self, target: IntouchTarget) -> bool:
        return target.credential is not None

    def propose(self, actor: Actor, form: Any) -> WorkflowRequest:
        given, target = form.cleaned_data, form.instance
        return settings_change.propose_target(
            actor=actor, origin=target.origin, base_url=target.base_url, allows_internal=target.allows_internal,
            is_enabled=target.is_enabled, note=given["note"], credential=given["new_credential"] or None,
            erases_credential=given["erase_credential"],
        )  # fmt: skip

    def save_model(self, request: HttpRequest, obj: IntouchTarget, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        set_up.record_set_up(
            obj.organisation, person_of(request), target=obj.origin, base_url=obj.base_url,
            allows_internal=obj.allows_internal, is_enabled=obj.is_enabled,
            is_credential_new=bool(form.cleaned_data["new_credential"]),
        )  # fmt: skip
        if form.cleaned_data["new_credential"]:
            set_up.keep_credential(obj, form.cleaned_data["new_credential"])
        elif form.cleaned_data["erase_credential"]:
            set_up.keep_credential(obj, None)

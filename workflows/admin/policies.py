"""Workflow policies: what an organisation allows for a request type."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin_guard import PlatformAdmin, PlatformForm
from workflows import registry
from workflows.models import AutoApproval, WorkflowPolicy

MOST_CHARACTERS = 1000


class LinesField(forms.CharField):
    """A list, one item per line; the items may hold commas."""

    widget = forms.Textarea(attrs={"rows": 6})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        lines = (line.strip() for line in (super().to_python(value) or "").splitlines())
        return list(dict.fromkeys(line for line in lines if line))

    def validate(self, value: Any) -> None:
        super().validate(value)
        if any(len(line) > MOST_CHARACTERS for line in value):
            raise forms.ValidationError(_("A reason has at most %(most)s characters.") % {"most": MOST_CHARACTERS})

    def run_validators(self, value: Any) -> None:
        """The ones of a text do not fit a list."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool((initial or []) != self.to_python(data))


def _types() -> list[tuple[str, Any]]:
    return [(kind.slug, kind.label) for kind in registry.all_types()]


class PolicyForm(PlatformForm):
    request_type = forms.ChoiceField(label=gettext_lazy("Request type"), choices=_types)
    reasons = LinesField(
        label=gettext_lazy("Reason catalogue"), required=False,
        help_text=gettext_lazy("Reasons that a maker may give, one per line. Empty: free text."),
    )  # fmt: skip

    class Meta:
        model = WorkflowPolicy
        fields = (
            "organisation", "request_type", "is_enabled", "cap", "auto_approval", "auto_approval_up_to", "reconciling",
            "reasons",
        )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        amount = given.get("auto_approval_up_to")
        if given.get("auto_approval") == AutoApproval.UP_TO:
            if amount is None:
                self.add_error("auto_approval_up_to", _("Say up to which amount."))
        elif amount is not None:
            self.add_error("auto_approval_up_to", _("Leave this empty, or choose “up to an amount”."))
        return given


@admin.register(WorkflowPolicy)
class WorkflowPolicyAdmin(PlatformAdmin):
    nav_order = 60
    form = PolicyForm
    list_display = ("request_type", "organisation", "is_enabled", "cap", "auto_approval", "auto_approval_up_to")
    list_select_related = ("organisation",)
    list_filter = ("is_enabled", "auto_approval")
    search_fields = ("organisation__name",)
    autocomplete_fields = ("organisation",)
    ordering = ("organisation__name", "request_type")
    fieldsets = (
        (None, {"fields": ("organisation", "request_type", "is_enabled", "cap", "reasons")}),
        (gettext_lazy("Automatic approval"), {"fields": ("auto_approval", "auto_approval_up_to")}),
        (gettext_lazy("Unknown outcomes"), {"fields": ("reconciling",)}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: WorkflowPolicy | None = None) -> tuple[str, ...]:
        return () if obj is None else ("organisation", "request_type")

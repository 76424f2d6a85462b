"""Workflow policies: what an organisation allows for a request type. Saving makes the next version."""

from __future__ import annotations

from typing import Any

import pydantic
from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin_guard import PlatformAdmin, PlatformForm
from workflows import registry
from workflows.models import AutoApproval, Reconciling, WorkflowPolicy
from workflows.rules import versions
from workflows.terms.contradictions import sentences_of
from workflows.terms.document import Terms

MOST_CHARACTERS = 1000


class LinesField(forms.CharField):
    """A list, one item per line; the items may hold commas."""

    widget = forms.Textarea(attrs={"rows": 6})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value

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
        return bool(list(initial or []) != self.to_python(data))


def _types() -> list[tuple[str, Any]]:
    return [(kind.slug, kind.label) for kind in registry.all_types()]


_SIMPLE = ("is_enabled", "cap", "auto_approval", "auto_approval_up_to", "reconciling")


class PolicyForm(PlatformForm):
    request_type = forms.ChoiceField(label=gettext_lazy("Request type"), choices=_types)
    is_enabled = forms.BooleanField(label=gettext_lazy("Enabled"), required=False, initial=True)
    cap = forms.DecimalField(
        label=gettext_lazy("Cap per request"), required=False, max_digits=20, decimal_places=6,
        help_text=gettext_lazy("Largest amount of one request. Empty: no cap."),
    )  # fmt: skip
    auto_approval = forms.ChoiceField(
        label=gettext_lazy("Automatic approval"), choices=AutoApproval.choices, initial=AutoApproval.OFF
    )
    auto_approval_up_to = forms.DecimalField(
        label=gettext_lazy("Automatic up to"), required=False, max_digits=20, decimal_places=6
    )
    reconciling = forms.ChoiceField(
        label=gettext_lazy("After an unknown outcome"), choices=Reconciling.choices, initial=Reconciling.REPEAT
    )
    reasons = LinesField(
        label=gettext_lazy("Reason catalogue"), required=False,
        help_text=gettext_lazy("Reasons that a maker may give, one per line. Empty: free text."),
    )  # fmt: skip

    class Meta:
        model = WorkflowPolicy
        fields = ("organisation", "request_type")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        policy = kwargs.get("instance")
        if policy is not None and policy.pk is not None:
            in_force = {name: getattr(policy.terms, name) for name in (*_SIMPLE, "reasons")}
            kwargs["initial"] = {**in_force, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        amount = given.get("auto_approval_up_to")
        if given.get("auto_approval") == AutoApproval.UP_TO:
            if amount is None:
                self.add_error("auto_approval_up_to", _("Say up to which amount."))
        elif amount is not None:
            self.add_error("auto_approval_up_to", _("Leave this empty, or choose “up to an amount”."))
        if not self.errors:
            given["terms"] = self._terms(given)
        return given

    def _terms(self, given: dict[str, Any]) -> Terms | None:
        """The version in force with what this form changes; rules and limits stay as they are."""
        before = self.instance.terms if self.instance.pk is not None else Terms()
        simple = {name: given.get(name) for name in _SIMPLE}
        try:
            terms = Terms.model_validate({**before.as_json(), **simple, "reasons": tuple(given["reasons"]) or None})
        except pydantic.ValidationError as error:
            self.add_error(None, ValidationError(sentences_of(error)))
            return None
        return terms


@admin.register(WorkflowPolicy)
class WorkflowPolicyAdmin(PlatformAdmin):
    nav_order = 60
    form = PolicyForm
    list_display = ("request_type", "organisation", "is_enabled", "cap", "auto_approval", "auto_approval_up_to")
    list_select_related = ("organisation", "active")
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

    @admin.display(description=gettext_lazy("enabled"), boolean=True)
    def is_enabled(self, policy: WorkflowPolicy) -> bool:
        return policy.terms.is_enabled

    @admin.display(description=gettext_lazy("cap per request"))
    def cap(self, policy: WorkflowPolicy) -> Any:
        return policy.terms.cap

    @admin.display(description=gettext_lazy("automatic approval"))
    def auto_approval(self, policy: WorkflowPolicy) -> Any:
        return AutoApproval(policy.terms.auto_approval).label

    @admin.display(description=gettext_lazy("automatic up to"))
    def auto_approval_up_to(self, policy: WorkflowPolicy) -> Any:
        return policy.terms.auto_approval_up_to

    def save_model(self, request: HttpRequest, obj: WorkflowPolicy, form: Any, change: bool) -> None:
        version = versions.put_in_force(
            organisation=obj.organisation, slug=obj.request_type, terms=form.cleaned_data["terms"],
            author=request.user, checked=False,  # type: ignore[arg-type]
        )  # fmt: skip
        obj.pk = version.policy_id

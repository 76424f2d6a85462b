"""The settings of a policy as a form: everything but rules, default and limits."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.admin.policy_fields import Group, Known, LinesField, PartForm, amount_field, hours_field
from workflows.admin.rule_forms import Editor
from workflows.drafting import editing
from workflows.terms.document import Terms
from workflows.terms.words import AFTER_UNKNOWN, AUTOMATIC

_PLAIN = ("is_enabled", "cap", "auto_approval", "auto_approval_up_to", "reconciling")
_PATIENCE = ("remind_after", "escalate_after", "expire_after", "warn_before")


class SettingsForm(PartForm):
    is_enabled = forms.BooleanField(label=gettext_lazy("Enabled"), required=False)
    cap = amount_field(
        gettext_lazy("Cap per request"), help_text=gettext_lazy("Largest amount of one request. Empty: no cap.")
    )
    auto_approval = forms.ChoiceField(
        label=gettext_lazy("Automatic approval"), choices=list(AUTOMATIC.items()),
        help_text=gettext_lazy("Of what no rule has taken. Limits hold all the same."),
    )  # fmt: skip
    auto_approval_up_to = amount_field(gettext_lazy("Automatic up to"))
    reasons_are = forms.ChoiceField(
        label=gettext_lazy("Reasons"),
        choices=[("free", gettext_lazy("free text")), ("listed", gettext_lazy("only from this list"))],
    )
    reasons = LinesField(
        label=gettext_lazy("Reason catalogue"), required=False,
        help_text=gettext_lazy("Reasons that a maker may give, one per line."),
    )  # fmt: skip
    notify = LinesField(
        label=gettext_lazy("Notification addresses"), required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("E-mail addresses that are told what waits too long, one per line."),
    )  # fmt: skip
    remind_after = hours_field(gettext_lazy("Remind after"))
    escalate_after = hours_field(gettext_lazy("Others may step in after"))
    expire_after = hours_field(gettext_lazy("Expires after"))
    warn_before = hours_field(gettext_lazy("Warn before the expiry"))
    look_alike_days = forms.IntegerField(
        label=gettext_lazy("Looks alike within so many days"), min_value=1, max_value=90,
        help_text=gettext_lazy("Same customer, amount and reason."),
    )  # fmt: skip
    look_alike_always = forms.BooleanField(
        label=gettext_lazy("Look for look-alikes with every request"), required=False,
        help_text=gettext_lazy(
            "And mark them in the inbox. Makes a submission about an eighth dearer; unnecessary where a threshold for"
            " splitting is set, or a rule asks about the customer: then they are looked for anyway."
        ),
    )  # fmt: skip
    splitting_days = forms.IntegerField(label=gettext_lazy("Splitting: within so many days"), min_value=1, max_value=90)
    splitting_threshold = amount_field(
        gettext_lazy("Splitting: more than"),
        help_text=gettext_lazy("That several requests of one maker for one customer pass only together."),
    )
    reconciling = forms.ChoiceField(label=gettext_lazy("After an unknown outcome"), choices=list(AFTER_UNKNOWN.items()))

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        is_free, reasons = given.get("reasons_are") == "free", given.get("reasons")
        if not is_free and not reasons and "reasons" not in self.errors:
            self.add_error("reasons", _("Without a reason on the list nobody could ask for anything."))
        elif is_free and reasons:
            self.add_error(
                "reasons", _("With free text the list means nothing: empty it, or choose “only from this list”.")
            )
        return given


class SettingsEditor(Editor):
    def __init__(self, data: Any, *, known: Known, terms: Terms) -> None:
        values: dict[str, Any] = {name: getattr(terms, name) for name in (*_PLAIN, "notify")}
        values |= {name: getattr(terms.patience, name) for name in _PATIENCE}
        values |= {
            "reasons_are": "free" if terms.reasons is None else "listed",
            "reasons": terms.reasons or (),
            "look_alike_days": terms.look_alike.days,
            "look_alike_always": terms.look_alike.always,
            "splitting_days": terms.splitting.days,
            "splitting_threshold": terms.splitting.threshold,
        }
        self.settings = SettingsForm(data, known=known, initial=values)
        self.forms = [self.settings]

    def groups(self) -> list[Group]:
        some = self.settings.some
        return [
            Group("", some("is_enabled")),
            Group(_("Amounts"), some("cap", "auto_approval", "auto_approval_up_to")),
            Group(_("Reasons"), some("reasons_are", "reasons")),
            Group(_("Patience"), some(*_PATIENCE, "notify")),
            Group(
                _("What looks odd"),
                some("look_alike_days", "look_alike_always", "splitting_days", "splitting_threshold"),
            ),
            Group(_("Unknown outcomes"), some("reconciling")),
        ]

    def apply(self, terms: Terms) -> Terms:
        given = self.settings.cleaned_data
        return editing.with_settings(
            terms,
            {
                **{name: given[name] for name in _PLAIN},
                "notify": tuple(given["notify"]),
                "reasons": None if given["reasons_are"] == "free" else tuple(given["reasons"]),
                "patience": {name: given[name] for name in _PATIENCE},
                "look_alike": {"days": given["look_alike_days"], "always": given["look_alike_always"]},
                "splitting": {"days": given["splitting_days"], "threshold": given["splitting_threshold"]},
            },
        )

"""Who must agree: the forms of a result and of its levels."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.admin.policy_fields import Group, IdsField, Known, MembersField, PartForm
from workflows.terms.document import MOST_LEVELS, MOST_PEOPLE, Level, Result
from workflows.terms.words import ROLES

_SCOPES = ("concepts", "zones", "stores", "tills")
_ROLES = [(role.value, label) for role, label in ROLES.items()]


class LevelForm(PartForm):
    """One level; without a number of people there is none."""

    people = forms.IntegerField(
        label=gettext_lazy("How many people"), required=False, min_value=0, max_value=MOST_PEOPLE,
        help_text=gettext_lazy("Different ones, each must approve. Empty: no such level."),
    )  # fmt: skip
    role = forms.ChoiceField(label=gettext_lazy("Each of them a"), choices=_ROLES, initial="checker")
    users = MembersField(
        label=gettext_lazy("Only these people"), required=False,
        help_text=gettext_lazy("User names, separated by commas. Empty: everybody with that role."),
    )  # fmt: skip
    backup_role = forms.ChoiceField(
        label=gettext_lazy("Later also"), required=False,
        choices=[("", gettext_lazy("nobody else")), *_ROLES],
        help_text=gettext_lazy("Who may step in once it has waited as long as the settings say."),
    )  # fmt: skip
    backup_users = MembersField(label=gettext_lazy("Of those only"), required=False)
    concepts = IdsField(label=gettext_lazy("Scope: concepts"), required=False)
    zones = IdsField(label=gettext_lazy("Scope: zones"), required=False)
    stores = IdsField(label=gettext_lazy("Scope: stores"), required=False)
    tills = IdsField(label=gettext_lazy("Scope: tills"), required=False)

    def group(self, legend: Any, *, folded: bool = False) -> Group:
        return Group(legend, list(self), folded=folded, is_open=bool(self.errors or self["people"].value()))

    def level(self) -> dict[str, Any] | None:
        given = self.cleaned_data
        if not given.get("people"):
            return None
        backup = {"role": given["backup_role"], "users": given["backup_users"]} if given["backup_role"] else None
        return {
            "people": given["people"], "role": given["role"], "users": given["users"], "backup": backup,
            **{name: given[name] for name in _SCOPES},
        }  # fmt: skip


def level_values(level: Level | None) -> dict[str, Any]:
    """What the form of a level begins with."""
    if level is None:
        return {}
    values = level.model_dump()
    backup = values.pop("backup") or {"role": "", "users": ()}
    return {**values, "backup_role": backup["role"], "backup_users": backup["users"]}


class ResultForm(PartForm):
    kind = forms.ChoiceField(
        label=gettext_lazy("What becomes of the request"), widget=forms.RadioSelect,
        choices=[
            ("levels", gettext_lazy("People decide: the levels below, one after the other")),
            ("approve", gettext_lazy("It is carried out at once, nobody is asked")),
            ("refuse", gettext_lazy("It is refused, with the sentence below")),
        ],
    )  # fmt: skip
    message = forms.CharField(
        label=gettext_lazy("What the maker is told"), required=False, max_length=300,
        help_text=gettext_lazy("Only for a refusal."),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("kind") == "refuse" and not given.get("message"):
            self.add_error("message", _("Say why: the maker reads it."))
        return given


class ResultForms:
    """A result and its levels."""

    def __init__(self, data: Any, *, known: Known, result: Result, may_approve: bool = True) -> None:
        values = {"kind": result.kind, "message": result.message or ""}
        self.result = ResultForm(data, known=known, initial=values, prefix="then")
        if not may_approve:
            kind: Any = self.result.fields["kind"]
            kind.choices = [choice for choice in kind.choices if choice[0] != "approve"]
        levels = [*result.levels, *[None] * MOST_LEVELS][:MOST_LEVELS]
        self.levels = [
            LevelForm(data, known=known, initial=level_values(level), prefix=f"level{number}")
            for number, level in enumerate(levels, start=1)
        ]

    @property
    def forms(self) -> list[PartForm]:
        return [self.result, *self.levels]

    def groups(self) -> list[Group]:
        folded = [
            form.group(_("Level %(number)s") % {"number": number}, folded=True)
            for number, form in enumerate(self.levels, start=1)
        ]
        return [Group(_("Result"), list(self.result)), *folded]

    def value(self) -> dict[str, Any]:
        """What was chosen; the fields of another choice are left out, though they may still be filled in."""
        kind = self.result.cleaned_data["kind"]
        levels = [level for form in self.levels if (level := form.level()) is not None]
        return {
            "kind": kind,
            "levels": levels if kind == "levels" else [],
            "message": self.result.cleaned_data["message"] if kind == "refuse" else None,
        }

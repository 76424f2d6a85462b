"""A rule, the default and a limit as forms: each an `Editor` that says how it changes the document."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.admin.level_forms import LevelForm, ResultForms, level_values
from workflows.admin.policy_fields import (
    Group,
    IdsField,
    Known,
    LinesField,
    MembersField,
    PartForm,
    ProgramsField,
    amount_field,
)
from workflows.drafting import editing
from workflows.terms.document import ONE_CHECKER, Conditions, Level, Limit, Rule, Terms
from workflows.terms.words import MAKER_KINDS, MEASURES, PER, SOURCES, WINDOWS

_LISTS = ("programs", "makers", "maker_kinds", "sources", "concepts", "zones", "stores", "tills", "reasons")
_EITHER = [("", gettext_lazy("it does not matter")), ("yes", gettext_lazy("yes")), ("no", gettext_lazy("no"))]
_DAYS = [("", gettext_lazy("not looked at")), *((str(days), days) for days in (30, 90, 365))]
_IDS_HELP = gettext_lazy("Ids, separated by commas.")


def _measures() -> list[tuple[str, Any]]:
    return list(MEASURES.items())


class ConditionsForm(PartForm):
    """Empty fields are no conditions; all that are given must hold."""

    name = forms.CharField(label=gettext_lazy("Name of the rule"), max_length=100)
    points_over = amount_field(gettext_lazy("Points over"))
    points_up_to = amount_field(gettext_lazy("Points up to"))
    money_over = amount_field(gettext_lazy("Money over"))
    money_up_to = amount_field(gettext_lazy("Money up to"))
    programs = ProgramsField(label=gettext_lazy("Programs"))
    makers = MembersField(
        label=gettext_lazy("Makers"), required=False, help_text=gettext_lazy("User names, separated by commas.")
    )
    maker_kinds = forms.MultipleChoiceField(
        label=gettext_lazy("The maker is"), required=False, widget=forms.CheckboxSelectMultiple,
        choices=[(kind.value, label) for kind, label in MAKER_KINDS.items()],
    )  # fmt: skip
    sources = forms.MultipleChoiceField(
        label=gettext_lazy("It comes by"), required=False, widget=forms.CheckboxSelectMultiple,
        choices=list(SOURCES.items()),
    )  # fmt: skip
    reasons = LinesField(
        label=gettext_lazy("Reasons"), required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("One per line."),
    )  # fmt: skip
    concepts = IdsField(label=gettext_lazy("Concepts"), required=False, help_text=_IDS_HELP)
    zones = IdsField(label=gettext_lazy("Zones"), required=False, help_text=_IDS_HELP)
    stores = IdsField(label=gettext_lazy("Stores"), required=False, help_text=_IDS_HELP)
    tills = IdsField(label=gettext_lazy("Tills"), required=False, help_text=_IDS_HELP)
    so_far_days = forms.ChoiceField(label=gettext_lazy("The customer's last days"), choices=_DAYS, required=False)
    so_far_more_than = amount_field(gettext_lazy("brought more than"))
    so_far_measure = forms.ChoiceField(label=gettext_lazy("counted in"), choices=_measures, required=False)
    look_alike = forms.ChoiceField(
        label=gettext_lazy("Looks like another request"), choices=_EITHER, required=False,
        help_text=gettext_lazy("Same customer, amount and reason lately."),
    )  # fmt: skip
    splitting = forms.ChoiceField(
        label=gettext_lazy("Looks split"), choices=_EITHER, required=False,
        help_text=gettext_lazy("Passes the threshold only with the maker's other requests for this customer."),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if bool(given.get("so_far_days")) != (given.get("so_far_more_than") is not None):
            self.add_error("so_far_more_than", _("Say both, days and amount, or leave both empty."))
        return given

    def groups(self) -> list[Group]:
        where = ("concepts", "zones", "stores", "tills")
        so_far = ("so_far_days", "so_far_more_than", "so_far_measure")
        return [
            Group("", self.some("name")),
            Group(
                _("Holds for"), self.some("points_over", "points_up_to", "money_over", "money_up_to"),
                help=_("What is left empty is no condition; everything that is given must hold."),
            ),
            self._folded(_("Program, reason"), "programs", "reasons"),
            self._folded(_("Who asks, and how"), "makers", "maker_kinds", "sources"),
            self._folded(_("Where it comes from"), *where),
            self._folded(_("The customer so far"), *so_far, "look_alike", "splitting", told=so_far[1:2]),
        ]  # fmt: skip

    def _folded(self, legend: str, *names: str, told: tuple[str, ...] = ()) -> Group:
        """`told`: the fields that say whether there is something to see, where a choice always has a value."""
        telling = (*told, "look_alike", "splitting") if told else names
        is_open = any(self[name].value() or self[name].errors for name in telling)
        return Group(legend, self.some(*names), folded=True, is_open=is_open)

    def conditions(self) -> dict[str, Any]:
        given = self.cleaned_data
        so_far = None
        if given["so_far_days"]:
            so_far = {
                "days": int(given["so_far_days"]), "more_than": given["so_far_more_than"],
                "measure": given["so_far_measure"] or "points",
            }  # fmt: skip
        return {
            **{name: given[name] for name in _LISTS},
            "points": _range(given["points_over"], given["points_up_to"]),
            "money": _range(given["money_over"], given["money_up_to"]),
            "so_far": so_far,
            "look_alike": _either(given["look_alike"]),
            "splitting": _either(given["splitting"]),
        }


def _range(over: Any, up_to: Any) -> dict[str, Any] | None:
    return None if over is None and up_to is None else {"over": over, "up_to": up_to}


def _either(text: str) -> bool | None:
    return {"yes": True, "no": False}.get(text)


def _said(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _condition_values(rule: Rule | None) -> dict[str, Any]:
    """What the form of conditions begins with."""
    when = rule.when if rule is not None else Conditions()
    values: dict[str, Any] = {name: getattr(when, name) for name in _LISTS}
    for name, span in (("points", when.points), ("money", when.money)):
        values |= {f"{name}_over": span.over if span else None, f"{name}_up_to": span.up_to if span else None}
    if when.so_far is not None:
        values |= {
            "so_far_days": str(when.so_far.days), "so_far_more_than": when.so_far.more_than,
            "so_far_measure": when.so_far.measure,
        }  # fmt: skip
    return {
        **values, "name": rule.name if rule is not None else "",
        "look_alike": _said(when.look_alike), "splitting": _said(when.splitting),
    }  # fmt: skip


class Editor:
    """One page of the editor: its forms, and how they change the document."""

    forms: list[PartForm]

    def groups(self) -> list[Group]:
        raise NotImplementedError

    def apply(self, terms: Terms) -> Terms:
        """Only after `is_valid`. Raises pydantic.ValidationError for what no document can hold."""
        raise NotImplementedError

    def is_valid(self) -> bool:
        wrong = [form for form in self.forms if not form.is_valid()]
        return not wrong

    def add_problems(self, problems: list[str]) -> None:
        for problem in problems:
            self.forms[0].add_error(None, problem)

    def mistakes(self) -> list[tuple[Any, str]]:
        """Every mistake, with the field that it is at, if it is at one."""
        return [
            (form[name] if name != "__all__" else None, str(text))
            for form in self.forms
            for name, texts in form.errors.items()
            for text in texts
        ]


class RuleEditor(Editor):
    def __init__(self, data: Any, *, known: Known, terms: Terms, at: int | None) -> None:
        rule = editing.item_at(terms, "rules", at) if at is not None else None
        self.at = at
        self.when = ConditionsForm(data, known=known, initial=_condition_values(rule))
        self.then = ResultForms(data, known=known, result=rule.then if rule is not None else ONE_CHECKER)
        self.forms = [self.when, *self.then.forms]

    def groups(self) -> list[Group]:
        return self.when.groups() + self.then.groups()

    def apply(self, terms: Terms) -> Terms:
        rule = Rule.model_validate(
            {"name": self.when.cleaned_data["name"], "when": self.when.conditions(), "then": self.then.value()}
        )
        return editing.with_item(terms, "rules", self.at, rule)


class DefaultEditor(Editor):
    def __init__(self, data: Any, *, known: Known, terms: Terms) -> None:
        self.then = ResultForms(data, known=known, result=terms.default, may_approve=False)
        self.forms = self.then.forms

    def groups(self) -> list[Group]:
        return self.then.groups()

    def apply(self, terms: Terms) -> Terms:
        return editing.with_settings(terms, {"default": self.then.value()})


class LimitForm(PartForm):
    name = forms.CharField(label=gettext_lazy("Name of the limit"), max_length=100)
    most = amount_field(gettext_lazy("At most"), required=True)
    measure = forms.ChoiceField(label=gettext_lazy("of"), choices=_measures)
    per = forms.ChoiceField(label=gettext_lazy("for each"), choices=[(per.value, label) for per, label in PER.items()])
    window = forms.ChoiceField(
        label=gettext_lazy("in"), choices=[(window.value, label) for window, label in WINDOWS.items()], initial="30"
    )
    programs = ProgramsField(
        label=gettext_lazy("Only these programs"), help_text=gettext_lazy("For limits per program. None: every one.")
    )
    at_limit = forms.ChoiceField(
        label=gettext_lazy("What would pass it"), widget=forms.RadioSelect, initial="refuse",
        choices=[
            ("refuse", gettext_lazy("is refused")), ("level", gettext_lazy("needs the level below as well")),
        ],
    )  # fmt: skip


class LimitEditor(Editor):
    def __init__(self, data: Any, *, known: Known, terms: Terms, at: int | None) -> None:
        limit: Limit | None = editing.item_at(terms, "limits", at) if at is not None else None
        self.at = at
        values: dict[str, Any] = limit.model_dump(exclude={"at_limit"}) if limit is not None else {}
        level = limit.at_limit if limit is not None and isinstance(limit.at_limit, Level) else None
        if limit is not None:
            values["at_limit"] = "refuse" if level is None else "level"
        self.limit = LimitForm(data, known=known, initial=values)
        self.level = LevelForm(data, known=known, initial=level_values(level), prefix="level1")
        self.forms = [self.limit, self.level]

    def groups(self) -> list[Group]:
        return [
            Group("", self.limit.some("name", "most", "measure", "per", "window", "programs", "at_limit")),
            self.level.group(_("The level that is added"), folded=True),
        ]

    def is_valid(self) -> bool:
        valid = super().is_valid()
        if valid and self.limit.cleaned_data["at_limit"] == "level" and self.level.level() is None:
            self.level.add_error("people", _("Say how many people."))
            return False
        return valid

    def apply(self, terms: Terms) -> Terms:
        given = self.limit.cleaned_data
        at_limit = self.level.level() if given["at_limit"] == "level" else "refuse"
        return editing.with_item(terms, "limits", self.at, Limit.model_validate({**given, "at_limit": at_limit}))

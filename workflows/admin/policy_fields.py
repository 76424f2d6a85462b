"""The fields that the editor of a policy is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

MOST_CHARACTERS = 1000


class LinesField(forms.CharField):
    """A list, one item per line; the items may hold commas."""

    widget: Any = forms.Textarea(attrs={"rows": 6})

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


class IdsField(LinesField):
    """Ids, separated by commas or spaces."""

    widget: Any = forms.TextInput

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        return super().to_python("\n".join((value or "").replace(",", " ").split()))


@dataclass(frozen=True, slots=True)
class Known:
    """What a form needs to know of the organisation: its programs, its people, and their ids by their user names."""

    programs: Sequence[tuple[int, str]] = ()
    users: Mapping[int, str] = field(default_factory=dict)
    find_users: Callable[[list[str]], Mapping[str, int]] = lambda _: {}


class MembersField(IdsField):
    """Members of the organisation, by their user names; a part of the document keeps their ids."""

    known = Known()

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return ", ".join(self.known.users.get(number, str(number)) for number in value)
        return value

    def clean(self, value: Any) -> Any:
        wanted = super().clean(value)
        found = self.known.find_users(wanted) if wanted else {}
        missing = [name for name in wanted if name not in found]
        if missing:
            raise forms.ValidationError(
                _("No active member of the organisation is called %(names)s.") % {"names": ", ".join(missing)}
            )
        return [found[name] for name in wanted]


class ProgramsField(forms.TypedMultipleChoiceField):
    """Programs of the organisation; one that a document names and that is gone can still be ticked off."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **options: Any) -> None:
        super().__init__(coerce=int, required=False, **options)

    def offer(self, known: Known, chosen: Sequence[int]) -> None:
        numbers = [number for number, _name in known.programs]
        gone = [(number, str(number)) for number in chosen if number not in numbers]
        self.choices = [*known.programs, *gone]


def amount_field(label: Any, *, required: bool = False, **options: Any) -> forms.DecimalField:
    """An amount; thousands may be grouped."""
    return forms.DecimalField(
        label=label, required=required, min_value=0, max_digits=20, decimal_places=6, localize=True, **options
    )


def hours_field(label: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=1, help_text=gettext_lazy("Hours. Empty: never."))


@dataclass(frozen=True, slots=True)
class Group:
    """Fields under a heading; `folded` ones are opened where they hold something."""

    legend: Any
    fields: list[forms.BoundField]
    help: Any = ""
    folded: bool = False
    is_open: bool = False


class PartForm(forms.Form):
    """A form of one part of the document."""

    def __init__(self, data: Any, *, known: Known, initial: Mapping[str, Any], prefix: str | None = None) -> None:
        super().__init__(data, initial=dict(initial), prefix=prefix)
        for name, each in self.fields.items():
            if isinstance(each, MembersField):
                each.known = known
            elif isinstance(each, ProgramsField):
                each.offer(known, initial.get(name) or ())

    def some(self, *names: str) -> list[forms.BoundField]:
        return [self[name] for name in names]

"""Query parameters read strictly: an unknown, repeated or ill-kinded one is refused and never ignored.

django-filter ignores what it does not know and what it cannot read, which returns every row (measured); here the same
mistakes are a 400 that names the parameter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

from django import forms
from django.http import QueryDict
from django_filters.filters import Filter
from django_filters.filterset import FilterSet

from wire.errors import MalformedBody, Problem

_DIGITS = re.compile(r"[0-9]{1,19}", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
LARGEST = 2**63 - 1

Bounds = tuple[int, int]
NOT_NEGATIVE: Bounds = (0, LARGEST)
POSITIVE: Bounds = (1, LARGEST)


def read_integer(text: str, bounds: Bounds = NOT_NEGATIVE) -> int:
    """A whole number in ASCII digits.

    Raises:
        ValueError: anything else, or out of the bounds, which are included.
    """
    least, most = bounds
    if not _DIGITS.fullmatch(text) or not least <= int(text) <= most:
        raise ValueError(f"must be a whole number from {least} to {most}")
    return int(text)


class StrictIntegerField(forms.Field):
    def to_python(self, value: Any) -> int | None:
        if value in (None, ""):
            return None
        try:
            return read_integer(str(value))
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None


class StrictBooleanField(forms.Field):
    def to_python(self, value: Any) -> bool | None:
        if value in (None, ""):
            return None
        if value not in ("true", "false"):
            raise forms.ValidationError("must be true or false")
        return bool(value == "true")


class StrictDateField(forms.Field):
    def to_python(self, value: Any) -> date | None:
        if value in (None, ""):
            return None
        try:
            if _DATE.fullmatch(str(value)):
                return date.fromisoformat(value)
        except ValueError:
            pass
        raise forms.ValidationError("must be a date, YYYY-MM-DD")


class IntegerFilter(Filter):
    field_class = StrictIntegerField


class BooleanFilter(Filter):
    field_class = StrictBooleanField


class DateFilter(Filter):
    field_class = StrictDateField


class StrictFilterSet(FilterSet):
    """Refuses what it does not know.

    Attributes:
        also_allowed: parameters that somebody else reads, such as those of the pagination, with the bounds of those
            that are whole numbers.
        codes: error codes of the contract for single parameters.
    """

    also_allowed: ClassVar[Mapping[str, Bounds | None]] = {}
    codes: ClassVar[dict[str, int]] = {}

    def problems(self) -> list[Problem]:
        """What is wrong with the parameters, one item each."""
        found = [*self._unknown_or_repeated(), *self._out_of_bounds()]
        if not self.form.is_valid():
            found += [
                Problem(self.codes.get(name, MalformedBody.code), f"{name} {errors[0]}.", name)
                for name, errors in self.form.errors.items()
            ]
        return list({problem.reference: problem for problem in reversed(found)}.values())[::-1]

    def _out_of_bounds(self) -> list[Problem]:
        found = []
        for name, bounds in self.also_allowed.items():
            try:
                if bounds is not None and self.data.get(name):
                    read_integer(self.data[name], bounds)
            except ValueError as error:
                found.append(Problem(MalformedBody.code, f"{name} {error}.", name))
        return found

    def _unknown_or_repeated(self) -> list[Problem]:
        data = self.data
        known = {*self.filters, *self.also_allowed}
        if not isinstance(data, QueryDict):
            return []
        problems = [
            Problem(MalformedBody.code, f"{name[:80]} is not a parameter of this list.", name[:80])
            for name in data
            if name not in known
        ]
        problems += [
            Problem(MalformedBody.code, f"{name} is sent more than once.", name)
            for name in data
            if name in known and len(data.getlist(name)) > 1
        ]
        return problems

    def _check(self) -> None:
        problems = self.problems()
        if problems:
            raise MalformedBody(problems=problems)

    @property
    def chosen(self) -> dict[str, Any]:
        """The value of each filter; None where it was not sent.

        Raises:
            MalformedBody: naming every wrong parameter.
        """
        self._check()
        values: dict[str, Any] = self.form.cleaned_data
        return values

    @property
    def strict_qs(self) -> Any:
        """The filtered query set; raises as `chosen` does."""
        self._check()
        return self.qs

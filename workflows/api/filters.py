"""The parameters of E4."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

from django import forms
from django.db.models import F, QuerySet
from django_filters.filters import Filter

from accounts.models import Organisation
from wire.filters import Bounds, DateFilter, IntegerFilter, StrictFilterSet
from wire.pages import NumberedPages
from workflows import registry
from workflows.api.presenters import WIRE_STATES
from workflows.errors import TypeNotSupported
from workflows.models import WorkflowRequest
from workflows.states import State

_SORT_FIELDS = {"startDate": "created_at", "endDate": "ended_at"}


class _StatesField(forms.Field):
    """A comma list of wire states, as the inside states that they stand for."""

    def to_python(self, value: Any) -> list[State] | None:
        if value in (None, ""):
            return None
        names = [name.strip() for name in str(value).split(",")]
        unknown = [name for name in names if name not in WIRE_STATES.values()]
        if unknown:
            raise forms.ValidationError(f"must be a comma list of {', '.join(dict.fromkeys(WIRE_STATES.values()))}")
        return [state for state, name in WIRE_STATES.items() if name in names]


class _StatesFilter(Filter):
    field_class: type[forms.Field] = _StatesField

    def filter(self, queryset: QuerySet[Any], value: list[State] | None) -> QuerySet[Any]:
        return queryset if value is None else queryset.filter(state__in=value)


class _TextField(forms.CharField):
    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        if "\0" in text or len(text) > 64:
            raise forms.ValidationError("must be an id of at most 64 characters")
        return text


class _TextFilter(Filter):
    field_class: type[forms.Field] = _TextField


class _TypeField(forms.CharField):
    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        if text:
            try:
                registry.get(text)
            except TypeNotSupported:
                raise forms.ValidationError("is not a supported request type") from None
        return text


class _TypeFilter(Filter):
    field_class: type[forms.Field] = _TypeField


class _ChoiceField(forms.CharField):
    def __init__(self, *args: Any, names: tuple[str, ...], **kwargs: Any) -> None:
        self.names = names
        super().__init__(*args, **kwargs)

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        if text and text not in self.names:
            raise forms.ValidationError(f"must be {' or '.join(self.names)}")
        return text


class _ChoiceFilter(Filter):
    field_class: type[forms.Field] = _ChoiceField


class RequestFilter(StrictFilterSet):
    """Filters and order of the list; the dates are whole days in the organisation's zone."""

    also_allowed: ClassVar[Mapping[str, Bounds | None]] = NumberedPages.parameters
    codes: ClassVar[dict[str, int]] = {"sortBy": 2011, "sortOrder": 2012, "requestType": TypeNotSupported.code}

    userId = IntegerFilter(field_name="maker_id", label="The maker.")
    customerId = IntegerFilter(field_name="customer_id", label="The customer (ours).")
    conceptId = _TextFilter(field_name="concept_id", label="The concept that the request came from.")
    zoneId = _TextFilter(field_name="zone_id", label="The zone that the request came from.")
    storeId = _TextFilter(field_name="store_id", label="The store that the request came from.")
    tillId = _TextFilter(field_name="till_id", label="The till that the request came from.")
    requestType = _TypeFilter(field_name="request_type", label="The request type, as in the address.")
    states = _StatesFilter(label="A comma list: AdminTask, IntouchAPITask, approved, failed, rejected.")
    startDate = DateFilter(method="from_day", label="First day, YYYY-MM-DD, in the organisation's zone.")
    endDate = DateFilter(method="to_day", label="Last day, included.")
    sortBy = _ChoiceFilter(method="leave", names=tuple(_SORT_FIELDS), label="startDate (default) or endDate")
    sortOrder = _ChoiceFilter(method="leave", names=("asc", "desc"), label="desc (default) or asc")

    class Meta:
        model = WorkflowRequest
        fields: ClassVar[list[str]] = []

    def __init__(self, *args: Any, organisation: Organisation, **kwargs: Any) -> None:
        self.organisation = organisation
        super().__init__(*args, **kwargs)

    def _midnight(self, day: Any, days: int = 0) -> datetime:
        return datetime.combine(day + timedelta(days=days), time.min, tzinfo=self.organisation.zone)

    def from_day(self, queryset: QuerySet[Any], _: str, day: Any) -> QuerySet[Any]:
        return queryset.filter(created_at__gte=self._midnight(day))

    def to_day(self, queryset: QuerySet[Any], _: str, day: Any) -> QuerySet[Any]:
        if day == date.max:  # has no day after it, and takes nothing out
            return queryset
        return queryset.filter(created_at__lt=self._midnight(day, 1))

    def leave(self, queryset: QuerySet[Any], _: str, __: Any) -> QuerySet[Any]:
        return queryset

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.form.cleaned_data
        name = _SORT_FIELDS[chosen["sortBy"] or "startDate"]
        if chosen["sortOrder"] == "asc":
            order: tuple[Any, ...] = (name, "id")  # what has not ended comes last by itself
        elif name == "ended_at":
            order = (F(name).desc(nulls_last=True), "-id")
        else:
            order = (f"-{name}", "-id")  # as the indexes have it: with nulls_last, every row would be sorted
        filtered: QuerySet[Any] = super().filter_queryset(queryset)
        return filtered.order_by(*order)

"""Lists of big tables: one page by key, no count, filters that live in the address.

A page is named by the key of the row before or after it (`after`, `before`), so that page 10,000 costs what the first
one costs and no row is shown twice while new ones come in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin_guard import actors_for

AFTER, BEFORE, ORDER = "after", "before", "order"
OLDEST, NEWEST = "oldest", "newest"
_PLACE = (AFTER, BEFORE)
_SEPARATOR = "~"

if TYPE_CHECKING:
    from workflows.admin.base import DeskAdmin


class Tabs(SimpleListFilter):
    """One of a few lists, the first if the address names none. Subclasses write `tabs` and `rows`."""

    title = _("List")
    parameter_name = "show"
    template = "desk/tabs.html"
    tabs: tuple[tuple[str, Any], ...] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return self.tabs

    @property
    def chosen(self) -> str:
        return chosen_tab(self.used_parameters.get(self.parameter_name), self.tabs)

    def choices(self, changelist: Any) -> Any:
        for value, label in self.tabs:
            yield {
                "selected": value == self.chosen,
                "query_string": changelist.get_query_string({self.parameter_name: value}, [*_PLACE, ORDER]),
                "display": label,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return self.rows(request, queryset, self.chosen)

    def rows(self, request: HttpRequest, queryset: QuerySet[Any], tab: str) -> QuerySet[Any]:
        raise NotImplementedError


def chosen_tab(value: str | None, tabs: tuple[tuple[str, Any], ...]) -> str:
    """The tab of this name, or the first."""
    names = [name for name, _ in tabs]
    return value if value in names else names[0]


class OrganisationFilter(SimpleListFilter):
    """One of the organisations in which the person is a member; shown only to those who have several."""

    title = _("Organisation")
    parameter_name = "organisation"
    template = "desk/choice.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        actors = actors_for(request)
        return [(str(key), actor.organisation.name) for key, actor in actors.items()] if len(actors) > 1 else []

    def choices(self, changelist: Any) -> Any:
        yield {"value": "", "display": _("All my organisations"), "selected": self.value() is None}
        for value, label in self.lookup_choices:
            yield {"value": value, "display": label, "selected": value == self.value()}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        known = [value for value, _ in self.lookup_choices]
        return queryset.filter(organisation=int(self.value())) if self.value() in known else queryset  # type: ignore[arg-type]


class KeysetChangeList(ChangeList):
    """Django's change list with another way to page."""

    model_admin: DeskAdmin

    def get_filters_params(self, params: Any = None) -> Any:
        found = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name not in (*_PLACE, ORDER)}

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        asked = request.GET.get(ORDER)
        self.order = asked if asked in (OLDEST, NEWEST) else self.model_admin.default_order(request)
        sign = "" if self.order == OLDEST else "-"
        return [f"{sign}{name}" for name in self.model_admin.keyset]

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        return self.model_admin.for_list(super().get_queryset(request, exclude_parameters))

    def get_results(self, request: HttpRequest) -> None:
        size = self.model_admin.list_per_page
        backwards = BEFORE in request.GET and AFTER not in request.GET
        place = request.GET.get(BEFORE if backwards else AFTER)
        rows = self.queryset.reverse() if backwards else self.queryset
        if place is not None:
            rows = rows.filter(self._beyond(place, ascending=(self.order == OLDEST) != backwards))
        found = list(rows[: size + 1])
        has_more, page = len(found) > size, found[:size]
        if backwards:
            page.reverse()
        self._show(page, has_previous=has_more if backwards else place is not None, has_next=backwards or has_more)

    def _show(self, page: list[Any], *, has_previous: bool, has_next: bool) -> None:
        self.result_list = page
        self.result_count = len(page)
        self.full_result_count = None
        self.show_full_result_count = self.show_admin_actions = False
        self.can_show_all = self.multi_page = False
        self.previous_link = self._link(BEFORE, page[0]) if page and has_previous else None
        self.next_link = self._link(AFTER, page[-1]) if page and has_next else None
        self.first_link = self.get_query_string(remove=list(_PLACE))

    def _link(self, name: str, row: Model) -> str:
        key = _SEPARATOR.join(field.value_to_string(row) for field in self._key_fields())
        return self.get_query_string({name: key}, list(_PLACE))

    def _beyond(self, place: str, *, ascending: bool) -> Q:
        """Rows on the far side of a key, compared field by field; the first one narrows the index."""
        values = self._read_key(place)
        side = "gt" if ascending else "lt"
        first, *rest = self.model_admin.keyset
        if not rest:
            return Q(**{f"{first}__{side}": values[0]})
        (second,) = rest
        return Q(**{f"{first}__{side}e": values[0]}) & (
            Q(**{f"{first}__{side}": values[0]}) | Q(**{f"{second}__{side}": values[1]})
        )

    def _read_key(self, place: str) -> list[Any]:
        fields = self._key_fields()
        texts = place.split(_SEPARATOR)
        if len(texts) != len(fields):
            raise IncorrectLookupParameters
        try:
            return [field.to_python(text) for field, text in zip(fields, texts, strict=True)]
        except (ValidationError, ValueError, OverflowError):
            raise IncorrectLookupParameters from None

    def _key_fields(self) -> list[Any]:
        return [self.lookup_opts.get_field(name) for name in self.model_admin.keyset]

    @property
    def turned_link(self) -> str:
        """The same list from the other end."""
        return self.get_query_string({ORDER: NEWEST if self.order == OLDEST else OLDEST}, list(_PLACE))

    @property
    def unsearched_link(self) -> str:
        """The same list without the search."""
        return self.get_query_string(remove=[SEARCH_VAR, *_PLACE])

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What a new search keeps of the address."""
        dropped = {SEARCH_VAR, OrganisationFilter.parameter_name, *_PLACE}
        return [(name, value) for name, value in self.params.items() if name not in dropped]

"""Lists of big tables: one page by key, no count, filters that live in the address.

A page is named by the place of the row before or after it (`after`, `before`), so that page 10,000 costs what the
first one costs and no row is shown twice while new ones come in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin_guard import actors_for

AFTER, BEFORE, ORDER = "after", "before", "order"
MOST_READ = 20_000
# Looking rows up one by one fills a page quickly where at least a few in a hundred pass.
FIRST_READ = 1000
_PLACE = (AFTER, BEFORE)

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


@dataclass(frozen=True, slots=True)
class Scan:
    """What filters may have to look through for one page.

    Attributes:
        rows: among which they look.
        most: so many of them, from the page's beginning on.
        rest: finds the rows where these do not fill the page; without it the page says that it stopped early.
    """

    rows: QuerySet[Any]
    most: int
    rest: Callable[[QuerySet[Any]], QuerySet[Any]] | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column that can be sorted by: where it leads, and how the list stands now (`aria-sort`)."""

    link: str
    leads_to: Any
    sorted: str


@dataclass(frozen=True, slots=True)
class SaidFilter:
    """A filter in words, what is wrong with it, and the list without it."""

    label: Any
    text: Any
    errors: Any
    link: str


def _in_words(field: Any, text: str) -> Any:
    """The label of the choice, where there are choices."""
    known = {str(value): label for value, label in getattr(field.widget, "choices", ())}
    return known.get(text, text)


class KeysetChangeList(ChangeList):
    """Django's change list with another way to page, filters of our own, and a bound to what one page may read.

    Where nothing but the tab and the filters say what is shown, one page looks at a bounded number of rows (`Scan`);
    the next page goes on from there, or the rest is found in another way. So a filter that matches one row in a million
    costs no more than any other.
    """

    model_admin: DeskAdmin

    def get_filters_params(self, params: Any = None) -> Any:
        found = super().get_filters_params(params)
        own = {*_PLACE, ORDER, *self.model_admin.filters_class.names()}
        return {name: value for name, value in found.items() if name not in own}

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        asked, known = request.GET.get(ORDER), self.model_admin.orders(request)
        self.orders = known
        self.chosen_order = next((order for order in known if order.name == asked), known[0])
        return self.chosen_order.as_ordering()

    @property
    def order(self) -> str:
        return self.chosen_order.name

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        self.filters = self.model_admin.filters_class.from_query(request.GET)
        self.chosen_order = self.model_admin.orders(request)[0]
        self.get_ordering(request, self.root_queryset)
        self.root_queryset = self.chosen_order.of(self.root_queryset)
        rows = self.filters.apply(super().get_queryset(request, exclude_parameters), actors_for(request))
        return self.model_admin.for_list(rows)

    def get_results(self, request: HttpRequest) -> None:
        size, order = self.model_admin.list_per_page, self.chosen_order
        backwards = BEFORE in request.GET and AFTER not in request.GET
        place = request.GET.get(BEFORE if backwards else AFTER)
        beyond = order.beyond(self._read(place), backwards=backwards) if place is not None else Q()
        ahead = self.queryset.filter(beyond)
        ahead = ahead.reverse() if backwards else ahead
        scan, edge = None if self.query else self.model_admin.scanned(request), None
        if scan is None:
            found = list(ahead[: size + 1])
        elif scan.rest is None:
            edge = self._edge(scan, beyond, backwards=backwards)
            near = ahead if edge is None else ahead.filter(order.up_to(order.read(edge), backwards=backwards))
            found = list(near[: size + 1])
        else:
            first = self._in_order(scan, beyond, backwards=backwards).values("pk")[: scan.most]
            found = list(ahead.filter(pk__in=first)[: size + 1])
            if len(found) <= size:
                found = list(scan.rest(ahead)[: size + 1])
        page = found[:size][::-1] if backwards else found[:size]
        self._show(page)
        # What lies on the side that was looked at: a row more than fits, or rows that nobody has looked at yet.
        if len(found) > size:
            further: str | None = order.place_of(page[0] if backwards else page[-1])
        else:
            further, self.stopped_early = edge, edge is not None
        behind = order.place_of(page[-1] if backwards else page[0]) if page and place is not None else None
        self.previous_link = self._link(BEFORE, further if backwards else behind)
        self.next_link = self._link(AFTER, behind if backwards else further)

    def _in_order(self, scan: Scan, beyond: Q, *, backwards: bool) -> QuerySet[Any]:
        """The rows of a scan from the page's beginning on."""
        rows = self.chosen_order.of(scan.rows).filter(beyond)
        return rows.reverse() if backwards else rows

    def _edge(self, scan: Scan, beyond: Q, *, backwards: bool) -> str | None:
        """The place of the last row that this page may look at; None where the end is nearer."""
        order = self.chosen_order
        columns = [key.lookup for key in order.keys if key.lookup not in order.computed]
        ahead = self._in_order(scan, beyond, backwards=backwards).only(*columns)
        last = list(ahead[scan.most - 1 : scan.most + 1])
        return order.place_of(last[0]) if len(last) == 2 else None

    def _show(self, page: list[Any]) -> None:
        self.result_list = page
        self.result_count = len(page)
        self.full_result_count = None
        self.show_full_result_count = self.show_admin_actions = False
        self.can_show_all = self.multi_page = self.stopped_early = False
        self.first_link = self.get_query_string(remove=list(_PLACE))

    def _link(self, name: str, place: str | None) -> str | None:
        return self.get_query_string({name: place}, list(_PLACE)) if place is not None else None

    def _read(self, place: str) -> list[Any]:
        try:
            return self.chosen_order.read(place)
        except ValueError:
            raise IncorrectLookupParameters from None

    @property
    def turned_link(self) -> str:
        """The same list from the other end."""
        return self._head(self.chosen_order.column).link

    @property
    def heads(self) -> dict[str, Head]:
        """The columns that the list can be ordered by."""
        return {order.column: self._head(order.column) for order in self.orders}

    def _head(self, column: str) -> Head:
        ways = [order for order in self.orders if order.column == column]
        is_chosen = self.chosen_order.column == column
        following = next((order for order in ways if not is_chosen or order is not self.chosen_order), ways[0])
        return Head(
            link=self.get_query_string({ORDER: following.name}, list(_PLACE)), leads_to=following.label,
            sorted=("descending" if self.chosen_order.is_descending else "ascending") if is_chosen else "",
        )  # fmt: skip

    @property
    def unsearched_link(self) -> str:
        """The same list without the search."""
        return self.get_query_string(remove=[SEARCH_VAR, *_PLACE])

    @property
    def unfiltered_link(self) -> str:
        """The same list without the filters."""
        return self.get_query_string(remove=[*self.filters.names(), *_PLACE])

    @property
    def said_filters(self) -> list[SaidFilter]:
        """The filters of the address in words, each with the list that does without it."""
        form = self.filters.form
        return [
            SaidFilter(
                label=form.fields[name].label,
                text=_in_words(form.fields[name], text),
                errors=form.errors.get(name, []),
                link=self.get_query_string(remove=[name, *_PLACE]),
            )
            for name, text in self.filters.raw.items()
        ]

    @property
    def most_read(self) -> int:
        return MOST_READ

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What a new search keeps of the address."""
        dropped = {SEARCH_VAR, OrganisationFilter.parameter_name, *self.filters.names(), *_PLACE}
        return [(name, value) for name, value in self.params.items() if name not in dropped]

    @property
    def address(self) -> str:
        """What of the address says which rows these are and in which order, for a saved view or an export."""
        return self.get_query_string(remove=list(_PLACE)).removeprefix("?")

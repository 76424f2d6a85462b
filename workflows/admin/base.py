"""What the pages of the desk share: lists of big tables, pages of one row, and how a refusal is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import conditional_page, require_GET, require_POST

from accounts.admin_guard import MemberAdmin
from workflows.admin.lists import KeysetChangeList, OrganisationFilter, Scan
from workflows.admin.orders import NEWEST, Order, by_columns
from workflows.desk_filters import Filters

SAFE = ("GET", "HEAD")


class DeskAdmin(MemberAdmin):
    """A list and a page to read. What changes something is a view of its own, by POST (`post_url`).

    Subclasses set:
        keyset: columns that order the list and name its pages; together they are unique.
        filters_class: the filters that the list's form offers.
        results_template: draws `cl.rows`, which `present` makes of the page's rows.
        page_template: draws one row, with what `page_context` adds.
    """

    keyset: ClassVar[tuple[str, ...]] = ("id",)
    filters_class: ClassVar[type[Filters]] = Filters
    results_template: ClassVar[str]
    page_template: ClassVar[str]
    change_list_template = "desk/list.html"
    list_filter: ClassVar[Any] = (OrganisationFilter,)
    search_fields: ClassVar[Any] = ("pk",)  # says that there is a search; `get_search_results` does it
    search_help_text: ClassVar[Any] = _("Customer, reference, request id or number")
    list_per_page = 25
    sortable_by = ()

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return tuple(f"-{name}" for name in self.keyset)

    def default_order(self, request: HttpRequest) -> str:
        return NEWEST

    def orders(self, request: HttpRequest) -> list[Order]:
        """The orders that the list can stand in, the usual one first."""
        usual = self.default_order(request)
        return sorted(by_columns(self.model, *self.keyset), key=lambda order: order.name != usual)

    def scanned(self, request: HttpRequest) -> Scan | None:
        """What the tab and the filters look through, where it may be very many rows."""
        return None

    def for_list(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Join what a row shows, leave out what it does not."""
        return rows

    def present(self, request: HttpRequest, rows: list[Any]) -> list[Any]:
        return rows

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        raise NotImplementedError

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetChangeList]:
        return KeysetChangeList

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist: Any = super().get_changelist_instance(request)
        changelist.rows = self.present(request, changelist.result_list)
        return changelist

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method not in SAFE:
            return HttpResponseNotAllowed(SAFE)
        context = {
            "title": self.nav_label or capfirst(self.opts.verbose_name_plural),
            "results_template": self.results_template,
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of one row; an unknown one and one of another organisation look the same."""
        if request.method not in SAFE:
            return HttpResponseNotAllowed(SAFE)
        return self.with_row(request, object_id, self.show)

    def with_row(
        self, request: HttpRequest, object_id: str, view: Callable[[HttpRequest, Any], HttpResponse]
    ) -> HttpResponse:
        """Call `view` with the row of this id, if the person may see it."""
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined, no-any-return]
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        return view(request, row)

    def show(self, request: HttpRequest, row: Any, *, status: int = 200, **extra: Any) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": str(row),
            "list_label": self.nav_label or capfirst(self.opts.verbose_name_plural),
            "organisation": self.actor_for(request, row).organisation,
            **self.page_context(request, row),
            **extra,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, self.page_template, context, status=status)

    def polled(self, view: Callable[..., HttpResponse]) -> Any:
        """A small answer to read, asked for again and again; one that has not changed is not sent again."""
        return self.admin_site.admin_view(conditional_page(require_GET(view)))

    def post_url(self, verb: str, view: Callable[[HttpRequest, Any], HttpResponse]) -> URLPattern:
        """`<id>/<verb>/` of this model: by POST, with a CSRF token, and only for rows that the person may see."""

        def acting(request: HttpRequest, object_id: str) -> HttpResponse:
            return self.with_row(request, object_id, view)

        name = f"{self.opts.app_label}_{self.opts.model_name}_{verb}"
        return path(f"<path:object_id>/{verb}/", self.admin_site.admin_view(require_POST(acting)), name=name)

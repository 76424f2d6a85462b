"""Programs, for platform administrators; goodwill requests, to read, for the members of their organisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin_guard import PlatformAdmin, actors_for
from goodwill.import_pages import GoodwillImportAdmin
from goodwill.maker_form import GoodwillForm
from goodwill.models import GoodwillImport, GoodwillRequest, GoodwillStatus, Program
from goodwill.request_type import GOODWILL_POINTS
from workflows import desk
from workflows.admin import making
from workflows.admin.base import DeskAdmin
from workflows.admin.chips import Chip
from workflows.registry import Fact
from workflows.templatetags.desk import amount

MOST_FOUND = 100

_CHIPS: Final[dict[GoodwillStatus, Chip]] = {
    GoodwillStatus.PENDING: Chip("wait", "clock", gettext_lazy("Pending")),
    GoodwillStatus.APPROVED: Chip("good", "check", gettext_lazy("Approved")),
    GoodwillStatus.REJECTED: Chip("no", "stop", gettext_lazy("Rejected")),
    GoodwillStatus.FAILURE: Chip("bad", "cross", gettext_lazy("Failure")),
}

making.register(GOODWILL_POINTS.slug, GoodwillForm)
admin.site.register(GoodwillImport, GoodwillImportAdmin)


@admin.register(Program)
class ProgramAdmin(PlatformAdmin):
    nav_order = 50
    list_display = ("name", "number", "organisation", "points_to_currency_ratio", "points_decimals", "is_default")
    list_select_related = ("organisation",)
    search_fields = ("name", "=program_id", "organisation__name")
    autocomplete_fields = ("organisation",)
    ordering = ("organisation__name", "name")

    @admin.display(description=gettext_lazy("program id"), ordering="program_id")
    def number(self, program: Program) -> str:
        return str(program.program_id)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        number = "program_id" if obj is None else "number"
        rest = ("name", "description", "points_to_currency_ratio", "points_decimals", "is_default")
        return ("organisation", number, *rest)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("organisation", "number")


@dataclass(frozen=True, slots=True)
class GoodwillRow:
    goodwill: GoodwillRequest
    chip: Chip


@admin.register(GoodwillRequest)
class GoodwillRequestAdmin(DeskAdmin):
    nav_label = gettext_lazy("Goodwill")
    nav_order = 30
    results_template = "goodwill/goodwill_rows.html"
    page_template = "desk/record_page.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("organisation", "program", "added_by", "updated_by")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        # Read first: a subquery in one of several alternatives would keep the others from using their indexes.
        found = list(desk.matching(actors_for(request), text).values_list("pk", flat=True)[:MOST_FOUND])
        wanted = Q(workflow_request__in=found)
        if text.isascii() and text.isdigit() and len(text) < 19:
            # History from before the engine has no workflow request.
            wanted |= Q(customer_id=int(text)) | Q(request_number=int(text))
        return queryset.filter(wanted), False

    def present(self, request: HttpRequest, rows: list[Any]) -> list[Any]:
        return [GoodwillRow(row, _CHIPS[GoodwillStatus(row.status)]) for row in rows]

    def page_context(self, request: HttpRequest, row: GoodwillRequest) -> dict[str, Any]:
        return {
            "title": _("Goodwill request %(number)s") % {"number": row.request_number},
            "chip": _CHIPS[GoodwillStatus(row.status)],
            "at": row.added_on,
            "item": row.workflow_request,
            "leads": [
                Fact(_("Customer"), str(row.customer_id)),
                Fact(_("Points"), amount(row.points)),
            ],
            "groups": [(_("What"), _what(row)), (_("Who"), _who(row))],
        }


def _what(row: GoodwillRequest) -> list[Fact]:
    return [
        Fact(_("Reason"), row.reason, is_long=True),
        Fact(_("Comments"), row.comments, is_long=True),
        Fact(_("Updated comments"), row.updated_comments, is_long=True),
        Fact(_("Program"), str(row.program)),
        Fact(_("One step"), _("yes") if row.one_step else _("no")),
        Fact(_("Approved automatically"), _("yes") if row.auto_approved else _("no")),
    ]


def _who(row: GoodwillRequest) -> list[Fact]:
    return [
        Fact(_("Added by"), row.added_by.display_name),
        Fact(_("Updated by"), row.updated_by.display_name),
        Fact(_("Organisation"), str(row.organisation)),
    ]

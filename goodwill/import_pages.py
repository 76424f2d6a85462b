"""Imports of history, to read: how far each came, who started it, and the rejected rows to download."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils.formats import number_format
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin_guard import actors_for
from accounts.moments import in_zone
from goodwill.backfill.rejects import for_spreadsheets, form_of, rejects_of
from goodwill.models import GoodwillImport, ImportStage
from workflows.admin.base import SAFE, DeskAdmin
from workflows.admin.chips import Chip
from workflows.registry import Fact

_CHIPS: Final[dict[ImportStage, Chip]] = {
    ImportStage.RUNNING: Chip("work", "arrow", gettext_lazy("Running")),
    ImportStage.STOPPED: Chip("wait", "pause", gettext_lazy("Stopped")),
    ImportStage.FINISHED: Chip("good", "check", gettext_lazy("Finished")),
}
_REJECTS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class ImportRow:
    file: GoodwillImport
    chip: Chip
    records: str
    rejected: str


class GoodwillImportAdmin(DeskAdmin):
    """For operators and auditors of the organisation."""

    nav_label = gettext_lazy("Imports")
    nav_order = 70
    results_template = "goodwill/import_rows.html"
    page_template = "goodwill/import_page.html"
    search_help_text = gettext_lazy("Part of the file's name, or its SHA-256")

    def _organisations(self, request: HttpRequest) -> list[int]:
        actors = actors_for(request)
        return [key for key, one in actors.items() if one.membership.is_operator or one.membership.is_auditor]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        mine = self._organisations(request)
        return bool(mine) and (obj is None or obj.organisation_id in mine)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        imports = super().get_queryset(request).filter(organisation__in=self._organisations(request))
        return imports.select_related("organisation").defer("header")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        if not text or "\0" in text:
            return queryset, False
        by_hash = queryset.filter(file_hash=text.lower())
        return by_hash if len(text) == 64 else queryset.filter(file_name__icontains=text), False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.rejects_view)
        return [path("<path:object_id>/rejects/", view, name="goodwill_goodwillimport_rejects"), *super().get_urls()]

    def rejects_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if request.method not in SAFE:
            return HttpResponseNotAllowed(SAFE)
        return self.with_row(request, object_id, _download)

    def present(self, request: HttpRequest, rows: list[Any]) -> list[Any]:
        return [
            ImportRow(row, _CHIPS[ImportStage(row.stage)], _count(row.records), _count(row.rejected)) for row in rows
        ]

    def page_context(self, request: HttpRequest, row: GoodwillImport) -> dict[str, Any]:
        return {
            "title": row.file_name,
            "chip": _CHIPS[ImportStage(row.stage)],
            "at": row.started_at,
            "leads": [Fact(_("Rows read"), _count(row.records)), Fact(_("Rejected"), _count(row.rejected))],
            "groups": [(_("Rows"), _rows(row)), (_("File"), _file(row))],
            "rejects": row.rejects.order_by("line")[:_REJECTS_SHOWN] if row.rejected else [],
        }


def _count(number: int) -> str:
    return number_format(number, force_grouping=True)


def _rows(row: GoodwillImport) -> list[Fact]:
    return [
        Fact(_("New"), _count(row.inserted)),
        Fact(_("Updated"), _count(row.updated)),
        Fact(_("There already"), _count(row.unchanged)),
        Fact(_("Rejected"), _count(row.rejected)),
        Fact(_("of which conflicts"), _count(row.conflicts)),
        Fact(_("Last line"), _count(row.line)),
    ]


def _file(row: GoodwillImport) -> list[Fact]:
    options = [f"{name}: {value}" for name, value in row.options.items() if value]
    return [
        Fact(_("SHA-256"), row.file_hash),
        Fact(_("Options"), "; ".join(options)),
        Fact(_("Started by"), row.started_by_name),
        Fact(_("Ended at"), in_zone(row.ended_at, row.organisation) if row.ended_at else ""),
        Fact(_("Organisation"), str(row.organisation)),
    ]


def _download(request: HttpRequest, row: GoodwillImport) -> HttpResponse:
    form = form_of(row)
    stem = row.file_name.removesuffix(".gz").removesuffix(f".{form.kind}")
    kind = "text/csv" if form.kind == "csv" else "application/x-ndjson"
    # A streamed answer is a sibling of HttpResponse for the types, and one for everything else.
    response: Any = StreamingHttpResponse(
        for_spreadsheets(rejects_of(row), form, bytes(row.header)), content_type=f"{kind}; charset={form.encoding}"
    )
    response["Content-Disposition"] = content_disposition_header(True, f"{stem}.rejects.{form.kind}")
    return response  # type: ignore[no-any-return]

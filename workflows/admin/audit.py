"""The audit trail, to read: what happened in the person's organisations, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import simplejson
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin_guard import actors_for
from wire.redaction import redact
from workflows import desk
from workflows.admin import story
from workflows.admin.base import DeskAdmin
from workflows.models import AuditEvent
from workflows.registry import Fact


@dataclass(frozen=True, slots=True)
class EventRow:
    event: AuditEvent
    sentence: str


@admin.register(AuditEvent)
class AuditEventAdmin(DeskAdmin):
    nav_label = gettext_lazy("Audit")
    nav_order = 40
    results_template = "desk/event_rows.html"
    page_template = "desk/record_page.html"
    search_help_text = gettext_lazy("Customer, reference, request id or number")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        events = super().get_queryset(request).select_related("organisation", "request")
        return events.defer("request__secret", "request__payload", "request__result")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if text := search_term.strip():
            queryset = queryset.filter(request__in=desk.matching(actors_for(request), text).values("pk"))
        return queryset, False

    def present(self, request: HttpRequest, rows: list[Any]) -> list[Any]:
        return [EventRow(event, story.sentence(event)) for event in rows]

    def page_context(self, request: HttpRequest, row: AuditEvent) -> dict[str, Any]:
        details = simplejson.dumps(redact(row.details), ensure_ascii=False, indent=2)
        return {
            "title": story.sentence(row),
            "at": row.at,
            "item": row.request,
            "groups": [
                (
                    _("Event"),
                    [
                        Fact(_("Action"), row.action),
                        Fact(_("By"), row.actor_name),
                        Fact(_("Organisation"), str(row.organisation)),
                        Fact(_("Correlation id"), row.correlation_id),
                    ],
                )
            ],
            "papers": [(_("Details"), details)] if row.details else [],
        }

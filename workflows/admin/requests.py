"""Requests, to read: every one of the person's organisations, whether a checker was asked or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin_guard import actors_for, administers
from wire.errors import ApiError
from workflows import desk, policies, services
from workflows.admin import chips, facts, list_columns, lists, live, story
from workflows.admin.chips import Chip
from workflows.admin.filtered import FilteredAdmin
from workflows.admin.forms import RetryForm
from workflows.admin.lists import OrganisationFilter, Scan, Tabs, chosen_tab
from workflows.desk_filters import MADE_BY, RequestFilters
from workflows.models import WorkflowRequest
from workflows.selectors import timeline
from workflows.states import ENDED, State

UNPROCESSABLE = 422


class RequestTabs(Tabs):
    tabs = (
        ("all", gettext_lazy("All")),
        ("waiting", gettext_lazy("Waiting")),
        ("executing", gettext_lazy("Being carried out")),
        ("unknown", gettext_lazy("Outcome unknown")),
        ("credited", gettext_lazy("Credited")),
        ("failed", gettext_lazy("Failed")),
        ("declined", gettext_lazy("Not approved")),
    )

    def rows(self, request: HttpRequest, queryset: QuerySet[Any], tab: str) -> QuerySet[Any]:
        match tab:
            case "all":
                return queryset
            case "waiting":
                return queryset.filter(pk__in=desk.undecided(actors_for(request)).values("request"))
            case "declined":
                return queryset.filter(state__in=ENDED - {State.CREDITED, State.FAILED})
        return queryset.filter(state=tab)


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A line of the list; `message` is what the last checker wrote, to the maker."""

    request: WorkflowRequest
    chip: Chip
    message: str = ""


def _policy_link(request: HttpRequest, row: WorkflowRequest) -> str:
    """The version that judged the request, in the history that administrators may read."""
    version = row.policy_version
    if version is None or not administers(request, row.organisation_id):
        return ""
    page = reverse("admin:workflows_workflowpolicy_versions", args=(version.policy_id,))
    return f"{page}#version-{version.number}"


@admin.register(WorkflowRequest)
class WorkflowRequestAdmin(FilteredAdmin):
    nav_label = gettext_lazy("Requests")
    nav_order = 20
    keyset = ("created_at", "id")
    list_filter = (RequestTabs, OrganisationFilter)
    filters_class = RequestFilters
    filter_groups = list_columns.REQUEST_FILTERS
    export_columns = list_columns.REQUESTS
    results_template = "desk/request_rows.html"
    page_template = "desk/request_page.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("organisation", "target", "policy_version").defer("secret")

    def get_urls(self) -> list[URLPattern]:
        return [
            path("<path:object_id>/live/", self.polled(self.live), name="workflows_workflowrequest_live"),
            self.post_url("retry", self.ask_for_retry),
            *super().get_urls(),
        ]

    def for_list(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return desk.for_list(rows.select_related(None))

    def scanned(self, request: HttpRequest) -> Scan | None:
        tab = chosen_tab(request.GET.get(RequestTabs.parameter_name), RequestTabs.tabs)
        filters, actors = RequestFilters.from_query(request.GET), actors_for(request)
        if tab == "waiting" or (tab == "all" and not filters.raw.keys() - {MADE_BY}):
            return None
        own = {MADE_BY: filters.raw[MADE_BY]} if MADE_BY in filters.raw else {}
        return Scan(RequestFilters.from_query(own).apply(desk.requests_within(actors), actors), lists.MOST_READ)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if text := search_term.strip():
            queryset = queryset.filter(pk__in=desk.matching(actors_for(request), text).values("pk"))
        return queryset, False

    def present(self, request: HttpRequest, rows: list[Any]) -> list[Any]:
        people = {actor.user.pk for actor in actors_for(request).values()}
        said = desk.said_to_maker([row.pk for row in rows if row.maker_id in people])
        return [RequestRow(row, chips.of_request(row), said.get(row.pk, "")) for row in rows]

    def page_context(self, request: HttpRequest, row: WorkflowRequest) -> dict[str, Any]:
        tasks = list(row.tasks.order_by("level"))
        may_retry = policies.why_not_retry(self.actor_for(request, row), row) is None
        return {
            "title": _("Request %(reference)s") % {"reference": row.reference_id},
            "item": row,
            "chip": chips.of_request(row),
            "story": facts.read(row),
            "chapters": story.tell(timeline(row)),
            "others": [(other, chips.of_request(other)) for other in desk.others_of_customer(row)],
            "tasks": [(task, chips.of_task(task)) for task in tasks],
            "retry": RetryForm() if may_retry else None,
            "policy_link": _policy_link(request, row),
            "live_stand": live.stand(row),
            "live_url": self._address_of(row, "live"),
        }

    def _address_of(self, row: WorkflowRequest, page: str) -> str:
        return reverse(f"admin:workflows_workflowrequest_{page}", args=(row.pk,), current_app=self.admin_site.name)

    def live(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What an open page asks for."""
        return self.with_row(request, object_id, live.answer)

    def ask_for_retry(self, request: HttpRequest, row: WorkflowRequest) -> HttpResponse:
        """An operator puts a failed request before a checker once more."""
        form = RetryForm(request.POST)
        if not form.is_valid():
            return self.show(request, row, status=UNPROCESSABLE, retry=form)
        try:
            services.ask_for_retry(
                actor=self.actor_for(request, row), request_id=row.pk, message=form.cleaned_data["message"]
            )
        except ApiError as refusal:
            fresh = self.get_queryset(request).get(pk=row.pk)
            return self.show(request, fresh, status=refusal.http_status, refusal=refusal.detail)
        self.message_user(request, _("A checker decides whether it is tried again."), messages.SUCCESS)
        return HttpResponseRedirect(self._address_of(row, "change"))

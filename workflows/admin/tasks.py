"""The checker's desk: the list of tasks, the page of one, and the decisions, each by POST."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.admin_guard import actors_for, person_of
from wire.errors import ApiError
from workflows import desk, policies, services
from workflows.admin import chips, facts, story
from workflows.admin.base import DeskAdmin
from workflows.admin.chips import Chip
from workflows.admin.forms import DecisionForm, WithdrawalForm
from workflows.admin.lists import NEWEST, OLDEST, OrganisationFilter, Tabs, chosen_tab
from workflows.amounts import readable
from workflows.errors import AlreadyDecided
from workflows.models import AdminTask, Decision, WorkflowRequest
from workflows.selectors import timeline

UNPROCESSABLE = 422
GO_ON = "desk_go_on"


class TaskTabs(Tabs):
    tabs = (
        ("for-me", gettext_lazy("Waiting for me")),
        ("mine", gettext_lazy("Made by me")),
        ("waiting", gettext_lazy("All waiting")),
        ("decided", gettext_lazy("Decided")),
    )

    def rows(self, request: HttpRequest, queryset: QuerySet[Any], tab: str) -> QuerySet[Any]:
        match tab:
            case "mine":
                return queryset.filter(maker=person_of(request))
            case "waiting":
                return queryset.filter(decision=None)
            case "decided":
                return queryset.exclude(decision=None)
        return queryset.filter(desk.decidable_by(actors_for(request)))


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A line of the list. `why_not` says why the reader may not decide it; empty where they may."""

    task: AdminTask
    request: WorkflowRequest
    chip: Chip
    why_not: str


def why_not_decide(actor: Actor, task: AdminTask) -> ApiError | None:
    """As `policies.why_not_decide`, and for this very task: a request that is tried again has a later one."""
    if task.decision is not None:
        return AlreadyDecided(_who_was_faster(task))
    return policies.why_not_decide(actor, task.request, task)


def _who_was_faster(task: AdminTask) -> str:
    return _("This task was already %(decision)s%(who)s at %(at)s UTC.") % {
        "decision": task.get_decision_display(),
        "who": _(" by %(name)s") % {"name": task.checker_name} if task.checker_name else "",
        "at": f"{task.decided_at:%Y-%m-%d %H:%M:%S}",
    }


@admin.register(AdminTask)
class AdminTaskAdmin(DeskAdmin):
    nav_label = gettext_lazy("Tasks")
    nav_order = 10
    list_filter = (TaskTabs, OrganisationFilter)
    results_template = "desk/task_rows.html"
    page_template = "desk/task_page.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        tasks = super().get_queryset(request).select_related("request__organisation", "request__target", "opened_by")
        return tasks.defer("request__secret", "request__target__credential")

    def get_urls(self) -> list[URLPattern]:
        return [self.post_url("decide", self.decide), self.post_url("withdraw", self.withdraw), *super().get_urls()]

    # The list

    def for_list(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return desk.with_request(rows.select_related(None)).defer("request__secret", "request__payload")

    def default_order(self, request: HttpRequest) -> str:
        return OLDEST if chosen_tab(request.GET.get("show"), TaskTabs.tabs) in ("for-me", "waiting") else NEWEST

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if text := search_term.strip():
            queryset = queryset.filter(request__in=desk.matching(actors_for(request), text).values("pk"))
        return queryset, False

    def present(self, request: HttpRequest, rows: list[Any]) -> list[Any]:
        return [self._row(self.actor_for(request, task), task) for task in rows]

    def _row(self, actor: Actor, task: AdminTask) -> TaskRow:
        why_not = why_not_decide(actor, task) if task.decision is None else None
        return TaskRow(task, task.request, chips.of_task(task), why_not.detail if why_not else "")

    # The page of one task

    def page_context(self, request: HttpRequest, row: AdminTask) -> dict[str, Any]:
        actor = self.actor_for(request, row)
        why_not = why_not_decide(actor, row)
        may_withdraw = row.decision is None and policies.why_not_withdraw(actor, row.request) is None
        return {
            "title": _("Request %(reference)s") % {"reference": row.request.reference_id},
            "task": row,
            "item": row.request,
            "chip": chips.of_request(row.request),
            "decision_chip": chips.of_task(row),
            "story": facts.read(row.request),
            "chapters": story.tell(timeline(row.request)),
            "others": [(other, chips.of_request(other)) for other in desk.others_of_customer(row.request)],
            "why_not": why_not,
            "form": DecisionForm(initial=self._initial(request, row)) if why_not is None else None,
            "withdrawal": WithdrawalForm() if may_withdraw else None,
            "next_task": desk.next_after(actors_for(request), row),
        }

    def _initial(self, request: HttpRequest, task: AdminTask) -> dict[str, Any]:
        return {"digest": task.request.digest, "go_on": request.session.get(GO_ON, True)}

    # What changes something

    def decide(self, request: HttpRequest, task: AdminTask) -> HttpResponse:
        """Take a decision, or show the page again with what is in its way and what was written so far."""
        form = DecisionForm(request.POST)
        actor = self.actor_for(request, task)
        why_not = why_not_decide(actor, task)
        if why_not is not None:
            return self.show(request, task, status=why_not.http_status, refusal=why_not.detail)
        if not form.is_valid():
            return self.show(request, task, status=UNPROCESSABLE, form=form)
        given = form.cleaned_data
        try:
            services.decide(
                actor=actor, request_id=task.request_id, decision=Decision(given["decision"]),
                message=given["message"], digest=given["digest"],
            )  # fmt: skip
        except ApiError as refusal:
            return self._refused(request, task, refusal)
        request.session[GO_ON] = given["go_on"]
        self.message_user(request, _said(task.request, Decision(given["decision"])), messages.SUCCESS)
        return HttpResponseRedirect(self._after(request, task, go_on=given["go_on"]))

    def _refused(self, request: HttpRequest, task: AdminTask, refusal: ApiError) -> HttpResponse:
        """The page as it is by now, and what was written, to be sent again if the checker still wants to."""
        fresh = self.get_queryset(request).get(pk=task.pk)
        extra: dict[str, Any] = {"refusal": refusal.detail}
        if why_not_decide(self.actor_for(request, fresh), fresh) is None:
            written = {"message": request.POST.get("message", ""), **self._initial(request, fresh)}
            extra["form"] = DecisionForm(initial=written)
        return self.show(request, fresh, status=refusal.http_status, **extra)

    def _after(self, request: HttpRequest, task: AdminTask, *, go_on: bool) -> str:
        following = desk.next_after(actors_for(request), task) if go_on else task
        if following is None:
            return reverse("admin:workflows_admintask_changelist", current_app=self.admin_site.name)
        return reverse("admin:workflows_admintask_change", args=(following.pk,), current_app=self.admin_site.name)

    def withdraw(self, request: HttpRequest, task: AdminTask) -> HttpResponse:
        form = WithdrawalForm(request.POST)
        if not form.is_valid():
            return self.show(request, task, status=UNPROCESSABLE, withdrawal=form)
        try:
            services.withdraw(
                actor=self.actor_for(request, task), request_id=task.request_id, message=form.cleaned_data["message"]
            )
        except ApiError as refusal:
            return self._refused(request, task, refusal)
        self.message_user(request, _("The request was withdrawn."), messages.SUCCESS)
        return HttpResponseRedirect(self._after(request, task, go_on=False))


def _said(request: WorkflowRequest, decision: Decision) -> str:
    names = {
        "amount": readable(request.amount) if request.amount is not None else "",
        "customer": request.customer_id,
        "reference": request.reference_id,
    }
    if decision == Decision.APPROVED:
        return _("Approved: %(amount)s for customer %(customer)s (%(reference)s). It is being carried out.") % names
    return _("Rejected: %(amount)s for customer %(customer)s (%(reference)s).") % names

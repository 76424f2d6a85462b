"""The checker's desk: the list of tasks, the page of one, and the decisions, each by POST."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from accounts.actors import Actor
from accounts.admin_guard import actors_for
from accounts.moments import spelled
from wire.errors import ApiError
from workflows import bulk_selection, desk, desk_filters, desk_history, policies, services
from workflows.admin import background, chips, facts, list_columns, lists, live, said, story, task_orders
from workflows.admin.chips import Chip
from workflows.admin.forms import DecisionForm, WithdrawalForm
from workflows.admin.handing import HandingAdmin, flags_of
from workflows.admin.lists import OrganisationFilter, Scan, Tabs
from workflows.admin.orders import Order
from workflows.admin.password_again import PasswordAgainForm
from workflows.errors import AlreadyDecided
from workflows.models import AdminTask, Decision, WorkflowRequest
from workflows.rules import stuck
from workflows.selectors import timeline

UNPROCESSABLE = 422
GO_ON = "desk_go_on"
LATEST = 3  # of what happened; the rest is folded, so that a task needs no scrolling


class TaskTabs(Tabs):
    tabs = desk_filters.TABS

    def rows(self, request: HttpRequest, queryset: QuerySet[Any], tab: str) -> QuerySet[Any]:
        return desk_filters.in_tab(queryset, actors_for(request), tab)


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A line of the list.

    Attributes:
        chip: the decision; to the maker of an approved request, what has become of it since.
        why_not: why the reader may not decide it; empty where they may.
        message: what the checker wrote, to the maker.
    """

    task: AdminTask
    request: WorkflowRequest
    chip: Chip
    why_not: str
    flags: list[Chip]
    message: str = ""


def why_not_decide(actor: Actor, task: AdminTask) -> ApiError | None:
    """As `policies.why_not_decide`, and for this very task: a request that is tried again has a later one."""
    if task.decision is not None:
        return AlreadyDecided(_who_was_faster(task))
    return policies.why_not_decide(actor, task.request, task)


def _who_was_faster(task: AdminTask) -> str:
    return _("This task was already %(decision)s%(who)s at %(at)s.") % {
        "decision": task.get_decision_display(),
        "who": _(" by %(name)s") % {"name": task.checker_name} if task.checker_name else "",
        "at": spelled(task.decided_at, task.request.organisation) if task.decided_at else "",
    }


@admin.register(AdminTask)
class AdminTaskAdmin(HandingAdmin):
    nav_label = gettext_lazy("Tasks")
    nav_order = 10
    list_filter = (TaskTabs, OrganisationFilter)
    filters_class = desk_filters.TaskFilters
    filter_groups = list_columns.TASK_FILTERS
    export_columns = list_columns.TASKS
    results_template = "desk/task_rows.html"
    page_template = "desk/task_page.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        tasks = (
            super()
            .get_queryset(request)
            .select_related("request__organisation", "request__target", "request__policy_version", "opened_by")
        )
        tasks = tasks.select_related("claimed_by", "assigned_to")
        return tasks.defer("request__secret", "request__target__credential")

    def get_urls(self) -> list[URLPattern]:
        return [
            path("live/", self.polled(self.live_list), name="workflows_admintask_live_list"),
            path("<path:object_id>/live/", self.polled(self.live), name="workflows_admintask_live"),
            self.post_url("decide", self.decide),
            self.post_url("withdraw", self.withdraw),
            *super().get_urls(),
        ]

    # The list

    def for_list(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        rows = desk.with_request(rows.select_related(None)).select_related("claimed_by", "assigned_to")
        return rows.defer("request__secret", "request__payload")

    def orders(self, request: HttpRequest) -> list[Order]:
        return task_orders.offered(desk_filters.chosen_tab(request.GET))

    def scanned(self, request: HttpRequest) -> Scan | None:
        tab, filters, actors = desk_filters.chosen_tab(request.GET), self._filters(request), actors_for(request)
        if not filters:
            return None
        if tab not in desk_filters.OPEN_TABS:
            return Scan(desk_filters.in_tab(desk.tasks_within(actors), actors, tab), lists.MOST_READ)
        if not filters.of_request():
            return None
        return Scan(desk.undecided(actors), lists.FIRST_READ, lambda rows: filters.few_of(rows, actors))

    def _filters(self, request: HttpRequest) -> desk_filters.TaskFilters:
        return self.filters_class.from_query(request.GET)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return desk_filters.found_by(queryset, actors_for(request), search_term), False

    def present(self, request: HttpRequest, rows: list[Any]) -> list[Any]:
        alike = desk_history.with_look_alikes([task.request_id for task in rows if task.decision is None])
        return [self._row(self.actor_for(request, task), task, is_alike=task.request_id in alike) for task in rows]

    def _row(self, actor: Actor, task: AdminTask, *, is_alike: bool) -> TaskRow:
        why_not = why_not_decide(actor, task) if task.decision is None else None
        is_own = task.maker_id == actor.user.pk
        chip = chips.to_maker(task) if is_own else chips.of_task(task)
        return TaskRow(
            task, task.request, chip, why_not.detail if why_not else "", flags_of(task, is_alike=is_alike),
            task.message if is_own else "",
        )  # fmt: skip

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Where tasks wait, checkers may choose many of them for one decision."""
        context = {
            "followed": live.followed(request),
            "live_url": reverse("admin:workflows_admintask_live_list", current_app=self.admin_site.name),
            **(extra_context or {}),
        }
        is_checker = any(actor.membership.is_checker for actor in actors_for(request).values())
        if is_checker and desk_filters.chosen_tab(request.GET) in desk_filters.OPEN_TABS:
            context["bulk_most"] = bulk_selection.MOST_CHOSEN
            context["bulk_url"] = reverse("admin:workflows_bulkrun_choose", current_app=self.admin_site.name)
        return super().changelist_view(request, context)

    # The page of one task

    def page_context(self, request: HttpRequest, row: AdminTask) -> dict[str, Any]:
        actor = self.actor_for(request, row)
        why_not = why_not_decide(actor, row)
        previous_task, next_task = desk.around(actors_for(request), row)
        told = story.tell(timeline(row.request))
        may_withdraw = row.decision is None and policies.why_not_withdraw(actor, row.request) is None
        return {
            "title": _("Request %(reference)s") % {"reference": row.request.reference_id},
            "task": row,
            "item": row.request,
            "chip": chips.of_request(row.request),
            "decision_chip": chips.of_task(row),
            "story": facts.read(row.request),
            "earlier": told[:-LATEST],
            "chapters": told[-LATEST:],
            **background.read(row.request),
            "why_not": why_not,
            "better": stuck.better_deciders(actor, row.request, row) if why_not is None else [],
            "form": DecisionForm(initial=self._initial(request, row)) if why_not is None else None,
            "password": PasswordAgainForm() if policies.needs_fresh_proof(actor, row.request) else None,
            "withdrawal": WithdrawalForm() if may_withdraw else None,
            **self.handing(request, row, may_decide=why_not is None),
            "previous_task": previous_task,
            "next_task": next_task,
            "is_all_claimed": next_task is None and desk.is_all_claimed(actors_for(request), row),
            "followed": live.followed(request),
            "live_stand": live.stand(row.request),
            "live_url": reverse("admin:workflows_admintask_live", args=(row.pk,), current_app=self.admin_site.name),
        }

    def _initial(self, request: HttpRequest, task: AdminTask) -> dict[str, Any]:
        return {"digest": task.request.digest, "go_on": request.session.get(GO_ON, True)}

    # What an open page asks for

    def live_list(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return live.answer(request)

    def live(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.with_row(request, object_id, self._live)

    def _live(self, request: HttpRequest, task: AdminTask) -> HttpResponse:
        why_not = why_not_decide(self.actor_for(request, task), task)
        return live.answer(request, task.request, why_not=str(why_not.detail) if why_not else "")

    # What changes something

    @method_decorator(sensitive_post_parameters("password"))
    def decide(self, request: HttpRequest, task: AdminTask) -> HttpResponse:
        """Take a decision, or show the page again with what is in its way and what was written so far."""
        form = DecisionForm(request.POST)
        actor = self.actor_for(request, task)
        why_not = why_not_decide(actor, task)
        if why_not is not None:
            return self.show(request, task, status=why_not.http_status, refusal=why_not.detail)
        if not form.is_valid():
            return self.show(request, task, status=UNPROCESSABLE, form=form)
        given, password, proof = form.cleaned_data, PasswordAgainForm(request.POST), None
        try:
            if given["decision"] == Decision.APPROVED and policies.needs_fresh_proof(actor, task.request):
                proof = password.prove(request)
                if proof is None:
                    return self.show(request, task, status=UNPROCESSABLE, form=form, password=password)
            decided = services.decide(
                actor=actor, request_id=task.request_id, decision=Decision(given["decision"]),
                message=given["message"], digests=[given["digest"]], proof=proof,
                task_id=task.pk,
            )  # fmt: skip
        except ApiError as refusal:
            return self._refused(request, task, refusal)
        request.session[GO_ON] = given["go_on"]
        if given["decision"] == Decision.APPROVED:
            live.follow(request, decided)
        self.message_user(request, said.of_decision(decided, Decision(given["decision"])), messages.SUCCESS)
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

"""The operators' page: what is being carried out, what is stuck, and the few things that can be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.actors import Actor
from accounts.admin_guard import actors_for
from wire.errors import ApiError
from workflows import desk, operations, registry
from workflows.admin import chips
from workflows.admin.base import DeskAdmin
from workflows.admin.chips import Chip
from workflows.admin.forms import OneLineField
from workflows.admin.lists import OrganisationFilter, Tabs
from workflows.models import Delivery, WorkflowRequest
from workflows.states import QUEUED, State


class DeliveryTabs(Tabs):
    tabs = (
        ("stuck", gettext_lazy("Needs a person")),
        ("unknown", gettext_lazy("Outcome unknown")),
        ("executing", gettext_lazy("Being carried out")),
        ("failed", gettext_lazy("Failed")),
    )

    def rows(self, request: HttpRequest, queryset: QuerySet[Any], tab: str) -> QuerySet[Any]:
        if tab == "stuck":
            return queryset.filter(state=State.UNKNOWN, due_at=None)
        return queryset.filter(state=tab)


class PauseForm(forms.Form):
    """Stop everything of an organisation, or one type of request."""

    organisation = forms.TypedChoiceField(label=gettext_lazy("Organisation"), coerce=int)
    request_type = forms.ChoiceField(label=gettext_lazy("What"), required=False)
    reason = OneLineField(
        label=gettext_lazy("Why"), max_length=500,
        error_messages={"required": gettext_lazy("Say why: checkers and the next operator will read it.")},
    )  # fmt: skip

    def __init__(self, *args: Any, actors: dict[int, Actor], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        organisations: Any = self.fields["organisation"]
        organisations.choices = [(key, actor.organisation.name) for key, actor in actors.items()]
        types: Any = self.fields["request_type"]
        types.choices = [("", _("every type")), *((kind.slug, kind.label) for kind in registry.all_types())]


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    request: WorkflowRequest
    chip: Chip
    may_push: bool
    is_given_up: bool


MOST_STUCK = 50


def _readable(actors: dict[int, Actor]) -> list[WorkflowRequest]:
    """What nobody can decide, in the organisations where the person is told of such things."""
    told = {key: actor for key, actor in actors.items() if actor.membership.is_operator or actor.membership.is_auditor}
    return list(desk.stuck(told)[:MOST_STUCK])


def operators_among(request: HttpRequest) -> dict[int, Actor]:
    """The organisations in which the person is an operator."""
    return {key: actor for key, actor in actors_for(request).items() if actor.membership.is_operator}


@admin.register(Delivery)
class DeliveryAdmin(DeskAdmin):
    nav_label = gettext_lazy("Operations")
    nav_order = 60
    keyset = ("created_at", "id")
    list_filter = (DeliveryTabs, OrganisationFilter)
    change_list_template = "desk/operations.html"
    results_template = "desk/delivery_rows.html"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """For operators, and for auditors to read."""
        actors = actors_for(request)
        mine = {key for key, actor in actors.items() if actor.membership.is_operator or actor.membership.is_auditor}
        return bool(mine) and (obj is None or obj.organisation_id in mine)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("organisation", "target").defer("secret")

    def get_urls(self) -> list[URLPattern]:
        return [
            path("pause/", self.admin_site.admin_view(require_POST(self.pause)), name="workflows_delivery_pause"),
            path("resume/", self.admin_site.admin_view(require_POST(self.resume)), name="workflows_delivery_resume"),
            self.post_url("push", self.push),
            *super().get_urls(),
        ]

    def for_list(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related(None).select_related("organisation", "target").defer("secret", "payload", "result")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if text := search_term.strip():
            queryset = queryset.filter(pk__in=desk.matching(actors_for(request), text).values("pk"))
        return queryset, False

    def present(self, request: HttpRequest, rows: list[Any]) -> list[Any]:
        operators = operators_among(request)
        return [self._row(row, may_push=row.organisation_id in operators) for row in rows]

    def _row(self, row: WorkflowRequest, *, may_push: bool) -> DeliveryRow:
        is_given_up = row.state == State.UNKNOWN and row.due_at is None
        return DeliveryRow(row, chips.of_request(row), may_push and row.state in QUEUED, is_given_up)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        mine, operators = actors_for(request), operators_among(request)
        context = {
            "pauses": desk.pauses(mine),
            "breakers": desk.open_breakers(mine),
            "stuck": _readable(mine),
            "pause_form": PauseForm(actors=operators) if operators else None,
            "operated": set(operators),
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    def show(self, request: HttpRequest, row: Any, *, status: int = 200, **extra: Any) -> HttpResponse:
        """The page of the request tells the whole story; there is no second one."""
        return HttpResponseRedirect(
            reverse("admin:workflows_workflowrequest_change", args=(row.pk,), current_app=self.admin_site.name)
        )

    # What changes something

    def push(self, request: HttpRequest, row: WorkflowRequest) -> HttpResponse:
        """Make one request due now."""
        action = "operator.reconciled" if row.state == State.UNKNOWN else "operator.requeued"
        actor = self.actor_for(request, row)
        return self._act(
            request,
            lambda: operations.make_due(actor=actor, request_id=row.pk, action=action),
            done=_("It is due now; a worker takes it within a moment."),
            not_done=_("A worker has it, or it has ended; nothing was changed."),
        )

    def pause(self, request: HttpRequest) -> HttpResponse:
        operators = operators_among(request)
        form = PauseForm(request.POST, actors=operators)
        if not form.is_valid():
            self.message_user(request, " ".join(_first_errors(form)), messages.ERROR)
            return self._back()
        given = form.cleaned_data
        return self._act(
            request,
            lambda: operations.pause(
                actor=operators[given["organisation"]], request_type=given["request_type"], reason=given["reason"]
            ),
            done=_("Paused. Decisions are taken all the same; nothing is carried out until you resume."),
            not_done=_("It was paused already."),
        )

    def resume(self, request: HttpRequest) -> HttpResponse:
        operators = operators_among(request)
        pause = desk.find_pause(operators, request.POST.get("pause", ""))
        actor = operators.get(pause.organisation_id) if pause is not None else None
        if pause is None or actor is None:
            self.message_user(request, _("There is no such pause any more."), messages.WARNING)
            return self._back()
        return self._act(
            request,
            lambda: operations.resume(actor=actor, request_type=pause.request_type),
            done=_("Resumed. What is due is carried out within one sweep."),
            not_done=_("It was not paused."),
        )

    def _act(self, request: HttpRequest, act: Any, *, done: str, not_done: str) -> HttpResponse:
        try:
            changed = act()
        except ApiError as refusal:
            self.message_user(request, refusal.detail, messages.ERROR)
        else:
            self.message_user(request, done if changed else not_done, messages.SUCCESS if changed else messages.WARNING)
        return self._back()

    def _back(self) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:workflows_delivery_changelist", current_app=self.admin_site.name))


def _first_errors(form: forms.Form) -> list[str]:
    return [str(errors[0]) for errors in form.errors.values()]

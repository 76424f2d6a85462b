"""Workflow policies: the list, the page of a draft, and the history of versions. The editor: `policy_editor`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import ForeignKey
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin_guard import PlatformForm, SettingsAdmin, actors_for, administers, person_of, runs_platform
from wire.errors import ApiError
from workflows import registry
from workflows.admin import policy_budgets, policy_editor, policy_force, policy_pages, policy_replay, policy_trials
from workflows.admin.base import SAFE
from workflows.drafting import drafts, editing
from workflows.models import WorkflowPolicy
from workflows.terms import words
from workflows.terms.document import Terms

View = Callable[[HttpRequest, WorkflowPolicy], HttpResponse]


_BUDGETS = "workflows_workflowpolicy_budgets"


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _types() -> list[tuple[str, Any]]:
    return [(kind.slug, kind.label) for kind in registry.all_types()]


class PolicyForm(PlatformForm):
    """A policy without a version yet: the workflow stays switched off until one is put in force."""

    request_type = forms.ChoiceField(label=gettext_lazy("Request type"), choices=_types)

    class Meta:
        model = WorkflowPolicy
        fields = ("organisation", "request_type")


@admin.register(WorkflowPolicy)
class WorkflowPolicyAdmin(SettingsAdmin):
    nav_order = 60
    form = PolicyForm
    list_display = ("kind", "organisation", "version", "is_enabled", "cap", "auto_approval", "rules")
    list_select_related = ("organisation", "active")
    search_fields = ("organisation__name",)
    ordering = ("organisation__name", "request_type")

    def get_urls(self) -> list[URLPattern]:
        return [
            self._page("settings", policy_editor.settings_page),
            self._page("rule", policy_editor.rule_page),
            self._page("default", policy_editor.default_page),
            self._page("limit", policy_editor.limit_page),
            self._page("move", self.move, "POST"),
            self._page("drop", self.drop, "POST"),
            self._page("discard", self.discard, "POST"),
            self._page("force", policy_force.force_page),
            self._page("versions", policy_force.versions_page, *SAFE),
            self._page("try", policy_trials.try_page),
            self._page("replay", policy_replay.replay_page),
            path("<path:object_id>/budgets/", self.admin_site.admin_view(self.budgets), name=_BUDGETS),
            *super().get_urls(),
        ]

    def _page(self, verb: str, view: View, *methods: str) -> URLPattern:
        """`<id>/<verb>/`: only for rows that the person may change."""
        allowed = methods or (*SAFE, "POST")

        def guarded(request: HttpRequest, object_id: str) -> HttpResponse:
            if request.method not in allowed:
                return HttpResponseNotAllowed(allowed)
            return self._with_policy(request, object_id, view)

        name = f"{self.opts.app_label}_{self.opts.model_name}_{verb}"
        return path(f"<path:object_id>/{verb}/", self.admin_site.admin_view(guarded), name=name)

    def _with_policy(self, request: HttpRequest, object_id: str, view: View) -> HttpResponse:
        policy = self.get_object(request, object_id)
        if policy is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined, no-any-return]
        if not self.has_change_permission(request, policy):
            raise PermissionDenied
        if policy.request_type not in dict(_types()):
            raise Http404(_("This request type is not registered any more."))
        return view(request, policy)

    def budgets(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """How full the limits are; for more people than the policy itself, and for members alone."""
        if request.method not in SAFE:
            return HttpResponseNotAllowed(SAFE)
        known = policy_budgets.readable_policies(actors_for(request))
        policy = known.filter(pk=int(object_id)).first() if _is_id(object_id) else None
        if policy is None or policy.request_type not in dict(_types()):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined, no-any-return]
        return policy_budgets.budgets_page(request, policy)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The draft of the person who looks, else what is in force; it is changed on the pages of its parts."""
        if request.method not in SAFE:
            return HttpResponseNotAllowed(SAFE)
        return self._with_policy(request, object_id, policy_pages.overview)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return self._with_policy(request, object_id, policy_force.versions_page)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request)

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Administrators of an organisation choose among their own."""
        field: Any = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "organisation" and not runs_platform(request):
            field.queryset = field.queryset.filter(
                pk__in=[key for key in actors_for(request) if administers(request, key)]
            )
        return field

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponseRedirect:
        return HttpResponseRedirect(policy_pages.address(obj))

    def move(self, request: HttpRequest, policy: WorkflowPolicy) -> HttpResponse:
        """A rule or limit one place up or down."""
        by = -1 if request.POST.get("to") == "up" else 1
        return self._edited(request, policy, lambda terms, part, at: editing.moved(terms, part, at, by))

    def drop(self, request: HttpRequest, policy: WorkflowPolicy) -> HttpResponse:
        return self._edited(request, policy, editing.without_item)

    def _edited(
        self, request: HttpRequest, policy: WorkflowPolicy, change: Callable[[Terms, editing.Part, int], Terms]
    ) -> HttpResponse:
        try:
            part, at = policy_pages.part_and_place(request)
            drafts.edit(
                policy, person_of(request), request.POST.get("stamp", ""), lambda terms: change(terms, part, at)
            )
        except ApiError as refusal:
            return policy_pages.overview(request, policy, refusal=refusal)
        return HttpResponseRedirect(f"{policy_pages.address(policy)}#{part}")

    def discard(self, request: HttpRequest, policy: WorkflowPolicy) -> HttpResponse:
        drafts.discard(policy, person_of(request))
        self.message_user(request, _("The draft is gone. What is in force has not changed."), messages.SUCCESS)
        return HttpResponseRedirect(policy_pages.address(policy))

    @admin.display(description=gettext_lazy("request type"), ordering="request_type")
    def kind(self, policy: WorkflowPolicy) -> str:
        known = {kind.slug: str(kind.label) for kind in registry.all_types()}
        return known.get(policy.request_type, policy.request_type)

    @admin.display(description=gettext_lazy("version in force"))
    def version(self, policy: WorkflowPolicy) -> Any:
        return policy.active.number if policy.active is not None else None

    @admin.display(description=gettext_lazy("enabled"), boolean=True)
    def is_enabled(self, policy: WorkflowPolicy) -> bool:
        return policy.terms.is_enabled

    @admin.display(description=gettext_lazy("cap per request"))
    def cap(self, policy: WorkflowPolicy) -> Any:
        return policy.terms.cap

    @admin.display(description=gettext_lazy("automatic approval"))
    def auto_approval(self, policy: WorkflowPolicy) -> Any:
        return dict(words.of_settings(policy.terms))[_("Automatic approval")]

    @admin.display(description=gettext_lazy("rules"))
    def rules(self, policy: WorkflowPolicy) -> int:
        return len(policy.terms.rules)

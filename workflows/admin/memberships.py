"""Memberships: given directly while an organisation is being set up, proposed by its administrators from then on.

The platform's administrators go on adding people: switched off and without rights, which are proposed then.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from accounts import set_up_phase
from accounts.actors import Actor
from accounts.admin.memberships import ROLES, SCOPE, MembershipForm, roles_in_words, scope_in_words
from accounts.admin_guard import person_of, runs_platform
from accounts.models import RIGHTS, Membership
from workflows import settings_change
from workflows.admin.proposals import ProposalForm, ProposingAdmin
from workflows.models import WorkflowRequest


class ProposedMembershipForm(ProposalForm, MembershipForm):
    class Meta(MembershipForm.Meta):
        pass


@admin.register(Membership)
class MembershipAdmin(ProposingAdmin):
    nav_order = 30
    form = ProposedMembershipForm
    list_display = ("user", "organisation", "roles", "scope", "is_active")
    list_select_related = ("user", "organisation")
    list_filter = ("is_active", "is_maker", "is_checker", "is_auditor", "is_operator", "is_administrator")
    search_fields = ("user__username", "user__email", "user__name", "organisation__name")
    autocomplete_fields = ("user", "organisation")
    ordering = ("organisation__name", "user__username")
    fieldsets = (
        (None, {"fields": ("user", "organisation", "is_active")}),
        (gettext_lazy("Roles"), {"fields": (*ROLES, "decides_up_to")}),
        (gettext_lazy("Scope"), {"fields": SCOPE}),
        ProposingAdmin.why,
    )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An organisation's administrators would have to choose among everybody there is."""
        return runs_platform(request)

    def has_change_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        own = obj is not None and obj.user_id == person_of(request).pk
        return super().has_change_permission(request, obj) and not own

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> tuple[str, ...]:
        return () if obj is None else ("user", "organisation")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.editor = person_of(request)
        return form

    def propose(self, actor: Actor, form: Any) -> WorkflowRequest:
        return settings_change.propose_membership(actor=actor, wanted=form.instance, note=form.cleaned_data["note"])

    def is_harmless(self, row: Membership, *, change: bool) -> bool:
        return not change and not any(getattr(row, name) for name in RIGHTS)

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        set_up_phase.membership_set.send(sender=Membership, membership=obj, actor=person_of(request))

    @admin.display(description=gettext_lazy("roles"))
    def roles(self, membership: Membership) -> str:
        return roles_in_words(membership)

    @admin.display(description=gettext_lazy("scope"))
    def scope(self, membership: Membership) -> str:
        return scope_in_words(membership)

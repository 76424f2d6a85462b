"""Memberships: what somebody may do in an organisation. Nobody gives rights to themselves."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin_guard import PlatformAdmin, PlatformForm, PlatformInline, person_of
from accounts.models import Membership, User

ROLES = ("is_maker", "is_checker", "is_auditor", "is_operator", "may_issue_in_one_step")
SCOPE = ("concepts", "zones", "stores", "tills")


def _label(name: str) -> str:
    field: Any = Membership._meta.get_field(name)
    return str(field.verbose_name)


def roles_in_words(membership: Membership) -> str:
    names = [_label(name) for name in ROLES if getattr(membership, name)]
    return ", ".join(names) or _("none")


def scope_in_words(membership: Membership) -> str:
    limits = [f"{_label(name)}: {', '.join(getattr(membership, name))}" for name in SCOPE if getattr(membership, name)]
    return "; ".join(limits) or _("whole organisation")


class MembershipForm(PlatformForm):
    editor: ClassVar[User]

    class Meta:
        model = Membership
        fields = ("user", "organisation", "is_active", *ROLES, *SCOPE)

    def clean_user(self) -> User:
        user: User = self.cleaned_data["user"]
        if user == self.editor:
            raise ValidationError(_("You cannot give rights to yourself; another administrator can."))
        return user

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("may_issue_in_one_step") and not given.get("is_maker"):
            self.add_error("may_issue_in_one_step", _("Only a maker can issue in one step."))
        return given


@admin.register(Membership)
class MembershipAdmin(PlatformAdmin):
    nav_order = 30
    form = MembershipForm
    list_display = ("user", "organisation", "roles", "scope", "is_active")
    list_select_related = ("user", "organisation")
    list_filter = ("is_active", "is_maker", "is_checker", "is_auditor", "is_operator")
    search_fields = ("user__username", "user__email", "user__name", "organisation__name")
    autocomplete_fields = ("user", "organisation")
    ordering = ("organisation__name", "user__username")
    fieldsets = (
        (None, {"fields": ("user", "organisation", "is_active")}),
        (gettext_lazy("Roles"), {"fields": ROLES}),
        (gettext_lazy("Scope"), {"fields": SCOPE}),
    )

    def has_change_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        own = obj is not None and obj.user_id == person_of(request).pk
        return super().has_change_permission(request, obj) and not own

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> tuple[str, ...]:
        return () if obj is None else ("user", "organisation")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.editor = person_of(request)
        return form

    @admin.display(description=gettext_lazy("roles"))
    def roles(self, membership: Membership) -> str:
        return roles_in_words(membership)

    @admin.display(description=gettext_lazy("scope"))
    def scope(self, membership: Membership) -> str:
        return scope_in_words(membership)


class MembershipInline(PlatformInline):
    """The memberships of a user, to read beside the user."""

    model = Membership
    fields = ("organisation", "roles", "scope", "is_active")
    readonly_fields = fields

    @admin.display(description=gettext_lazy("roles"))
    def roles(self, membership: Membership) -> str:
        return roles_in_words(membership)

    @admin.display(description=gettext_lazy("scope"))
    def scope(self, membership: Membership) -> str:
        return scope_in_words(membership)

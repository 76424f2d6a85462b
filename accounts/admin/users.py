"""Users: people, who have a password, and service accounts, who have generated secrets. Nobody promotes themselves."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.access import AccessAdmin
from accounts.admin.memberships import MembershipInline
from accounts.admin_guard import PlatformForm, PlatformInline, moment_column, person_of
from accounts.models import ServiceAccountSecret, User, UserKind

_LAST_LOGIN = moment_column("last_login", gettext_lazy("last login"))
_DATE_JOINED = moment_column("date_joined", gettext_lazy("date joined"))

PRIVILEGES = ("is_active", "is_staff", "is_superuser")
INCUMBENT = (
    "code", "description", "user_type", "reference_id", "admin_type", "is_ou_enabled", "time_zone_id", "currency_id",
    "language_id", "is_default",
)  # fmt: skip


class UserAddForm(PlatformForm):
    """A user without any way to log in yet; the page that follows offers a password or a secret."""

    class Meta:
        model = User
        fields = ("username", "kind", "email", "name", "is_staff")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("kind") == UserKind.SERVICE and given.get("is_staff"):
            self.add_error("is_staff", _("A service account cannot log in to the admin."))
        return given

    def save(self, commit: bool = True) -> User:
        self.instance.set_unusable_password()
        user: User = super().save(commit)
        return user


class UserForm(PlatformForm):
    class Meta:
        model = User
        fields = ("username", "email", "name", *PRIVILEGES, *INCUMBENT)


class SecretInline(PlatformInline):
    """When secrets were made and revoked; not even their digests are shown."""

    model = ServiceAccountSecret
    fields = (
        moment_column("created_at", gettext_lazy("created")),
        moment_column("revoked_at", gettext_lazy("revoked")),
    )
    readonly_fields = fields
    show_change_link = False
    verbose_name_plural = gettext_lazy("secrets")


@admin.register(User)
class UserAdmin(AccessAdmin):
    nav_order = 20
    form = UserForm
    add_form = UserAddForm
    add_form_template = None
    change_form_template = "accounts/user_form.html"
    list_display = ("username", "email", "name", "kind", "is_active", "is_staff", "is_superuser")
    list_filter = ("kind", "is_active", "is_staff", "is_superuser")
    search_fields = ("username", "email", "name", "=id")
    ordering = ("username",)
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("number", "kind", "username", "email", "name")}),
        (gettext_lazy("Access"), {"fields": (*PRIVILEGES, _LAST_LOGIN, _DATE_JOINED)}),
        (gettext_lazy("The incumbent's fields"), {"fields": INCUMBENT, "classes": ("collapse",)}),
    )
    add_fieldsets = ((None, {"fields": ("username", "kind", "email", "name", "is_staff")}),)

    @admin.display(description=gettext_lazy("user id"))
    def number(self, user: User) -> str:
        return str(user.pk)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[Any, ...]:
        if obj is None:
            return ()
        fixed = ("number", "kind", _LAST_LOGIN, _DATE_JOINED)
        if obj == person_of(request):
            return (*fixed, *PRIVILEGES)
        return (*fixed, "is_staff", "is_superuser") if obj.is_service_account else fixed

    def get_inlines(self, request: HttpRequest, obj: User | None) -> list[Any]:
        if obj is None:
            return []
        return [MembershipInline, SecretInline] if obj.is_service_account else [MembershipInline]

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Only what was changed on the form: the rest of the row may have changed since it was read."""
        if change:
            obj.save(update_fields=form.changed_data)
        else:
            super().save_model(request, obj, form, change)

"""Users: people, who have a password, and service accounts, who have generated secrets. Nobody promotes themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth import admin as auth_admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts import second_factor, services
from accounts.admin.memberships import MembershipInline
from accounts.admin_guard import PlatformAdmin, PlatformForm, PlatformInline, moment_column, person_of
from accounts.models import ServiceAccountSecret, User, UserKind

_LAST_LOGIN = moment_column("last_login", gettext_lazy("last login"))
_DATE_JOINED = moment_column("date_joined", gettext_lazy("date joined"))
if TYPE_CHECKING:
    _DjangoUserAdmin = auth_admin.UserAdmin[User]
else:
    _DjangoUserAdmin = auth_admin.UserAdmin

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
class UserAdmin(PlatformAdmin, _DjangoUserAdmin):
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

    def get_urls(self) -> list[URLPattern]:
        new_secret = self.admin_site.admin_view(require_POST(self.new_secret))
        no_factor = self.admin_site.admin_view(require_POST(self.remove_second_factor))
        return [
            path("<int:user_id>/secret/", new_secret, name="accounts_user_secret"),
            path("<int:user_id>/remove-second-factor/", no_factor, name="accounts_user_remove_second_factor"),
            *super().get_urls(),
        ]

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

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Set a person's password. One's own is changed where the old one is asked for."""
        user = self.get_object(request, id)
        if user is not None and user == person_of(request):
            return HttpResponseRedirect(reverse("admin:password_change", current_app=self.admin_site.name))
        if user is not None and user.is_service_account:
            raise Http404(_("A service account has a generated secret and no password."))
        return super().user_change_password(request, id, form_url)

    def remove_second_factor(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """For somebody else who has lost device and codes; they log in with their password and set up a new one."""
        user = self.get_object(request, str(user_id))
        if not self.has_change_permission(request, user) or user == person_of(request):
            raise PermissionDenied
        if user is None:
            raise Http404(_("There is no such user."))
        second_factor.remove(user)
        self.log_change(request, user, _("Removed the second factor."))
        self.message_user(request, _("The second factor was removed."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:accounts_user_change", args=(user.pk,)))

    def new_secret(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """Make a service account's secret and show it in this one answer; the old one stops working."""
        user = self.get_object(request, str(user_id))
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        if user is None or not user.is_service_account:
            raise Http404(_("There is no such service account."))
        issued = services.ensure_service_secret(user, rotate=True)
        self.log_change(request, user, _("Made a new secret; the old ones were revoked."))
        self.message_user(request, _("A new secret was made; the old ones no longer work."), messages.SUCCESS)
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "original": user,
            "title": _("New secret of %(name)s") % {"name": user.username}, "issued": issued,
        }  # fmt: skip
        return TemplateResponse(request, "accounts/new_secret.html", context, headers={"Cache-Control": "no-store"})

"""What an administrator does to another one's access, on the user's page. Each is a POST, and audited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth import admin as auth_admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import access, errors, second_factor, services
from accounts.access import Change
from accounts.admin_guard import PlatformAdmin, person_of
from accounts.models import User

if TYPE_CHECKING:
    _DjangoUserAdmin = auth_admin.UserAdmin[User]
else:
    _DjangoUserAdmin = auth_admin.UserAdmin


class AccessAdmin(PlatformAdmin, _DjangoUserAdmin):
    """The acts; the page itself is in `users`."""

    def get_urls(self) -> list[URLPattern]:
        acts = {
            "secret": self.new_secret, "remove-second-factor": self.remove_second_factor,
            "confirm-access": self.confirm_access, "end-sessions": self.end_sessions,
        }  # fmt: skip
        return [
            *(
                path(
                    f"<int:user_id>/{name}/",
                    self.admin_site.admin_view(require_POST(act)),
                    name=f"accounts_user_{name.replace('-', '_')}",
                )
                for name, act in acts.items()
            ),
            *super().get_urls(),
        ]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Say on the page whose access is another one's, and whether the reader may confirm it."""
        original = context.get("original")
        if isinstance(original, User) and original.access_given_by:
            context["access_given_by"] = ", ".join(access.givers_of(original))
            context["why_not_confirm"] = access.why_not_confirm(original, person_of(request))
        return super().render_change_form(request, context, *args, **kwargs)

    @transaction.atomic
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Set a person's password. One's own is changed where the old one is asked for."""
        user = self.get_object(request, id)
        if user is not None and user == person_of(request):
            return HttpResponseRedirect(reverse("admin:password_change", current_app=self.admin_site.name))
        if user is not None and user.is_service_account:
            raise Http404(_("A service account has a generated secret and no password."))
        before = user.password if user is not None else None
        response = super().user_change_password(request, id, form_url)
        if user is not None:
            user.refresh_from_db(fields=["password"])
            if user.password != before:
                access.note_given(user, by=person_of(request), what=Change.PASSWORD_SET)
        return response

    @transaction.atomic
    def remove_second_factor(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """For somebody else who has lost device and codes; they log in with their password and set up a new one."""
        user = self._other(request, user_id)
        second_factor.remove(user)
        access.note_given(user, by=person_of(request), what=Change.SECOND_FACTOR_REMOVED)
        return self._done(request, user, _("Removed the second factor."), _("The second factor was removed."))

    def confirm_access(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """Confirm that an account whose access another administrator has given is its owner's again."""
        user = self._other(request, user_id)
        try:
            access.confirm(user.pk, by=person_of(request))
        except errors.PermissionDenied as error:
            raise PermissionDenied(error.detail) from None
        return self._done(request, user, _("Confirmed the access."), _("The person may decide again."))

    def end_sessions(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """Log somebody else out everywhere."""
        user = self._other(request, user_id)
        access.end_sessions(user, by=person_of(request))
        return self._done(request, user, _("Ended all sessions."), _("All sessions and UI tokens have ended."))

    @transaction.atomic
    def new_secret(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """Make a service account's secret and show it in this one answer; the old one stops working."""
        user = self.get_object(request, str(user_id))
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        if user is None or not user.is_service_account:
            raise Http404(_("There is no such service account."))
        issued = services.ensure_service_secret(user, rotate=True)
        access.note_given(user, by=person_of(request), what=Change.SECRET_MADE)
        self.log_change(request, user, _("Made a new secret; the old ones were revoked."))
        self.message_user(request, _("A new secret was made; the old ones no longer work."), messages.SUCCESS)
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "original": user,
            "title": _("New secret of %(name)s") % {"name": user.username}, "issued": issued,
        }  # fmt: skip
        return TemplateResponse(request, "accounts/new_secret.html", context, headers={"Cache-Control": "no-store"})

    def _other(self, request: HttpRequest, user_id: int) -> User:
        """Somebody else, whose access the reader may change."""
        user: User | None = self.get_object(request, str(user_id))
        if not self.has_change_permission(request, user) or user == person_of(request):
            raise PermissionDenied
        if user is None:
            raise Http404(_("There is no such user."))
        return user

    def _done(self, request: HttpRequest, user: User, logged: str, said: str) -> HttpResponse:
        self.log_change(request, user, logged)
        self.message_user(request, said, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:accounts_user_change", args=(user.pk,)))

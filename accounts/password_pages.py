"""The page on which somebody chooses their own password: Django's, and the only one for whoever was given theirs."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth.views import PasswordChangeView
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import access
from accounts.models import User


class OwnPasswordForm(AdminPasswordChangeForm):
    """The password that somebody else has set is known to them, so another one is asked for."""

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        new = given.get("new_password2")
        if new and self.user.check_password(new):
            self.add_error("new_password2", _("Choose a password that is not the one you have."))
        return given

    @transaction.atomic
    def save(self, commit: bool = True) -> User:
        person: User = super().save(commit)
        access.note_chosen(person)
        return person


def change(site: AdminSite, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
    """Django's view with our form."""
    view = PasswordChangeView.as_view(
        form_class=OwnPasswordForm,
        success_url=reverse("admin:password_change_done", current_app=site.name),
        template_name=site.password_change_template or "registration/password_change_form.html",
        extra_context={**site.each_context(request), **(extra_context or {})},
    )
    return view(request)

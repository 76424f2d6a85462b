"""The pages of the second factor: show it, set it up, keep the recovery codes. Nothing else opens before."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import django_otp
import segno
from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from accounts import second_factor
from accounts.admin_guard import person_of
from accounts.models import User
from wire.secrets import Secret

_OPEN_TO_UNVERIFIED = frozenset({"logout", "second-factor", "second-factor-set-up", "jsi18n"})
_OPEN_WITH_A_PASSWORD_OF_OTHERS = _OPEN_TO_UNVERIFIED | {"password_change"}
View = Callable[..., HttpResponse]


def _picture(url: str) -> str:
    return segno.make(url, error="m").svg_data_uri(scale=5, border=2, light="#ffffff")


class CodeForm(forms.Form):
    code = forms.CharField(
        label=gettext_lazy("One-time password"), max_length=32, strip=True,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True}),
    )  # fmt: skip


def _is_verified(user: User) -> bool:
    """What django-otp's middleware has put on the user of this request."""
    return getattr(user, "otp_device", None) is not None


def is_missing(request: HttpRequest) -> bool:
    """Whether somebody is logged in who still has to show the second factor."""
    user = request.user
    return isinstance(user, User) and not _is_verified(user) and second_factor.is_needed_by(user)


def guarded(site: AdminSite, view: View) -> View:
    """The view, but for people who have yet to show the second factor, or to choose a password, the page for that."""

    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        name = request.resolver_match.url_name if request.resolver_match else None
        if name not in _OPEN_TO_UNVERIFIED and is_missing(request):
            return HttpResponseRedirect(f"{reverse('admin:second-factor')}?next={request.path}")
        if name not in _OPEN_WITH_A_PASSWORD_OF_OTHERS and getattr(request.user, "must_choose_password", False):
            messages.warning(request, _("Somebody else has set your password. Choose one of your own."))
            return HttpResponseRedirect(reverse("admin:password_change"))
        return view(request, *args, **kwargs)

    return inner


def urls(site: AdminSite) -> list[URLPattern]:
    pages = Pages(site)
    return [
        path("second-factor/", site.admin_view(never_cache(pages.show)), name="second-factor"),
        path("second-factor/set-up/", site.admin_view(never_cache(pages.set_up)), name="second-factor-set-up"),
    ]


class Pages:
    """The two pages; every answer is `no-store`, for one of them holds a secret."""

    def __init__(self, site: AdminSite) -> None:
        self.site = site

    def show(self, request: HttpRequest) -> HttpResponse:
        """Ask for a code; who has none to show is led to set it up."""
        person = person_of(request)
        if not second_factor.is_set_up_by(person):
            return HttpResponseRedirect(reverse("admin:second-factor-set-up"))
        form = CodeForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            device = second_factor.verify(person, form.cleaned_data["code"])
            if device is not None:
                self._log_in(request, device)
                return HttpResponseRedirect(self._next(request))
            form.add_error("code", _("Wrong or used up. Wait for the next code, or use a recovery code."))
        context: dict[str, Any] = {"form": form, "next": request.GET.get("next", ""), "title": _("Your second factor")}
        return self._page(request, "accounts/second_factor.html", context)

    def set_up(self, request: HttpRequest) -> HttpResponse:
        """Show the secret to scan and confirm it with a first code; a second device needs the first one."""
        person = person_of(request)
        if is_missing(request) and second_factor.is_set_up_by(person):
            return HttpResponseRedirect(reverse("admin:second-factor"))
        form = CodeForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            codes = second_factor.confirm_set_up(person, form.cleaned_data["code"])
            if codes is not None:
                self._log_in(request, second_factor.device_of(person))
                shown = {"codes": [Secret(code) for code in codes], "title": _("Your recovery codes")}
                return self._page(request, "accounts/recovery_codes.html", shown)
            form.add_error("code", _("This is not the code that the device shows now. Try the next one."))
        device = second_factor.begin_set_up(person)
        # At DEBUG, Django's templates log what they were given.
        context = {
            "form": form, "title": _("Set up your second factor"), "secret": Secret(second_factor.secret_text(device)),
            "picture": Secret(_picture(device.config_url)),
        }  # fmt: skip
        return self._page(request, "accounts/second_factor_set_up.html", context)

    def _log_in(self, request: HttpRequest, device: Any) -> None:
        django_otp.login(request, device)
        request.session.cycle_key()

    def _next(self, request: HttpRequest) -> str:
        wanted = request.POST.get("next", "")
        if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
            return wanted
        return reverse("admin:index")

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        everywhere = self.site.each_context(request)
        if is_missing(request):
            everywhere |= {"nav_items": [], "available_apps": []}
        return TemplateResponse(request, template, {**everywhere, **context}, headers={"Cache-Control": "no-store"})

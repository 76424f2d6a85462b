"""The page on which everybody chooses, for each of their organisations, when they want mail."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.actors import Actor
from accounts.admin_guard import actors_for, person_of
from workflows.mail.choices import choices_of, choose
from workflows.models import MailChoice, MailTiming
from workflows.policies import roles_of

UNPROCESSABLE = 422


class ChoiceForm(forms.Form):
    """What a person may be told in one organisation: of waiting requests as a checker, of ended ones as a maker."""

    waiting = forms.ChoiceField(
        label=gettext_lazy("When a request waits that I may decide"), choices=MailTiming.choices,
    )  # fmt: skip
    outcome = forms.ChoiceField(label=gettext_lazy("When a request of mine has ended"), choices=MailTiming.choices)

    def __init__(self, data: Any, *, actor: Actor, choice: MailChoice) -> None:
        initial = {"waiting": choice.waiting, "outcome": choice.outcome}
        super().__init__(data, initial=initial, prefix=str(actor.organisation.pk))
        self.actor = actor
        if not roles_of(actor.membership):
            del self.fields["waiting"]
        if not (actor.membership.is_maker or actor.membership.is_administrator):
            del self.fields["outcome"]


def urls(site: AdminSite) -> list[URLPattern]:
    view = require_http_methods(["GET", "HEAD", "POST"])(NotificationPage(site).page)
    return [path("notifications/", site.admin_view(view), name="notifications")]


class NotificationPage:
    def __init__(self, site: AdminSite) -> None:
        self.site = site

    def page(self, request: HttpRequest) -> HttpResponse:
        """The choices; by POST, they are kept."""
        actors = actors_for(request)
        if not actors:
            raise PermissionDenied
        choices = choices_of(actors)
        data = request.POST if request.method == "POST" else None
        every = [ChoiceForm(data, actor=actor, choice=choices[key]) for key, actor in actors.items()]
        forms_ = [form for form in every if form.fields]
        if request.method != "POST":
            return self._show(request, forms_)
        if not all(form.is_valid() for form in forms_):
            return self._show(request, forms_, status=UNPROCESSABLE)
        for form in forms_:
            choose(form.actor, **form.cleaned_data)
        messages.success(request, _("Your choice is kept."))
        return HttpResponseRedirect(reverse("admin:notifications", current_app=self.site.name))

    def _show(self, request: HttpRequest, forms_: list[ChoiceForm], *, status: int = 200) -> HttpResponse:
        context = {
            **self.site.each_context(request),
            "title": _("Notifications"),
            "forms": forms_,
            "address": person_of(request).email,
            "is_on": settings.MAIL_ON,
        }
        return TemplateResponse(request, "desk/notifications.html", context, status=status)

"""Pages whose form saves while an organisation is being set up, and proposes from then on."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import ForeignKey
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import set_up_phase
from accounts.actors import Actor
from accounts.admin_guard import PlatformForm, SettingsAdmin, actors_for, runs_platform
from wire.errors import ApiError
from workflows.admin.forms import OneLineField
from workflows.models import WorkflowRequest

_REFUSALS, _CLOSED = "_desk_refusals", "_desk_closed"


class ProposalForm(PlatformForm):
    """A form of settings; `refusals` is what proposing them was met with."""

    refusals: ClassVar[list[str]] = []
    note = OneLineField(
        label=gettext_lazy("Why"), required=False, max_length=500,
        help_text=gettext_lazy("Read by the administrator who approves it; needed once the organisation is set up."),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if self.refusals:
            raise ValidationError(self.refusals)
        return given


class ProposingAdmin(SettingsAdmin):
    """Superusers save while the organisation is being set up; after that its administrators propose."""

    why: ClassVar[Any] = (gettext_lazy("Four eyes"), {"fields": ("note",)})
    change_form_template = "desk/settings_form.html"

    def propose(self, actor: Actor, form: forms.ModelForm[Any]) -> WorkflowRequest:
        raise NotImplementedError

    def is_harmless(self, row: Any, *, change: bool) -> bool:
        """Whether a superuser may save this in an organisation that is set up."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is None:
            return self.has_view_permission(request)
        if _is_closed(request, obj.organisation_id):
            return _administrator(request, obj.organisation_id) is not None
        return runs_platform(request)

    def get_autocomplete_fields(self, request: HttpRequest) -> Any:
        return super().get_autocomplete_fields(request) if runs_platform(request) else ()

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Administrators of an organisation choose among their own."""
        field: Any = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "organisation" and not runs_platform(request):
            own = [key for key in actors_for(request) if _administrator(request, key) is not None]
            field.queryset = field.queryset.filter(pk__in=own)
        return field

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.refusals = request.__dict__.get(_REFUSALS, [])
        return form

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        proposed = self._proposed(request, object_id) if request.method == "POST" else None
        # Whoever proposes is led to the task.
        buttons = {
            "show_save_and_continue": runs_platform(request),
            "show_save_and_add_another": runs_platform(request),
            "proposes": self._proposes(request, object_id),
        }
        return proposed or super().changeform_view(request, object_id, form_url, {**buttons, **(extra_context or {})})

    def _proposes(self, request: HttpRequest, object_id: str | None) -> bool:
        """Whether the form will be proposed, as far as its page can know: what is new says its organisation only when
        it is sent."""
        row = None if object_id is None else self.get_object(request, unquote(object_id))
        if row is not None:
            return _is_closed(request, row.organisation_id)
        own = [key for key in actors_for(request) if _administrator(request, key) is not None]
        return bool(own) and all(_is_closed(request, key) for key in own) and not runs_platform(request)

    def _proposed(self, request: HttpRequest, object_id: str | None) -> HttpResponse | None:
        """The answer to a form that was proposed; None where Django's own view is to go on: it checks the form again,
        shows what is wrong with it, or saves it.

        Not within Django's view, whose transaction would be one around that of the proposal.
        """
        row = None if object_id is None else self.get_object(request, unquote(object_id))
        may = self.has_add_permission(request) if object_id is None else self.has_change_permission(request, row)
        if not may or (object_id is not None and row is None):
            return None
        form = self.get_form(request, row, change=row is not None)(request.POST, instance=row)
        if not form.is_valid() or not _is_closed(request, form.instance.organisation_id):
            return None
        if self.is_harmless(form.instance, change=row is not None):
            return None
        actor = _administrator(request, form.instance.organisation_id)
        if actor is None:
            request.__dict__[_REFUSALS] = [set_up_phase.closed_sentence(form.instance.organisation)]
            return None
        try:
            made = self.propose(actor, form)
        except ApiError as refusal:
            request.__dict__[_REFUSALS] = [problem.message for problem in refusal.problems]
            return None
        self.message_user(
            request, _("Proposed. It takes effect when another administrator approves it."), messages.SUCCESS
        )
        task = made.tasks.get(decision=None)
        return HttpResponseRedirect(
            reverse("admin:workflows_admintask_change", args=(task.pk,), current_app=self.admin_site.name)
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        is_open = not set_up_phase.is_closed(obj.organisation_id)
        if not runs_platform(request) or not (is_open or self.is_harmless(obj, change=change)):
            raise PermissionDenied
        super().save_model(request, obj, form, change)


def _is_closed(request: HttpRequest, organisation_id: int) -> bool:
    """Read once per page."""
    known: dict[int, bool] = request.__dict__.setdefault(_CLOSED, {})
    if organisation_id not in known:
        known[organisation_id] = set_up_phase.is_closed(organisation_id)
    return known[organisation_id]


def _administrator(request: HttpRequest, organisation_id: int) -> Actor | None:
    """Who the logged-in person is as an administrator of the organisation."""
    actor = actors_for(request).get(organisation_id)
    return actor if actor is not None and actor.membership.is_administrator else None

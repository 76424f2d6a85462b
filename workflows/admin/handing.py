"""Who is at a task, on its page and in the list: saying that one is looking at it, and handing it over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.moments import time_of_day
from wire.errors import ApiError
from workflows import claims, policies
from workflows.admin.chips import Chip
from workflows.admin.filtered import FilteredAdmin
from workflows.models import AdminTask


class AssignForm(forms.Form):
    """Whom a task is handed to; nobody means that everybody may decide it again."""

    to = forms.TypedChoiceField(
        label=gettext_lazy("Hand over to"), coerce=int, empty_value=None, required=False,
        error_messages={"invalid_choice": gettext_lazy("This person may not decide the task.")},
    )  # fmt: skip

    def __init__(self, *args: Any, people: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields["to"]
        choices.choices = [("", _("everybody who may decide it")), *((one.pk, one.display_name) for one in people)]


def flags_of(task: AdminTask, *, is_alike: bool) -> list[Chip]:
    """What sets a waiting task apart from the usual one.

    Args:
        is_alike: whether its page shows look-alikes.
    """
    if task.decision is not None:
        return []
    flags = []
    if task.opened_by_id:
        flags.append(Chip("doubt", "repeat", _("Asked again")))
    if task.request.stuck_at is not None:
        flags.append(Chip("bad", "stop", _("Nobody can decide it")))
    if task.escalated_at is not None:
        flags.append(Chip("doubt", "clock", _("Waited too long")))
    if is_alike:
        flags.append(Chip("doubt", "repeat", _("Looks like another")))
    if task.request.judgement.get("split_with"):
        flags.append(Chip("doubt", "question", _("Looks split")))
    if task.assigned_to is not None:
        flags.append(Chip("work", "arrow", _("Handed to %(who)s") % {"who": task.assigned_to.get_short_name()}))
    if task.is_claimed and task.claimed_by is not None and task.claimed_at is not None:
        since = time_of_day(task.claimed_at, task.request.organisation)
        said = {"who": task.claimed_by.get_short_name(), "at": since}
        flags.append(Chip("work", "eye", _("%(who)s is looking, since %(at)s") % said))
    return flags


class HandingAdmin(FilteredAdmin):
    """The acts on a task that decide nothing."""

    def get_urls(self) -> list[URLPattern]:
        return [
            self.post_url("claim", self.claim),
            self.post_url("release", self.release),
            self.post_url("assign", self.assign),
            *super().get_urls(),
        ]

    def handing(self, request: HttpRequest, task: AdminTask, *, may_decide: bool) -> dict[str, Any]:
        """What the page of a task shows of it."""
        actor = self.actor_for(request, task)
        is_mine = task.is_claimed and task.claimed_by_id == actor.user.pk
        may_assign = policies.why_not_assign(actor, task.request, task) is None
        people = claims.able_to_take(task.request, task) if may_assign else []
        assigning = AssignForm(people=people, initial={"to": task.assigned_to_id}) if people else None
        return {
            "claimed_by": task.claimed_by if task.is_claimed and not is_mine else None,
            "may_claim": may_decide and not task.is_claimed,
            "may_release": is_mine,
            "assigning": assigning,
        }

    def claim(self, request: HttpRequest, task: AdminTask) -> HttpResponse:
        return self._done(
            request,
            task,
            lambda: claims.claim(actor=self.actor_for(request, task), task_id=task.pk),
            not_done=_("Somebody else is looking at it already."),
        )

    def release(self, request: HttpRequest, task: AdminTask) -> HttpResponse:
        return self._done(
            request,
            task,
            lambda: claims.release(actor=self.actor_for(request, task), task_id=task.pk),
            not_done=_("You were not looking at it any more."),
        )

    def assign(self, request: HttpRequest, task: AdminTask) -> HttpResponse:
        form = AssignForm(request.POST, people=claims.able_to_take(task.request, task))
        if not form.is_valid():
            self.message_user(request, " ".join(str(error) for error in form.errors["to"]), messages.ERROR)
            return self._page(task)
        to = form.cleaned_data["to"]
        return self._done(
            request, task, lambda: claims.assign(actor=self.actor_for(request, task), task_id=task.pk, user_id=to)
        )

    def _done(
        self, request: HttpRequest, task: AdminTask, act: Callable[[], bool | None], not_done: str = ""
    ) -> HttpResponse:
        """The task's page again; it shows what has changed, and what has not is said."""
        try:
            if act() is False:
                self.message_user(request, not_done, messages.WARNING)
        except ApiError as refusal:
            self.message_user(request, refusal.detail, messages.ERROR)
        return self._page(task)

    def _page(self, task: AdminTask) -> HttpResponse:
        return HttpResponseRedirect(
            reverse("admin:workflows_admintask_change", args=(task.pk,), current_app=self.admin_site.name)
        )

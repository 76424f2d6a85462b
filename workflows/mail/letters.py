"""What a mail says: amounts, customer ids, states, the checker's message and links. No names, reasons or references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from workflows import registry
from workflows.amounts import readable
from workflows.models import Decision, Notice, NoticeKind, WorkflowRequest
from workflows.states import State


@dataclass(frozen=True, slots=True)
class Item:
    """One request of a mail. `message` is the checker's; empty while there is none."""

    what: Any
    amount: str
    customer: int
    state: Any
    message: str
    url: str


def compose(recipient: User, kind: NoticeKind, notices: Sequence[Notice]) -> EmailMultiAlternatives:
    """One mail about one or more requests of one organisation.

    The subject is made of our own words and a number, so that nothing that somebody wrote gets into a header.
    """
    with translation.override(settings.LANGUAGE_CODE):
        items = [_item(kind, notice.request) for notice in notices]
        choices_url = _absolute(reverse("admin:notifications"))
        context = {
            "subject": _subject(kind, items), "items": items, "is_waiting": kind == NoticeKind.WAITING,
            "organisation": notices[0].organisation.name, "choices_url": choices_url,
            "list_url": _absolute(_list(kind)),
        }  # fmt: skip
        mail = EmailMultiAlternatives(
            subject=f"[Goodwill] {context['subject']}",
            body=render_to_string("mail/notice.txt", context),
            from_email=settings.DEFAULT_FROM_EMAIL,
            to=[recipient.email],
            headers={
                "Message-ID": f"<{kind}-{notices[0].pk}-{notices[-1].pk}@{urlsplit(settings.PUBLIC_URL).hostname}>",
                "List-Unsubscribe": f"<{choices_url}>",
                "Auto-Submitted": "auto-generated",
            },
        )
        mail.attach_alternative(render_to_string("mail/notice.html", context), "text/html")
        return mail


def _subject(kind: NoticeKind, items: Sequence[Item]) -> str:
    count = len(items)
    if kind == NoticeKind.WAITING:
        return ngettext("A request waits for you", "%(count)d requests wait for you", count) % {"count": count}
    if count == 1:
        return _("Your request has ended: %(state)s") % {"state": items[0].state}
    return ngettext("Your request has ended", "%(count)d of your requests have ended", count) % {"count": count}


def _item(kind: NoticeKind, request: WorkflowRequest) -> Item:
    open_task = request.tasks.filter(decision=None).first() if kind == NoticeKind.WAITING else None
    address = (
        reverse("admin:workflows_admintask_change", args=(open_task.pk,))
        if open_task is not None
        else reverse("admin:workflows_workflowrequest_change", args=(request.pk,))
    )
    return Item(
        what=registry.get(request.request_type).label,
        amount=readable(request.amount) if request.amount is not None else "",
        customer=request.customer_id,
        state=State(request.state).label,
        message=_message(request) if kind == NoticeKind.OUTCOME else "",
        url=_absolute(address),
    )


def _message(request: WorkflowRequest) -> str:
    """What the last checker wrote."""
    by_checkers = request.tasks.filter(decision__in=(Decision.APPROVED, Decision.REJECTED))
    last = by_checkers.order_by("-level").first()
    return last.message if last is not None else ""


def _list(kind: NoticeKind) -> str:
    tasks = reverse("admin:workflows_admintask_changelist")
    return tasks if kind == NoticeKind.WAITING else f"{tasks}?show=mine"


def _absolute(path: str) -> str:
    return f"{settings.PUBLIC_URL}{path}"

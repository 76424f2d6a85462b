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

from workflows import registry
from workflows.amounts import readable
from workflows.models import Decision, Notice, NoticeKind, WorkflowRequest
from workflows.states import State


@dataclass(frozen=True, slots=True)
class Item:
    """One request of a mail. `message` is the checker's; empty while there is none."""

    what: Any
    amount: str
    customer: int | None
    state: Any
    message: str
    url: str


def compose(
    to: str, kind: NoticeKind, notices: Sequence[Notice], *, is_member: bool = True
) -> EmailMultiAlternatives:  # fmt: skip
    """One mail about one or more requests of one organisation.

    The subject is made of our own words and a number, so that nothing that somebody wrote gets into a header.

    Args:
        is_member: whether the address is somebody's who can choose what they are told; else it is one of the policy's.
    """
    with translation.override(settings.LANGUAGE_CODE):
        items = [_item(kind, notice.request) for notice in notices]
        choices_url = _absolute(reverse("admin:notifications"))
        context = {
            "subject": _subject(kind, items), "lead": _lead(kind, len(items)), "items": items,
            "is_waiting": kind != NoticeKind.OUTCOME,
            "organisation": notices[0].organisation.name, "choices_url": choices_url if is_member else "",
            "list_url": _absolute(_list(kind)),
        }  # fmt: skip
        mail = EmailMultiAlternatives(
            subject=f"[Goodwill] {context['subject']}",
            body=render_to_string("mail/notice.txt", context),
            from_email=settings.DEFAULT_FROM_EMAIL,
            to=[to],
            headers={
                "Message-ID": f"<{kind}-{notices[0].pk}-{notices[-1].pk}@{urlsplit(settings.PUBLIC_URL).hostname}>",
                "Auto-Submitted": "auto-generated",
                **({"List-Unsubscribe": f"<{choices_url}>"} if is_member else {}),
            },
        )
        mail.attach_alternative(render_to_string("mail/notice.html", context), "text/html")
        return mail


def _subject(kind: NoticeKind, items: Sequence[Item]) -> str:
    count = len(items)
    said = {
        NoticeKind.WAITING: ngettext("A request waits for you", "%(count)d requests wait for you", count),
        NoticeKind.REMINDER: ngettext("A request still waits", "%(count)d requests still wait", count),
        NoticeKind.BACKUP: ngettext("A request has waited too long", "%(count)d requests have waited too long", count),
        NoticeKind.EXPIRING: ngettext("A request will expire", "%(count)d requests will expire", count),
        NoticeKind.STUCK: ngettext("Nobody can decide a request", "Nobody can decide %(count)d requests", count),
    }
    if kind in said:
        return said[kind] % {"count": count}
    if count == 1:
        return _("Your request has ended: %(state)s") % {"state": items[0].state}
    return ngettext("Your request has ended", "%(count)d of your requests have ended", count) % {"count": count}


def _lead(kind: NoticeKind, count: int) -> str:
    """The first sentence, before the requests themselves."""
    said = {
        NoticeKind.WAITING: ngettext(
            "This request waits for a decision that you may take:",
            "These %(count)d requests wait for a decision that you may take:",
            count,
        ),
        NoticeKind.REMINDER: ngettext(
            "This request still waits for a decision:", "These %(count)d requests still wait for a decision:", count
        ),
        NoticeKind.BACKUP: ngettext(
            "This request has waited too long; those who stand in for its checkers may decide it as well now:",
            "These %(count)d requests have waited too long; those who stand in for their checkers may decide them as"
            " well now:",
            count,
        ),
        NoticeKind.EXPIRING: ngettext(
            "This request expires soon, unless somebody decides it:",
            "These %(count)d requests expire soon, unless somebody decides them:",
            count,
        ),
        NoticeKind.STUCK: ngettext(
            "No different people can be found for all levels of this request. Name somebody for it, or have it"
            " rejected or withdrawn:",
            "No different people can be found for all levels of these %(count)d requests. Name somebody for them, or"
            " have them rejected or withdrawn:",
            count,
        ),
        NoticeKind.OUTCOME: ngettext(
            "Your request has ended:", "These %(count)d of your requests have ended:", count
        ),
    }  # fmt: skip
    return said[kind] % {"count": count}


def _item(kind: NoticeKind, request: WorkflowRequest) -> Item:
    open_task = request.tasks.filter(decision=None).first() if kind != NoticeKind.OUTCOME else None
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
    if kind == NoticeKind.OUTCOME:
        return f"{reverse('admin:workflows_workflowrequest_changelist')}?made_by=me"
    return reverse("admin:workflows_admintask_changelist")


def _absolute(path: str) -> str:
    return f"{settings.PUBLIC_URL}{path}"

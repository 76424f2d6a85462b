"""E-mail: what somebody wants to be told, and the outbox of what is still to be sent."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from workflows.models.requests import WorkflowRequest


class MailTiming(models.TextChoices):
    AT_ONCE = "at_once", _("at once")
    DIGEST = "digest", _("once an hour, all in one")
    OFF = "off", _("never")


class MailChoice(models.Model):
    """When a member of an organisation wants mail. No row: what the defaults say."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    waiting = models.CharField(
        _("when a request waits for me"), max_length=8, choices=MailTiming.choices, default=MailTiming.DIGEST
    )
    outcome = models.CharField(
        _("when a request of mine has ended"), max_length=8, choices=MailTiming.choices, default=MailTiming.AT_ONCE
    )

    class Meta:
        verbose_name = _("choice of mail")
        verbose_name_plural = _("choices of mail")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "user"], name="mail_choice_once"),
        ]

    def __str__(self) -> str:
        return f"mail of {self.user_id} @ {self.organisation_id}"


class NoticeKind(models.TextChoices):
    WAITING = "waiting", _("a request waits")
    OUTCOME = "outcome", _("a request has ended")
    REMINDER = "reminder", _("a request still waits")
    BACKUP = "backup", _("a request has waited too long; others may decide it as well")
    EXPIRING = "expiring", _("a request will expire")
    STUCK = "stuck", _("nobody can decide a request")


class Notice(models.Model):
    """Something to tell: written in the transaction of the change, without a recipient; then one row for each of them.

    A recipient is a member, or an `address` that the policy names, which is nobody's account.
    The row is the outbox. It is gone once the mail is with the mail server, or nobody wants it any more. `due_at` lies
    ahead while somebody is at it, and `tries` is the fencing token: only the number that was claimed may end the row.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    request = models.ForeignKey(WorkflowRequest, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=NoticeKind.choices)
    recipient = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    address = models.CharField(max_length=254, blank=True, default="", db_default="")
    due_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organisation", "recipient", "request", "kind"],
                name="notice_once_per_recipient",
                condition=Q(recipient__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["organisation", "address", "request", "kind"],
                name="notice_once_per_address",
                condition=~Q(address=""),
            ),
            models.CheckConstraint(condition=Q(recipient=None) | Q(address=""), name="notice_to_one"),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["due_at", "id"], name="notice_queue")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.request_id}"

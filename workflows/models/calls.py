"""Attempts at calling Intouch."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from workflows.models.requests import WorkflowRequest


class CallOutcome(models.TextChoices):
    CREDITED = "credited", _("credited")
    REFUSED = "refused", _("refused: nothing was credited")
    NOT_SENT = "not_sent", _("not sent: nothing was credited")
    UNKNOWN = "unknown", _("unknown")
    ABSENT = "absent", _("looked up: not credited")


class CallPurpose(models.TextChoices):
    CREDIT = "credit", _("credit")
    LOOK_UP = "look_up", _("look-up")
    LOCAL = "local", _("carried out here")


class IntouchCall(models.Model):
    """One attempt at calling Intouch. The row is committed before the first byte is sent."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    request = models.ForeignKey(WorkflowRequest, on_delete=models.PROTECT, related_name="calls", db_index=False)
    attempt = models.PositiveIntegerField(_("attempt"))
    purpose = models.CharField(_("purpose"), max_length=8, choices=CallPurpose.choices, default=CallPurpose.CREDIT)
    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"), null=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=CallOutcome.choices, null=True)  # noqa: DJ001
    http_status = models.PositiveSmallIntegerField(_("HTTP status"), null=True)
    error = models.CharField(_("error"), max_length=500, blank=True)
    # With a default of the database's, for a worker of an earlier release beside a database of this one.
    is_outage = models.BooleanField(_("Intouch was out of reach"), default=False, db_default=False)
    already_known = models.BooleanField(_("Intouch knew the reference"), default=False, db_default=False)

    class Meta:
        verbose_name = _("Intouch call")
        verbose_name_plural = _("Intouch calls")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["request", "attempt"], name="call_once_per_attempt"),
            models.UniqueConstraint(fields=["request"], condition=Q(outcome=None), name="call_one_in_flight"),
            # The database's own word for "exactly once": no request has two calls that credited.
            models.UniqueConstraint(fields=["request"], condition=Q(outcome="credited"), name="call_credited_once"),
            models.CheckConstraint(
                condition=Q(outcome=None, finished_at=None) | Q(outcome__isnull=False, finished_at__isnull=False),
                name="call_outcome_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"call {self.attempt} of {self.request_id}"

"""What happened."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from workflows.models.requests import WorkflowRequest


class AuditEvent(models.Model):
    """What happened, beside the change and in its transaction. Names are kept as text; rows are never edited."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", db_index=False)
    request = models.ForeignKey(
        WorkflowRequest, on_delete=models.PROTECT, related_name="events", null=True, blank=True, db_index=False
    )
    action = models.CharField(_("action"), max_length=60)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_index=False)
    actor_name = models.CharField(_("by"), max_length=254)
    at = models.DateTimeField(_("at"), default=timezone.now, editable=False)
    correlation_id = models.CharField(_("correlation id"), max_length=64, blank=True)
    details = models.JSONField(_("details"), default=dict, blank=True)

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["organisation", "-id"], name="audit_newest"),
            models.Index(fields=["request", "id"], name="audit_of_request"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.at:%Y-%m-%d %H:%M:%S}"

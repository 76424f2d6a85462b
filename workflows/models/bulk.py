"""Decisions taken many at once: what was chosen, what was said about it, and what became of each."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from workflows.models.requests import WorkflowRequest
from workflows.models.tasks import AdminTask


class BulkPhase(models.TextChoices):
    CHOSEN = "chosen", _("chosen, not confirmed")
    RUNNING = "running", _("being decided")
    ENDED = "ended", _("done")


class BulkVerdict(models.TextChoices):
    APPROVED = "approved", _("approved")
    REJECTED = "rejected", _("rejected")


class BulkOutcome(models.TextChoices):
    DECIDED = "decided", _("decided")
    REFUSED = "refused", _("not decided")
    LEFT_OUT = "left_out", _("left out")


class BulkRun(models.Model):
    """One choice of tasks of one organisation, and the one decision on all of them.

    `filter` is the part of the list's address that chose them, where all of it was chosen. `claims` counts the workers
    that have taken the run and is their fencing token. `proved_at`: when the person gave their password for it.
    `is_cut`: more matched than are decided in one go.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    person_name = models.CharField(_("by"), max_length=254)
    phase = models.CharField(_("phase"), max_length=8, choices=BulkPhase.choices, default=BulkPhase.CHOSEN)
    verdict = models.CharField(_("decision"), max_length=8, choices=BulkVerdict.choices, null=True)  # noqa: DJ001
    message = models.CharField(_("message"), max_length=1000, blank=True)
    filter = models.CharField(_("filter"), max_length=2000, blank=True)
    total = models.PositiveIntegerField(_("chosen"), default=0)
    is_cut = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(_("chosen at"), default=timezone.now)
    proved_at = models.DateTimeField(_("password given at"), null=True)
    started_at = models.DateTimeField(_("confirmed at"), null=True)
    ended_at = models.DateTimeField(_("ended at"), null=True)
    lease_expires_at = models.DateTimeField(null=True)
    claims = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("bulk decision")
        verbose_name_plural = _("bulk decisions")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(phase__in=BulkPhase.values), name="bulk_phase_known"),
            models.CheckConstraint(
                condition=Q(phase="chosen", verdict=None, started_at=None)
                | (
                    ~Q(phase="chosen")
                    & Q(verdict__isnull=False, verdict__in=BulkVerdict.values, started_at__isnull=False)
                    & ~Q(message="")
                ),
                name="bulk_started_has_verdict",
            ),
            models.CheckConstraint(
                condition=Q(phase="ended", ended_at__isnull=False) | (~Q(phase="ended") & Q(ended_at=None)),
                name="bulk_ended_has_time",
            ),
            models.CheckConstraint(
                condition=Q(lease_expires_at=None) | Q(phase="running"), name="bulk_only_running_is_leased"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["organisation", "-id"], name="bulk_newest"),
            models.Index(fields=["lease_expires_at"], name="bulk_queue", condition=Q(phase="running")),
        ]

    def __str__(self) -> str:
        return f"bulk decision {self.pk}"


class BulkItem(models.Model):
    """One task of a run. `digest` is the content that the person had before their eyes; an outcome is written once."""

    run = models.ForeignKey(BulkRun, on_delete=models.CASCADE, related_name="items", db_index=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    task = models.ForeignKey(AdminTask, on_delete=models.PROTECT, related_name="+")
    request = models.ForeignKey(WorkflowRequest, on_delete=models.PROTECT, related_name="+")
    digest = models.CharField(_("digest chosen"), max_length=64)
    outcome = models.CharField(_("outcome"), max_length=8, choices=BulkOutcome.choices, null=True)  # noqa: DJ001
    sentence = models.CharField(_("what happened"), max_length=1000, blank=True)
    at = models.DateTimeField(_("at"), null=True)

    class Meta:
        verbose_name = _("item of a bulk decision")
        verbose_name_plural = _("items of a bulk decision")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["run", "task"], name="bulk_item_once"),
            models.CheckConstraint(
                condition=Q(outcome=None, at=None)
                | Q(outcome__isnull=False, outcome__in=BulkOutcome.values, at__isnull=False),
                name="bulk_item_outcome_has_time",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["run", "id"], name="bulk_item_open", condition=Q(outcome=None)),
        ]

    def __str__(self) -> str:
        return f"task {self.task_id} of bulk decision {self.run_id}"

"""Programs, and the goodwill request that the history shows: one row per request, in step with the engine's."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from workflows.models import WorkflowRequest


class Program(models.Model):
    """A loyalty program. `program_id` is the incumbent's and unique within the organisation."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="programs")
    program_id = models.BigIntegerField(_("program id"))
    name = models.CharField(_("name"), max_length=200)
    description = models.CharField(_("description"), max_length=500, blank=True)
    points_to_currency_ratio = models.DecimalField(
        _("points to currency ratio"), max_digits=16, decimal_places=6, default=1,
        help_text=_("What one point is worth in money."),
    )  # fmt: skip
    points_decimals = models.PositiveSmallIntegerField(
        _("decimals of points"), default=0, help_text=_("How many decimal places points may have, 0 to 6.")
    )
    is_default = models.BooleanField(_("default"), default=False)

    class Meta:
        verbose_name = _("program")
        verbose_name_plural = _("programs")
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "program_id"], name="program_once"),
            models.UniqueConstraint(fields=["organisation"], condition=Q(is_default=True), name="program_one_default"),
            models.CheckConstraint(condition=Q(program_id__gt=0), name="program_id_positive"),
            models.CheckConstraint(condition=Q(points_decimals__lte=6), name="program_points_decimals"),
            models.CheckConstraint(condition=Q(points_to_currency_ratio__gte=0), name="program_ratio_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.program_id})"


class GoodwillStatus(models.TextChoices):
    PENDING = "PENDING", _("pending")
    APPROVED = "APPROVED", _("approved")
    REJECTED = "REJECTED", _("rejected")
    FAILURE = "FAILURE", _("failure")


class GoodwillRequest(models.Model):
    """What the history API shows. Rows from before the engine have no `workflow_request`.

    `request_number` is the numeric `requestId` of the history and has nothing to do with the engine's UUID.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", db_index=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="+", db_index=False)
    workflow_request = models.OneToOneField(
        WorkflowRequest, on_delete=models.PROTECT, related_name="goodwill", null=True, blank=True
    )
    request_number = models.BigIntegerField(
        _("request id"), db_default=Func(Value("goodwill_request_number"), function="nextval")
    )
    customer_id = models.BigIntegerField(_("customer"))
    goodwill_type = models.CharField(_("type"), max_length=20, default="POINTS")
    earning_entity_type = models.CharField(_("earning entity"), max_length=20, default="CUSTOMER")
    points = models.DecimalField(
        _("points"), max_digits=20, decimal_places=6, null=True,
        help_text=_("Empty in history that was imported without: the incumbent shows only what was approved."),
    )  # fmt: skip
    status = models.CharField(_("status"), max_length=10, choices=GoodwillStatus.choices)
    reason = models.CharField(_("reason"), max_length=1000)
    comments = models.CharField(_("comments"), max_length=1000, blank=True)
    updated_comments = models.CharField(_("updated comments"), max_length=2100, blank=True)
    one_step = models.BooleanField(_("one step"), default=False)
    auto_approved = models.BooleanField(_("approved automatically"), default=False)
    added_by = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", verbose_name=_("added by"), db_index=False
    )
    updated_by = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", verbose_name=_("updated by"), db_index=False
    )
    entered_by = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", verbose_name=_("entered by"), null=True, blank=True,
        db_index=False,
    )  # fmt: skip
    added_on = models.DateTimeField(_("added on"))
    updated_on = models.DateTimeField(_("updated on"))

    class Meta:
        verbose_name = _("goodwill request")
        verbose_name_plural = _("goodwill requests")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "request_number"], name="goodwill_request_number_once"),
            models.CheckConstraint(condition=Q(points__gt=0), name="goodwill_points_positive"),
            models.CheckConstraint(
                condition=Q(points__isnull=False) | (Q(workflow_request=None) & ~Q(status="APPROVED")),
                name="goodwill_points_known",
            ),
            models.CheckConstraint(condition=Q(customer_id__gt=0), name="goodwill_customer_positive"),
            models.CheckConstraint(condition=Q(status__in=GoodwillStatus.values), name="goodwill_status_known"),
            # Imported history keeps the incumbent's times, even where they contradict each other.
            models.CheckConstraint(
                condition=Q(workflow_request=None) | Q(updated_on__gte=models.F("added_on")),
                name="goodwill_updated_after_added",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["organisation", "customer_id", "-added_on", "-id"], name="goodwill_of_customer"),
            models.Index(fields=["organisation", "-id"], name="goodwill_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.request_number}"


class ImportStage(models.TextChoices):
    RUNNING = "running", _("running")
    STOPPED = "stopped", _("stopped")
    FINISHED = "finished", _("finished")


class GoodwillImport(models.Model):
    """One file of history on its way into the table.

    `position` and `line` are the place in the unpacked file behind the last committed batch, written in the
    transaction of that batch: the next run of the same file with the same options goes on from there.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    file_name = models.CharField(_("file"), max_length=255)
    file_hash = models.CharField(_("SHA-256 of the file"), max_length=64)
    options = models.JSONField(_("options"), default=dict)
    header = models.BinaryField(default=bytes, editable=False)
    stage = models.CharField(_("stage"), max_length=10, choices=ImportStage.choices, default=ImportStage.RUNNING)
    started_by = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("started by")
    )
    started_by_name = models.CharField(_("started by"), max_length=254)
    started_at = models.DateTimeField(_("started at"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    position = models.BigIntegerField(default=0, editable=False)
    line = models.BigIntegerField(_("last line"), default=0)
    records = models.BigIntegerField(_("rows read"), default=0)
    inserted = models.BigIntegerField(_("new"), default=0)
    updated = models.BigIntegerField(_("updated"), default=0)
    unchanged = models.BigIntegerField(_("there already"), default=0)
    conflicts = models.BigIntegerField(_("conflicts"), default=0)
    rejected = models.BigIntegerField(_("rejected"), default=0, help_text=_("The conflicts are among them."))

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(records=F("inserted") + F("updated") + F("unchanged") + F("rejected")),
                name="import_counts_add_up",
            ),
            models.CheckConstraint(condition=Q(stage__in=ImportStage.values), name="import_stage_known"),
            models.CheckConstraint(
                condition=Q(stage="finished", ended_at__isnull=False) | (~Q(stage="finished") & Q(ended_at=None)),
                name="import_finished_has_time",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["organisation", "-id"], name="import_newest"),
        ]

    def __str__(self) -> str:
        return self.file_name


class GoodwillImportReject(models.Model):
    """A row of the file that was refused: as it was, and why. Written in the transaction of its batch."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    goodwill_import = models.ForeignKey(
        GoodwillImport, on_delete=models.PROTECT, related_name="rejects", db_index=False
    )
    line = models.BigIntegerField(_("line"))
    reason = models.CharField(_("reason"), max_length=2000)
    raw = models.BinaryField(editable=False)

    class Meta:
        verbose_name = _("rejected row")
        verbose_name_plural = _("rejected rows")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["goodwill_import", "line"], name="import_reject_once"),
        ]

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"

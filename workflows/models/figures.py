"""What happened on a day that is over, counted once, so that the home page need not count a year at every visit."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation


class DayFigures(models.Model):
    """The decisions of one day in an organisation's zone. None of them is ever taken back, so a row never changes."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField(_("day"))
    approved = models.PositiveIntegerField(_("approved"), default=0)
    rejected = models.PositiveIntegerField(_("rejected"), default=0)
    automatic = models.PositiveIntegerField(_("approved automatically"), default=0)
    median_seconds = models.FloatField(_("median time to decision"), null=True)
    p95_seconds = models.FloatField(_("95th percentile"), null=True)

    class Meta:
        verbose_name = _("figures of a day")
        verbose_name_plural = _("figures of days")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "day"], name="figures_once_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.day} @ {self.organisation_id}"


class DayCredits(models.Model):
    """What was credited on that day by one program; written with the day's figures."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField(_("day"))
    program_id = models.BigIntegerField(_("program"))
    program_name = models.CharField(_("program"), max_length=200, blank=True)
    number = models.PositiveIntegerField(_("requests"))
    points = models.DecimalField(_("points"), max_digits=36, decimal_places=6)
    money = models.DecimalField(_("money"), max_digits=40, decimal_places=6)

    class Meta:
        verbose_name = _("credits of a day")
        verbose_name_plural = _("credits of days")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "day", "program_id"], name="credits_once_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.program_id} on {self.day} @ {self.organisation_id}"

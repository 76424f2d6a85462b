"""The rules of an organisation for a request type."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation


class AutoApproval(models.TextChoices):
    OFF = "off", _("off: a checker decides")
    ALL = "all", _("every request")
    UP_TO = "up_to", _("up to an amount")


class Reconciling(models.TextChoices):
    REPEAT = "repeat", _("ask again with the same reference, which Intouch refuses if it has credited it")
    LOOK_UP = "look_up", _("look the reference up first")


class WorkflowPolicy(models.Model):
    """The rules of an organisation for one request type. No policy means that the workflow is switched off."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="policies")
    request_type = models.CharField(_("request type"), max_length=40)
    is_enabled = models.BooleanField(_("enabled"), default=True)
    cap = models.DecimalField(
        _("cap per request"), max_digits=20, decimal_places=6, null=True, blank=True,
        help_text=_("Largest amount of one request. Empty: no cap."),
    )  # fmt: skip
    auto_approval = models.CharField(
        _("automatic approval"), max_length=8, choices=AutoApproval.choices, default=AutoApproval.OFF
    )
    auto_approval_up_to = models.DecimalField(
        _("automatic up to"), max_digits=20, decimal_places=6, null=True, blank=True
    )
    reconciling = models.CharField(
        _("after an unknown outcome"), max_length=8, choices=Reconciling.choices, default=Reconciling.REPEAT
    )
    reasons = ArrayField(
        models.CharField(max_length=1000), default=list, blank=True, verbose_name=_("reason catalogue"),
        help_text=_("Reasons that a maker may give, separated by commas. Empty: free text."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("workflow policy")
        verbose_name_plural = _("workflow policies")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "request_type"], name="policy_once"),
            models.CheckConstraint(condition=Q(cap=None) | Q(cap__gt=0), name="policy_cap_positive"),
            models.CheckConstraint(
                condition=Q(auto_approval="up_to", auto_approval_up_to__isnull=False, auto_approval_up_to__gt=0)
                | (~Q(auto_approval="up_to") & Q(auto_approval_up_to=None)),
                name="policy_auto_approval_amount",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.request_type} @ {self.organisation_id}"

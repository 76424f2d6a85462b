"""The rules of an organisation for a request type: versions that never change, and which of them is in force."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Func, Q, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from workflows.terms.document import Terms


class AutoApproval(models.TextChoices):
    OFF = "off", _("off: a checker decides")
    ALL = "all", _("every request")
    UP_TO = "up_to", _("up to an amount")


class Reconciling(models.TextChoices):
    REPEAT = "repeat", _("ask again with the same reference, which Intouch refuses if it has credited it")
    LOOK_UP = "look_up", _("look the reference up first")


class WorkflowPolicy(models.Model):
    """An organisation's policy for one request type. No policy, or none in force: the workflow is switched off.

    `counted` names what `LimitUse` is kept for; it follows the version in force (`workflows.rules.versions`).
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="policies")
    request_type = models.CharField(_("request type"), max_length=40)
    active = models.ForeignKey(
        "workflows.PolicyVersion", on_delete=models.PROTECT, related_name="+", null=True, blank=True, editable=False,
        verbose_name=_("version in force"),
    )  # fmt: skip
    counted = ArrayField(models.CharField(max_length=8), default=list, blank=True, editable=False)

    class Meta:
        verbose_name = _("workflow policy")
        verbose_name_plural = _("workflow policies")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "request_type"], name="policy_once"),
        ]

    def __str__(self) -> str:
        return f"{self.request_type} @ {self.organisation_id}"

    @property
    def terms(self) -> Terms:
        """What is in force; nothing is, where no version is."""
        if self.active_id is None:
            return _SWITCHED_OFF
        return self.active.terms if WorkflowPolicy.active.is_cached(self) else terms_of(self.active_id)  # type: ignore[union-attr]


_SWITCHED_OFF = Terms(is_enabled=False)


def _asks_nobody(place: str) -> Func:
    """Whether a result at this place of the document asks for people and names no level."""
    path = f'{place} ? (@.kind == "levels" && !exists(@.levels[0]))'
    return Func("document", Value(path), function="jsonb_path_exists", output_field=models.BooleanField())


class PolicyVersion(models.Model):
    """What an organisation decided, once: rows are never edited (trigger), a change is a new one."""

    policy = models.ForeignKey(WorkflowPolicy, on_delete=models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField(_("number"))
    document = models.JSONField(_("document"))
    note = models.CharField(_("why"), max_length=500, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("policy version")
        verbose_name_plural = _("policy versions")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["policy", "number"], name="policy_version_once"),
            models.CheckConstraint(
                condition=~Q(_asks_nobody("$.default")) & ~Q(_asks_nobody("$.rules[*].then")),
                name="policy_version_asks_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.number} of policy {self.policy_id}"

    @property
    def terms(self) -> Terms:
        return Terms.model_validate(self.document)


class PolicyDraft(models.Model):
    """What an administrator is preparing; it judges nothing until it is put in force.

    `replay` is what it would have done with the requests of the past (`workflows.drafting.replaying`), with the
    document that was replayed: None before there is one. Until `replay_lease_expires_at` somebody is working it out.
    """

    policy = models.ForeignKey(WorkflowPolicy, on_delete=models.PROTECT, related_name="drafts", db_index=False)
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("author"))
    document = models.JSONField(_("document"), default=dict, blank=True)
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now, editable=False)
    replay = models.JSONField(null=True, blank=True, editable=False)
    replay_asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    replay_lease_expires_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("policy draft")
        verbose_name_plural = _("policy drafts")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["policy", "author"], name="policy_draft_once"),
        ]

    def __str__(self) -> str:
        return f"draft {self.pk} of policy {self.policy_id}"

    @property
    def terms(self) -> Terms:
        return Terms.model_validate(self.document)


@lru_cache(maxsize=1000)
def terms_of(version_id: int) -> Terms:
    """The terms of a version. A version never changes, so that this memory of it cannot be stale."""
    return PolicyVersion.objects.get(pk=version_id).terms


class LimitUse(models.Model):
    """How much counts for a customer, maker, program or store on one day of the organisation's calendar."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", db_index=False)
    request_type = models.CharField(max_length=40)
    per = models.CharField(max_length=8)
    subject = models.CharField(max_length=64)
    day = models.DateField()
    points = models.DecimalField(max_digits=30, decimal_places=6)
    requests = models.IntegerField()

    class Meta:
        verbose_name = _("use of limits")
        verbose_name_plural = _("use of limits")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organisation", "request_type", "per", "subject", "day"], name="limit_use_once"
            ),
            models.CheckConstraint(condition=Q(points__gte=0, requests__gte=0), name="limit_use_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.per} {self.subject} on {self.day}"

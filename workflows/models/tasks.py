"""Decisions: to be taken, and taken."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import ClassVar, Final

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from workflows.models.requests import WorkflowRequest
from workflows.terms.document import Role


class Decision(models.TextChoices):
    APPROVED = "approved", _("approved")
    REJECTED = "rejected", _("rejected")
    WITHDRAWN = "withdrawn", _("withdrawn by the maker")
    EXPIRED = "expired", _("expired")


# Saying that one is looking at a task holds for so long; it binds nobody.
CLAIM_LASTS: Final = timedelta(minutes=15)
_BY_CHECKER = ("approved", "rejected")
_BY_NOBODY = ("withdrawn", "expired")


def or_nothing(column: str) -> Coalesce:
    """As lists are ordered (workflows.admin.orders): what has no amount stands with 0."""
    return Coalesce(column, Value(Decimal(0)), output_field=models.DecimalField(max_digits=36, decimal_places=6))


def _entities() -> ArrayField[list[str], list[str]]:
    return ArrayField(models.CharField(max_length=64), default=list, blank=True)


def _people() -> ArrayField[list[int], list[int]]:
    return ArrayField(models.BigIntegerField(), default=list, blank=True)


class AdminTask(models.Model):
    """One decision that is or was to be taken. Carries the maker, so that the database itself keeps four eyes.

    `level` counts the decisions of a request, `stage` the levels of its policy: a level of two people is two tasks of
    one stage, opened one after the other. `role` to `tills` say who may decide, `backup_*` who may as well once it has
    waited too long, `barred` who has decided before; they are a snapshot of the policy (`workflows.terms.document`).
    `customer_id`, `amount` and `money` are the request's, so that lists of what waits are ordered and summed without
    it.
    """

    # Indexes below begin with either of these two.
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", db_index=False)
    request = models.ForeignKey(WorkflowRequest, on_delete=models.PROTECT, related_name="tasks", db_index=False)
    level = models.PositiveSmallIntegerField(_("level"), default=1)
    stage = models.PositiveSmallIntegerField(_("stage"), default=1)
    role = models.CharField(_("role"), max_length=16, default=Role.CHECKER)
    users = _people()
    concepts = _entities()
    zones = _entities()
    stores = _entities()
    tills = _entities()
    barred = _people()
    backup_role = models.CharField(max_length=16, blank=True)
    backup_users = _people()
    customer_id = models.BigIntegerField(_("customer"), null=True, blank=True)
    amount = models.DecimalField(_("amount"), max_digits=20, decimal_places=6, null=True, blank=True)
    money = models.DecimalField(_("worth in money"), max_digits=36, decimal_places=6, null=True, blank=True)
    remind_at = models.DateTimeField(null=True, blank=True)
    escalate_at = models.DateTimeField(null=True, blank=True)
    escalated_at = models.DateTimeField(_("escalated at"), null=True, blank=True)
    assigned_to = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("assigned to"),
        db_index=False,
    )  # fmt: skip
    claimed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("being studied by"),
        db_index=False,
    )  # fmt: skip
    claimed_at = models.DateTimeField(null=True, blank=True)
    maker = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    opened_at = models.DateTimeField(_("opened at"))
    opened_by = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("retry asked for by"),
        db_index=False,
    )  # fmt: skip
    decision = models.CharField(_("decision"), max_length=10, choices=Decision.choices, null=True)  # noqa: DJ001
    checker = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, verbose_name=_("checker"))
    checker_name = models.CharField(_("checker"), max_length=254, blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True)
    message = models.CharField(_("message"), max_length=1000, blank=True)
    digest = models.CharField(_("digest decided on"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("admin task")
        verbose_name_plural = _("admin tasks")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(checker=None) | ~Q(checker=F("maker")), name="task_maker_is_not_checker"
            ),
            models.CheckConstraint(
                condition=Q(checker=None) | Q(opened_by=None) | ~Q(checker=F("opened_by")),
                name="task_opener_is_not_checker",
            ),
            # A CHECK that comes out as NULL holds: what is compared must be said not to be NULL.
            models.CheckConstraint(
                condition=Q(decision=None, checker=None, decided_at=None)
                | Q(decision__isnull=False, decision__in=_BY_CHECKER, checker__isnull=False, decided_at__isnull=False)
                | Q(decision__isnull=False, decision__in=_BY_NOBODY, checker=None, decided_at__isnull=False),
                name="task_undecided_has_no_checker",
            ),
            models.CheckConstraint(
                condition=~Q(decision__in=_BY_CHECKER) | (~Q(message="") & ~Q(digest="")),
                name="task_decision_has_message_and_digest",
            ),
            models.UniqueConstraint(fields=["request", "level"], name="task_once_per_level"),
            models.UniqueConstraint(fields=["request"], condition=Q(decision=None), name="task_one_open_per_request"),
            # Two levels of one request are two people. A retry is a question of its own.
            models.UniqueConstraint(
                fields=["request", "checker"],
                condition=Q(checker__isnull=False, opened_by=None),
                name="task_one_per_checker",
            ),
            models.CheckConstraint(
                condition=Q(claimed_by=None, claimed_at=None) | Q(claimed_by__isnull=False, claimed_at__isnull=False),
                name="task_claim_has_time",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["organisation", "id"], name="task_inbox", condition=Q(decision=None)),
            models.Index(fields=["organisation", "-id"], name="task_newest"),
            # What the desk orders its waiting lists by; none of them holds what has been decided.
            models.Index(
                F("organisation"), or_nothing("amount"), F("id"), name="task_by_points", condition=Q(decision=None)
            ),
            models.Index(
                F("organisation"), or_nothing("money"), F("id"), name="task_by_money", condition=Q(decision=None)
            ),
            models.Index(
                F("organisation"),
                Coalesce("customer_id", Value(0)),
                F("id"),
                name="task_by_customer",
                condition=Q(decision=None),
            ),
            models.Index(
                fields=["remind_at"], name="task_to_remind", condition=Q(decision=None, remind_at__isnull=False)
            ),
            models.Index(
                fields=["escalate_at"], name="task_to_escalate", condition=Q(decision=None, escalate_at__isnull=False)
            ),
            models.Index(fields=["organisation", "maker", "id"], name="task_of_maker"),
            models.Index(fields=["organisation", "maker", "id"], name="task_open_of_maker", condition=Q(decision=None)),
            # With what the figures of a day are made of, so that they are read off the index alone.
            models.Index(
                fields=["organisation", "decided_at", "id"],
                name="task_decided",
                include=["decision", "checker", "opened_at"],
                condition=Q(decision__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"task {self.pk} of {self.request_id}"

    @property
    def is_claimed(self) -> bool:
        """Whether somebody is looking at it, as far as they have said."""
        return self.decision is None and self.claimed_at is not None and self.claimed_at > timezone.now() - CLAIM_LASTS

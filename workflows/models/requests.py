"""What was asked for, and its place in the queue."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from uuid6 import uuid7

from accounts.models import Organisation, User
from wire import strict_json
from workflows.models.policy import PolicyVersion
from workflows.models.targets import IntouchTarget
from workflows.states import ENDED, QUEUED, State

SETTINGS_CHANGE = "SETTINGS-CHANGE"

# Sorted lists: a set would give the migrations another order at every run.
_ENDED = sorted(ENDED)
_QUEUED = sorted(QUEUED)
_UNSETTLED = sorted(QUEUED | {State.FAILED})


class RequestSource(models.TextChoices):
    API = "api", _("API")
    ADMIN = "admin", _("admin form")
    FILE = "file", _("file")


class WorkflowRequest(models.Model):
    """What a maker asked for, and the queue entry of its execution: this row is the truth, a message only a hint.

    `payload` is the JSON text as it was sent, key by key and digit by digit, with the credential masked; the credential
    itself is `secret`, encrypted, and is gone when the request ends. `digest` is over the canonical content.
    `judgement` is the snapshot of what policy asked for (`workflows.terms.judging`): nobody's leaving lowers it.
    `warn_at` is when it is said that the request will expire; None once that is done (`workflows.patience`).
    `counted_on` is the day of the organisation's calendar that its limits count it on.
    `tries` counts the claims and is the fencing token: a worker whose number is not the row's may not record.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", db_index=False)
    request_type = models.CharField(_("request type"), max_length=40)
    reference_id = models.CharField(_("reference"), max_length=255)
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - NULL: none was sent
    maker = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("maker"), db_index=False)
    maker_name = models.CharField(_("maker"), max_length=254)
    source = models.CharField(_("source"), max_length=8, choices=RequestSource.choices, default=RequestSource.API)
    state = models.CharField(_("state"), max_length=12, choices=State.choices)
    one_step = models.BooleanField(_("one step"), default=False)
    auto_approved = models.BooleanField(_("approved automatically"), default=False)
    till_id = models.CharField(_("till"), max_length=64)
    store_id = models.CharField(_("store"), max_length=64)
    zone_id = models.CharField(_("zone"), max_length=64)
    concept_id = models.CharField(_("concept"), max_length=64)
    customer_id = models.BigIntegerField(_("customer"), null=True, blank=True)
    amount = models.DecimalField(_("amount"), max_digits=20, decimal_places=6, null=True)
    program_id = models.BigIntegerField(_("program"), null=True, blank=True)
    program_name = models.CharField(_("program"), max_length=200, blank=True)
    money = models.DecimalField(
        _("worth in money"), max_digits=36, decimal_places=6, null=True, blank=True,
        help_text=_("By the program's ratio at the time of the request."),
    )  # fmt: skip
    reason = models.CharField(_("reason"), max_length=1000)
    policy_version = models.ForeignKey(
        PolicyVersion, on_delete=models.PROTECT, related_name="+", null=True, editable=False,
        verbose_name=_("judged by"), db_index=False,
    )  # fmt: skip
    rule = models.CharField(_("rule"), max_length=100, blank=True)
    judgement = models.JSONField(default=dict, editable=False)
    steps = models.PositiveSmallIntegerField(_("approvals needed"), default=1)
    counted_on = models.DateField(null=True, editable=False)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    warn_at = models.DateTimeField(null=True, blank=True)
    stuck_at = models.DateTimeField(
        _("nobody can decide it since"), null=True, blank=True,
        help_text=_("No different people can be found for all levels that are open or still to come."),
    )  # fmt: skip
    payload = models.TextField(_("payload"))
    digest = models.CharField(_("digest"), max_length=64)
    target = models.ForeignKey(
        IntouchTarget, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_index=False
    )
    secret = models.BinaryField(null=True, editable=False)
    correlation_id = models.CharField(_("correlation id"), max_length=64)
    created_at = models.DateTimeField(_("created at"))
    updated_at = models.DateTimeField(_("updated at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    result = models.TextField(_("answer of Intouch"), null=True, blank=True)  # noqa: DJ001 - NULL: no answer yet
    last_error = models.CharField(_("last error"), max_length=500, blank=True)
    due_at = models.DateTimeField(_("due at"), null=True, blank=True)
    tries = models.PositiveIntegerField(_("tries"), default=0)
    lease_expires_at = models.DateTimeField(_("lease expires at"), null=True, blank=True)

    class Meta:
        verbose_name = _("workflow request")
        verbose_name_plural = _("workflow requests")
        ordering: ClassVar[list[str]] = ["-created_at", "-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="request_state_known"),
            models.CheckConstraint(
                condition=Q(state__in=_ENDED, ended_at__isnull=False) | (~Q(state__in=_ENDED) & Q(ended_at=None)),
                name="request_ended_has_time",
            ),
            models.CheckConstraint(condition=Q(secret=None) | ~Q(state__in=_ENDED), name="request_ended_has_no_secret"),
            models.CheckConstraint(
                condition=Q(state__in=_QUEUED) | Q(due_at=None, lease_expires_at=None),
                name="request_only_queued_is_due",
            ),
            # An approved request without a due time would wait for ever; one of unknown outcome may wait for a person.
            models.CheckConstraint(
                condition=~Q(state="executing") | Q(due_at__isnull=False), name="request_executing_is_due"
            ),
            models.CheckConstraint(condition=Q(amount=None) | Q(amount__gt=0), name="request_amount_positive"),
            models.CheckConstraint(condition=Q(customer_id__gt=0), name="request_customer_positive"),
            # What is carried out here and not by Intouch has neither customer nor target, and always a decision.
            models.CheckConstraint(
                condition=Q(
                    request_type=SETTINGS_CHANGE, customer_id=None, target=None, one_step=False, auto_approved=False
                )
                | (~Q(request_type=SETTINGS_CHANGE) & Q(customer_id__isnull=False, target__isnull=False)),
                name="request_has_customer_and_target",
            ),
            models.UniqueConstraint(
                fields=["organisation", "request_type", "reference_id"], name="request_reference_once"
            ),
            models.UniqueConstraint(
                fields=["organisation", "maker", "idempotency_key"],
                name="request_idempotency_key_once",
                condition=Q(idempotency_key__isnull=False),
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["organisation", "-created_at", "-id"], name="request_newest"),
            models.Index(fields=["organisation", "maker", "-created_at", "-id"], name="request_of_maker"),
            models.Index(fields=["organisation", "customer_id", "-created_at", "-id"], name="request_of_customer"),
            # What the API's list is filtered by. Two columns with few values each are stored once per value, so these
            # are a hundredth of the table.
            models.Index(fields=["organisation", "concept_id"], name="request_of_concept"),
            models.Index(fields=["organisation", "zone_id"], name="request_of_zone"),
            models.Index(fields=["organisation", "store_id"], name="request_of_store"),
            models.Index(fields=["organisation", "till_id"], name="request_of_till"),
            # Most requests are credited in the end and are found from the newest on; the others are rare.
            models.Index(
                fields=["organisation", "state", "-created_at", "-id"],
                name="request_not_credited",
                condition=~Q(state="credited"),
            ),
            models.Index(fields=["due_at"], name="request_queue", condition=Q(state__in=_QUEUED)),
            models.Index(
                fields=["expires_at"], name="request_expiring", condition=Q(state="waiting", expires_at__isnull=False)
            ),
            models.Index(
                fields=["warn_at"], name="request_to_warn", condition=Q(state="waiting", warn_at__isnull=False)
            ),
            models.Index(fields=["organisation", "id"], name="request_waiting", condition=Q(state="waiting")),
            models.Index(
                fields=["organisation", "stuck_at"],
                name="request_stuck",
                condition=Q(state="waiting", stuck_at__isnull=False),
            ),
            models.Index(
                fields=["organisation", "state", "ended_at"],
                name="request_unsettled",
                condition=Q(state__in=_UNSETTLED),
            ),
            models.Index(
                fields=["organisation", "ended_at", "id"], name="request_credited", condition=Q(state="credited")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.request_type} {self.reference_id}"

    @property
    def content(self) -> dict[str, Any]:
        """The payload as it was sent, with the credential masked."""
        content: dict[str, Any] = strict_json.loads(self.payload)
        return content

    @property
    def answer(self) -> dict[str, Any] | None:
        """Status, headers and body of Intouch's decisive answer, masked; None before there is one."""
        return None if self.result is None else strict_json.loads(self.result)


class Delivery(WorkflowRequest):
    """The same rows, as operators look at them: who is being called, how often, and what came back."""

    class Meta:
        proxy = True
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")

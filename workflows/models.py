"""What the engine keeps. Every business invariant has a named constraint; triggers (migration 0001) hold the rest."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid6 import uuid7

from accounts.models import Organisation, User
from wire import strict_json
from workflows.states import ENDED, QUEUED, State

# Sorted lists: a set would give the migrations another order at every run.
_ENDED = sorted(ENDED)
_QUEUED = sorted(QUEUED)


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


class IntouchTarget(models.Model):
    """An origin that clients of an organisation may name, and where it really is.

    The client's text is compared with `origin` and then thrown away: the URL is built from `base_url`, so nobody who
    makes a request chooses an address.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="targets")
    origin = models.CharField(
        _("origin"), max_length=300, help_text=_("What clients write as hostname: http(s)://host[:port].")
    )
    base_url = models.CharField(
        _("base URL"), max_length=300, help_text=_("Where it is served: http(s)://host[:port].")
    )
    allows_internal = models.BooleanField(
        _("internal addresses allowed"), default=False,
        help_text=_("The name may resolve to a private address. Metadata addresses are refused always."),
    )  # fmt: skip
    is_enabled = models.BooleanField(_("enabled"), default=True)
    credential = models.BinaryField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("Intouch target")
        verbose_name_plural = _("Intouch targets")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "origin"], name="target_once"),
        ]

    def __str__(self) -> str:
        return self.origin


class TargetBreaker(models.Model):
    """A circuit breaker per target, in the database so that all workers see it. No row: closed, and never tripped."""

    target = models.OneToOneField(IntouchTarget, on_delete=models.PROTECT, related_name="breaker", primary_key=True)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    open_until = models.DateTimeField(
        _("open until"), null=True, blank=True, help_text=_("No calls before this time; then one probe.")
    )
    last_error = models.CharField(_("last error"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("circuit breaker")
        verbose_name_plural = _("circuit breakers")

    def __str__(self) -> str:
        return f"breaker of target {self.target_id}"


class Pause(models.Model):
    """An operator's stop: nothing of the organisation, or of one type, is carried out until it is lifted."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    request_type = models.CharField(_("request type"), max_length=40, blank=True, help_text=_("Empty: every type."))
    reason = models.CharField(_("reason"), max_length=500)
    paused_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("paused by"))
    paused_at = models.DateTimeField(_("paused at"), default=timezone.now)

    class Meta:
        verbose_name = _("pause")
        verbose_name_plural = _("pauses")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "request_type"], name="pause_once"),
        ]

    def __str__(self) -> str:
        return f"pause of {self.request_type or 'everything'} @ {self.organisation_id}"


class RequestSource(models.TextChoices):
    API = "api", _("API")
    ADMIN = "admin", _("admin form")
    FILE = "file", _("file")


class WorkflowRequest(models.Model):
    """What a maker asked for, and the queue entry of its execution: this row is the truth, a message only a hint.

    `payload` is the JSON text as it was sent, key by key and digit by digit, with the credential masked; the credential
    itself is `secret`, encrypted, and is gone when the request ends. `digest` is over the canonical content.
    `tries` counts the claims and is the fencing token: a worker whose number is not the row's may not record.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    request_type = models.CharField(_("request type"), max_length=40)
    reference_id = models.CharField(_("reference"), max_length=255)
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - NULL: none was sent
    maker = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("maker"))
    maker_name = models.CharField(_("maker"), max_length=254)
    source = models.CharField(_("source"), max_length=8, choices=RequestSource.choices, default=RequestSource.API)
    state = models.CharField(_("state"), max_length=12, choices=State.choices)
    one_step = models.BooleanField(_("one step"), default=False)
    auto_approved = models.BooleanField(_("approved automatically"), default=False)
    till_id = models.CharField(_("till"), max_length=64)
    store_id = models.CharField(_("store"), max_length=64)
    zone_id = models.CharField(_("zone"), max_length=64)
    concept_id = models.CharField(_("concept"), max_length=64)
    customer_id = models.BigIntegerField(_("customer"))
    amount = models.DecimalField(_("amount"), max_digits=20, decimal_places=6, null=True)
    reason = models.CharField(_("reason"), max_length=1000)
    payload = models.TextField(_("payload"))
    digest = models.CharField(_("digest"), max_length=64)
    target = models.ForeignKey(IntouchTarget, on_delete=models.PROTECT, related_name="+")
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
            models.Index(fields=["due_at"], name="request_queue", condition=Q(state__in=_QUEUED)),
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


class Decision(models.TextChoices):
    APPROVED = "approved", _("approved")
    REJECTED = "rejected", _("rejected")
    WITHDRAWN = "withdrawn", _("withdrawn by the maker")
    EXPIRED = "expired", _("expired")


_BY_CHECKER = ("approved", "rejected")
_BY_NOBODY = ("withdrawn", "expired")


class AdminTask(models.Model):
    """One decision that is or was to be taken. Carries the maker, so that the database itself keeps four eyes."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    request = models.ForeignKey(WorkflowRequest, on_delete=models.PROTECT, related_name="tasks")
    level = models.PositiveSmallIntegerField(_("level"), default=1)
    maker = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(_("opened at"))
    opened_by = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("retry asked for by")
    )
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
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["organisation", "id"], name="task_inbox", condition=Q(decision=None)),
            models.Index(fields=["organisation", "-id"], name="task_newest"),
        ]

    def __str__(self) -> str:
        return f"task {self.pk} of {self.request_id}"


class CallOutcome(models.TextChoices):
    CREDITED = "credited", _("credited")
    REFUSED = "refused", _("refused: nothing was credited")
    NOT_SENT = "not_sent", _("not sent: nothing was credited")
    UNKNOWN = "unknown", _("unknown")
    ABSENT = "absent", _("looked up: not credited")


class CallPurpose(models.TextChoices):
    CREDIT = "credit", _("credit")
    LOOK_UP = "look_up", _("look-up")


class IntouchCall(models.Model):
    """One attempt at calling Intouch. The row is committed before the first byte is sent."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    request = models.ForeignKey(WorkflowRequest, on_delete=models.PROTECT, related_name="calls")
    attempt = models.PositiveIntegerField(_("attempt"))
    purpose = models.CharField(_("purpose"), max_length=8, choices=CallPurpose.choices, default=CallPurpose.CREDIT)
    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"), null=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=CallOutcome.choices, null=True)  # noqa: DJ001
    http_status = models.PositiveSmallIntegerField(_("HTTP status"), null=True)
    error = models.CharField(_("error"), max_length=500, blank=True)

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


class AuditEvent(models.Model):
    """What happened, beside the change and in its transaction. Names are kept as text; rows are never edited."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    request = models.ForeignKey(WorkflowRequest, on_delete=models.PROTECT, related_name="events", null=True, blank=True)
    action = models.CharField(_("action"), max_length=60)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
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

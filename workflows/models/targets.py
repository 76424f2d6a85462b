"""Where Intouch is, whether it can be called, and whether it may be."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User


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

"""Stopping to call a target that is away: a circuit breaker whose state all workers share in the database.

Closed, it counts failures in a row. At the threshold it opens: what is due waits and loses no try. When its time is up
one worker, and only one, takes the probe; its outcome closes the breaker or opens it for longer.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now

from workflows.models import IntouchTarget, TargetBreaker

LONGEST_PAUSE_FACTOR = 10


def _of(target: IntouchTarget) -> TargetBreaker | None:
    """The target's breaker; joined already where the target was read with it."""
    return getattr(target, "breaker", None)


def may_call(target: IntouchTarget) -> bool:
    """Whether this worker may call the target now. Taking the probe is a conditional update: one worker gets it."""
    breaker = _of(target)
    if breaker is None or breaker.open_until is None:
        return True
    lease = timedelta(seconds=settings.INTOUCH_LEASE_SECONDS)
    return bool(TargetBreaker.objects.filter(target=target, open_until__lte=Now()).update(open_until=Now() + lease))


def note_success(target: IntouchTarget) -> None:
    """The target answered: close the breaker."""
    breaker = _of(target)
    if breaker is not None and (breaker.failures or breaker.open_until is not None):
        TargetBreaker.objects.filter(target=target).update(failures=0, open_until=None, last_error="")


def note_failure(target: IntouchTarget, error: str) -> None:
    """The target was away: count it, and open the breaker at the threshold, for longer with every failed probe."""
    TargetBreaker.objects.get_or_create(target=target)
    TargetBreaker.objects.filter(target=target).update(failures=F("failures") + 1, last_error=error[:500])
    threshold = settings.INTOUCH_BREAKER_FAILURES
    failures = TargetBreaker.objects.values_list("failures", flat=True).get(target=target)
    if failures >= threshold:
        factor = min(2 ** (failures - threshold), LONGEST_PAUSE_FACTOR)
        pause = timedelta(seconds=settings.INTOUCH_BREAKER_SECONDS * factor)
        TargetBreaker.objects.filter(target=target).update(open_until=Now() + pause)

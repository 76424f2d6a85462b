"""When an attempt is made again, and when no more is.

Each approval begins a round. Within it Intouch may answer without an end `INTOUCH_MAX_TRIES` times; while it is out of
reach no try is spent, and the round ends by its age. Only time in which Intouch was tried is age: while a pause, a
switched-off target or a lack of workers keeps everything waiting, nothing grows old. All times are the database's.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from django.conf import settings
from django.db.models import Max

from workflows.intouch.outcomes import RETRY_AFTER_MOST, Outcome
from workflows.models import AdminTask, Decision, IntouchCall, WorkflowRequest

# Longer than any wait between two tries: whoever was not tried for so long was not to be tried.
LONGEST_WAIT_FACTOR = 2


@dataclass(frozen=True, slots=True)
class _Call:
    started_at: datetime
    is_outage: bool


def has_tries(request: WorkflowRequest) -> bool:
    """Whether the round of a locked request may go on, whatever its age."""
    return _has_tries(_round(request))


def seconds_until(request: WorkflowRequest, outcome: Outcome) -> float | None:
    """Seconds to the next try: exponential with full jitter, or what Intouch asked for; None when none is left.

    Args:
        request: locked, and the outcome of its last call is written.
    """
    calls = _round(request)
    if not _has_tries(calls) or _age(calls) > timedelta(hours=settings.INTOUCH_MAX_AGE_HOURS):
        return None
    doubled = settings.INTOUCH_BACKOFF_SECONDS * 2 ** min(max(len(calls) - 1, 0), 30)
    ceiling = min(settings.INTOUCH_BACKOFF_MOST_SECONDS, doubled)
    jittered = random.uniform(0, ceiling)  # noqa: S311 - spreads load, hides nothing
    return max(jittered, outcome.retry_after or 0)


def _round(request: WorkflowRequest) -> list[_Call]:
    """The finished calls since the request was approved, or made if it needed nobody; the latest first."""
    approvals = AdminTask.objects.filter(request=request, decision=Decision.APPROVED)
    begin = approvals.aggregate(last=Max("decided_at"))["last"] or request.created_at
    calls = IntouchCall.objects.filter(request=request, started_at__gte=begin).exclude(outcome=None)
    return [_Call(*values) for values in calls.order_by("-attempt").values_list("started_at", "is_outage")]


def _has_tries(calls: Sequence[_Call]) -> bool:
    return sum(not call.is_outage for call in calls) < settings.INTOUCH_MAX_TRIES


def _age(calls: Sequence[_Call]) -> timedelta:
    """From the first to the latest of the calls that were made without a long rest between them."""
    longest = timedelta(seconds=LONGEST_WAIT_FACTOR * max(settings.INTOUCH_BACKOFF_MOST_SECONDS, RETRY_AFTER_MOST))
    age = timedelta()
    for later, earlier in pairwise(calls):
        wait = later.started_at - earlier.started_at
        if wait > longest:
            break
        age += wait
    return age

"""Calling through the real client, without a database: a target in memory, and short bounds."""

from __future__ import annotations

import itertools
from typing import Any

from goodwill.request_type import GOODWILL_POINTS
from wire.secrets import Secret
from workflows.intouch import client, outcomes
from workflows.intouch.client import Answer, Caller
from workflows.intouch.errors import IntouchError
from workflows.intouch.outcomes import Outcome
from workflows.models import IntouchTarget

CREDENTIAL = "Basic ZmFrZTpmYWtl"
BODY = b'{"referenceId":"ref-1","points":20}'
# Sessions are kept per thread and target, so every target has a number of its own.
_numbers = itertools.count(10**6)


def target_at(url: str, **values: Any) -> IntouchTarget:
    """A target that was never stored; internal addresses allowed, as for the incumbent's own service."""
    return IntouchTarget(pk=next(_numbers), base_url=url, **{"allows_internal": True, **values})


def caller_of(target: IntouchTarget) -> Caller:
    return Caller(target, 51250, Secret(CREDENTIAL), "correlation-1")


def credit(target: IntouchTarget) -> Answer:
    """One call as the engine makes it."""
    return client.call(caller_of(target), method=GOODWILL_POINTS.method, path=GOODWILL_POINTS.path, body=BODY)


def outcome_of(target: IntouchTarget) -> Outcome:
    """The same, read to its end."""
    try:
        return outcomes.classify(credit(target), GOODWILL_POINTS, (CREDENTIAL, CREDENTIAL.partition(" ")[2]))
    except IntouchError as error:
        return outcomes.of_error(error)

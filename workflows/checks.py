"""Start-up checks: configurations under which the promises would not hold."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from workflows import failpoints

LEASE_FACTOR = 2


@register(Tags.security)
def lease_outlives_call(**_: Any) -> list[CheckMessage]:
    """A lease must end only when the call of the worker that held it has surely ended."""
    least = LEASE_FACTOR * settings.INTOUCH_TOTAL_SECONDS
    if least <= settings.INTOUCH_LEASE_SECONDS:
        return []
    return [
        Error(
            "INTOUCH_LEASE_SECONDS is too short for INTOUCH_TOTAL_SECONDS: two workers could call for one request.",
            hint=f"Set it to {least:g} or more.",
            id="workflows.E001",
        )
    ]


@register(Tags.security, deploy=True)
def no_failpoints(**_: Any) -> list[CheckMessage]:
    """Fail points are for tests."""
    if failpoints.VARIABLE not in os.environ:
        return []
    return [Error("FAILPOINT is set: the service would kill itself.", hint="Unset it.", id="workflows.E003")]


@register(Tags.security, deploy=True)
def no_loopback_targets(**_: Any) -> list[CheckMessage]:
    """Calls to this very host are for development."""
    if not settings.INTOUCH_ALLOW_LOOPBACK:
        return []
    return [
        Error(
            "INTOUCH_ALLOW_LOOPBACK is on: targets may be services of this very host.",
            hint="Unset it in production.",
            id="workflows.E002",
        )
    ]

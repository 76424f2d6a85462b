"""Start-up checks: configurations under which the promises would not hold."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection

from workflows import failpoints, key_rotation

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


@register(Tags.database)
def stored_keys_are_known(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """Every stored credential can be opened. Run by `check --database default`, and by a worker before it starts."""
    if not databases or "workflows_workflowrequest" not in connection.introspection.table_names():
        return []
    missing = key_rotation.unknown_key_ids(set(settings.FIELD_ENCRYPTION_KEYS))
    if not missing:
        return []
    return [
        Error(
            f"Credentials are stored under keys that FIELD_ENCRYPTION_KEYS lacks: {', '.join(sorted(missing))}.",
            hint="Put the keys back behind the first one; `rotate_secrets` makes them superfluous.",
            id="workflows.E004",
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

"""Start-up checks: configurations under which the promises would not hold."""

from __future__ import annotations

import os
from typing import Any

import redis
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from workflows import failpoints, key_rotation

LEASE_FACTOR = 2
BROKER_SECONDS = 2


def errors_at_worker_start() -> list[CheckMessage]:
    """What a worker refuses to start with; Celery runs the registered checks too, and heeds none of them."""
    databases = ["default"]
    return [
        *lease_outlives_call(),
        *look_up_waits_for_call(),
        *queue_is_kept(),
        *stored_keys_are_known(databases=databases),
        *commits_are_kept(databases=databases),
    ]


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


@register(Tags.security)
def look_up_waits_for_call(**_: Any) -> list[CheckMessage]:
    """A look-up that finds nothing proves absence only once no call can be at work any more."""
    if settings.INTOUCH_SETTLE_SECONDS >= settings.INTOUCH_TOTAL_SECONDS:
        return []
    return [
        Error(
            "INTOUCH_SETTLE_SECONDS is shorter than INTOUCH_TOTAL_SECONDS: what Intouch is about to credit could be"
            " looked up, not be found, and be sent again.",
            hint=f"Set it to {settings.INTOUCH_TOTAL_SECONDS:g} or more, and to what Intouch may need for a call.",
            id="workflows.E007",
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


@register(Tags.database)
def commits_are_kept(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """What was committed survives a crash of the database; else an acknowledged approval, or a claim, could vanish."""
    if not databases:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        (value,) = cursor.fetchone() or ("",)
    if value != "off":
        return []
    return [
        Error(
            "synchronous_commit is off: what was answered with 200, and what was sent to Intouch, could be forgotten.",
            hint="Set it to on for the role and the database of the service.",
            id="workflows.E005",
        )
    ]


@register(Tags.database)
def no_migration_is_half_applied(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """A database that has a part of what a first migration replaces is refused: Django alone would leave it as it is.

    The files of what was replaced are gone, so what the database lacks could never be made.
    """
    if not databases:
        return []
    loader = MigrationLoader(connection)
    lost = {
        (app, name)
        for migration in loader.replacements.values()
        if not loader.applied_migrations.keys().isdisjoint(migration.replaces)
        for app, name in migration.replaces
        if (app, name) not in loader.applied_migrations.keys() | loader.disk_migrations.keys()
    }
    if not lost:
        return []
    return [
        Error(
            f"The database lacks migrations that are no more: {', '.join('.'.join(key) for key in sorted(lost))}.",
            hint="Apply them with the code of before, which has their files; then migrate with this one.",
            id="workflows.E008",
        )
    ]


@register(Tags.security, deploy=True)
def queue_is_kept(**_: Any) -> list[CheckMessage]:
    """The broker refuses messages when it is full, rather than throwing away others. One that is away says nothing."""
    limits = {"socket_timeout": BROKER_SECONDS, "socket_connect_timeout": BROKER_SECONDS}
    try:
        with redis.Redis.from_url(settings.CELERY_BROKER_URL, **limits) as broker:
            policy = str(broker.info("memory").get("maxmemory_policy"))
    except (redis.RedisError, OSError, ValueError):
        return []
    if not policy.startswith("allkeys"):
        return []
    return [
        Error(
            f"The broker's maxmemory-policy is {policy}: when it is full it throws messages away and tells nobody.",
            hint="Set it to noeviction.",
            id="workflows.E006",
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

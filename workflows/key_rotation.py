"""Changing the keys of what is stored sealed: whatever is not under the first key of the ring is sealed anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.devices import Authenticator
from wire import secrets
from workflows.bindings import secret_binding, target_binding
from workflows.models import IntouchTarget, WorkflowRequest

BATCH = 200


def unknown_key_ids(known: set[str]) -> set[str]:
    """Ids of keys under which something is stored and that are not known: what is sealed with them cannot be opened."""
    return stored_key_ids() - known


def stored_key_ids() -> set[str]:
    """Ids of all keys that something stored needs."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT split_part(encode(substring(sealed FROM 1 FOR 60), 'escape'), ':', 2) FROM (
                SELECT secret AS sealed FROM workflows_workflowrequest
                 WHERE secret IS NOT NULL AND state IN ('waiting', 'executing', 'unknown')
                UNION ALL
                SELECT credential FROM workflows_intouchtarget WHERE credential IS NOT NULL
            ) AS stored
            UNION
            SELECT split_part(key, ':', 2) FROM otp_totp_totpdevice WHERE key LIKE 'v1:%'
            """
        )
        return {key_id for (key_id,) in cursor.fetchall()}


def rotate(*, on_progress: Callable[[int], None] = lambda _: None) -> int:
    """Seal everything under the first key of the ring; how many were changed.

    Each batch is a transaction of its own, so a run that was stopped goes on where it ended. Rows that a worker has
    locked are passed over and found by the next pass.

    Raises:
        SecretUnreadable: a credential does not open; nothing of its batch is changed.
    """
    credentials = _resealing("credential", target_binding)
    done = _rotate_all(IntouchTarget.objects.exclude(credential=None), credentials, on_progress)
    done += _rotate_all(Authenticator.objects.all(), Authenticator.reseal, on_progress)
    return done + _rotate_all(
        WorkflowRequest.objects.exclude(secret=None), _resealing("secret", secret_binding), on_progress
    )


def _rotate_all(rows: QuerySet[Any], reseal: Callable[[Any], bool], on_progress: Callable[[int], None]) -> int:
    done, after = 0, None
    while True:
        batch = rows if after is None else rows.filter(pk__gt=after)
        with transaction.atomic():
            found = list(batch.select_for_update(skip_locked=True).order_by("pk")[:BATCH])
            done += sum(reseal(row) for row in found)
        if not found:
            return done
        after = found[-1].pk
        on_progress(done)


def _resealing(field: str, binding: Callable[[Any], bytes]) -> Callable[[Any], bool]:
    """Seals one field of a row under the first key; whether it was not."""

    def reseal(row: Any) -> bool:
        sealed, bound_to = bytes(getattr(row, field)), binding(row.pk)
        if secrets.is_current(sealed):
            return False
        renewed = secrets.encrypt(secrets.decrypt(sealed, bound_to), bound_to)
        type(row).objects.filter(pk=row.pk).update(**{field: renewed})
        return True

    return reseal

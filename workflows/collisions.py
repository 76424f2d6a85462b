"""Telling a transaction that another one stood in the way of from a database that is away."""

from __future__ import annotations

from django.db import Error

_LOCK_NOT_AVAILABLE = "55P03"
_ROLLED_BACK = "40"


def is_collision(error: Error) -> bool:
    """Whether the transaction was rolled back only because of others: a deadlock, a lock that was not given in time.

    The connection is good, and the same again may succeed.
    """
    code = getattr(error.__cause__, "sqlstate", None) or ""
    return code == _LOCK_NOT_AVAILABLE or code.startswith(_ROLLED_BACK)

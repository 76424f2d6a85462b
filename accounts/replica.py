"""Which database a read may go to: the replica where one is named, else the primary.

Lists and exports of what has happened may read the replica, which may be some moments behind. Nothing that a decision
is taken on ever does: credentials, memberships, a task that somebody is about to decide, and whatever runs in a
transaction that writes, read the primary.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS

REPLICA: Final = "replica"


def reads_from() -> str:
    """The alias for lists and exports."""
    return REPLICA if REPLICA in settings.DATABASES else DEFAULT_DB_ALIAS

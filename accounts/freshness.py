"""Whether somebody has only just proved who they are: an organisation can ask for that before much is approved.

A session lasts hours and a UI token up to one; a desk that was left open, or a token that was stolen, must not be
enough to approve a large amount.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext_lazy as _

from accounts.credentials import person_by_password
from accounts.errors import NotAuthenticated
from accounts.models import User

FRESH_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class FreshProof:
    """That this user has just proved who they are. Made by the functions below and by nobody else."""

    user_id: int


class FreshProofNeeded(NotAuthenticated):
    """The credential is a good one, and too old for this act."""

    message = _(
        "The organisation asks for a fresh proof of who you are before this amount is approved: send Basic with your"
        " own password, or a UI token that is at most 5 minutes old."
    )


def by_credential(user: User) -> FreshProof:
    """For a user whose password, secret or client token came with this very request."""
    return FreshProof(user.pk)


def by_token(user: User, *, issued_at: int) -> FreshProof | None:
    """For the person of a UI token, as long as it is new; issuing it took the password and the second factor."""
    return FreshProof(user.pk) if time.time() - issued_at <= FRESH_SECONDS else None


def by_password(user: User, password: str, address: str) -> FreshProof | None:
    """For a person who was asked for the password again; None where it is wrong, which counts as a failed log-in.

    Raises:
        TooManyAttempts: see `accounts.attempts`.
    """
    found = person_by_password(user.username, password, address)
    return FreshProof(user.pk) if found is not None and found.pk == user.pk else None


def as_recorded(user: User, proved_at: datetime | None) -> FreshProof | None:
    """For decisions that a person confirmed together: the password that was given then holds for every one of them."""
    return FreshProof(user.pk) if proved_at is not None else None

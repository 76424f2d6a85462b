"""How a call can end without a usable answer. The difference decides whether points may be lost or doubled."""

from __future__ import annotations


class IntouchError(Exception):
    """Base; `reason` is a short text without addresses or secrets."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unavailable(IntouchError):
    """Not one byte of the request was sent: certainly nothing was credited, and trying again is safe."""


class OutcomeUnknown(IntouchError):
    """Something was sent and no clear answer came back: it may have been credited."""

"""What a stored credential is bound to, so that it opens in no other place."""

from __future__ import annotations

from uuid import UUID

from wire import secrets


def secret_binding(request_id: UUID) -> bytes:
    """The associated data of the credential that a maker sent with a request."""
    return secrets.binding("request", request_id, "authorization")


def target_binding(target_id: int) -> bytes:
    """The associated data of a target's own credential."""
    return secrets.binding("target", target_id, "credential")

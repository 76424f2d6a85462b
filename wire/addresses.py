"""Which address a request comes from, believing only as many proxies as there are."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The client's address: the peer's, or what the outermost of our own proxies has written.

    `TRUSTED_PROXIES` tells how many proxies of ours stand before the service; each appends the address it saw to
    X-Forwarded-For, so only that many entries, counted from the right, can be believed.
    """
    count: int = settings.TRUSTED_PROXIES
    if count > 0:
        forwarded = [entry.strip() for entry in str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",")]
        if len(forwarded) >= count and forwarded[-count]:
            return forwarded[-count]
    return str(request.META.get("REMOTE_ADDR", ""))

"""The correlation id: one per request, on every answer, log line, audit event, Celery message and outgoing call."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse
from uuid6 import uuid7

HEADER = "X-CAP-REQUEST-ID"
TASK_HEADER = "x_correlation_id"
_WELL_FORMED = re.compile(r"[A-Za-z0-9._:-]{8,64}")
_current: ContextVar[str] = ContextVar("correlation_id", default="")


def current() -> str:
    """The id of what is being done now; empty outside a request or task."""
    return _current.get()


def begin(proposed: str | None) -> str:
    """Take a well-formed id, or make one. Well formed: 8 to 64 of letters, digits and `._:-`."""
    chosen = proposed if proposed and _WELL_FORMED.fullmatch(proposed) else str(uuid7())
    _current.set(chosen)
    return chosen


class CorrelationMiddleware:
    """Outermost, so that an error answer made by any other middleware carries the id as well."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chosen = begin(request.headers.get(HEADER))
        response = self.get_response(request)
        response[HEADER] = chosen
        return response

"""Middleware for pages alone, most of it for those of the desk.

A client of the API brings its credential with every request: it has no session, no cookie and no messages, and what
makes them ready took a twentieth of a submission. Outside the desk a request has no `user` and no `session` either, so
that a page which relied on them there would fail and not be open.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from csp import middleware as csp
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest, HttpResponseBase
from django_otp import middleware as otp

DESK = "/admin/"
_NOTHING = "; ".join(f"{what} 'none'" for what in ("default-src", "base-uri", "form-action", "frame-ancestors"))


class _ForDesk:
    """Before a middleware among the bases of a class: passed by outside the desk."""

    get_response: Callable[[HttpRequest], Any]

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith(DESK):
            return super().__call__(request)  # type: ignore[misc]  # the middleware's
        return self.get_response(request)


class SessionMiddleware(_ForDesk, sessions.SessionMiddleware):
    """Django's own, for the desk."""


class AuthenticationMiddleware(_ForDesk, auth.AuthenticationMiddleware):
    """Django's own, for the desk."""


class OTPMiddleware(_ForDesk, otp.OTPMiddleware):
    """django-otp's own, for the desk."""


class CSPMiddleware(csp.CSPMiddleware):
    """django-csp's own, for pages. JSON is none: whatever a browser takes it for, nothing may come of it."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> Any:
        if response.headers.get("Content-Type") != "application/json":
            return super().process_response(request, response)
        response.headers["Content-Security-Policy"] = _NOTHING
        return response


class MessageMiddleware(_ForDesk, messages.MessageMiddleware):
    """Django's own, for the desk."""

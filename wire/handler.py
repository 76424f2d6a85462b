"""Every exception of an API view becomes the gateway's envelope; nothing of its inside gets out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from wire import correlation
from wire.errors import ApiError, NotAuthenticated, Problem, envelope

logger = logging.getLogger(__name__)


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response:
    """Every exception of an API view becomes the gateway's envelope; nothing of its inside gets out."""
    set_rollback()
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        error = NotAuthenticated()
    if isinstance(error, ApiError):
        return Response(envelope(error.problems), status=error.http_status, headers=error.headers)
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, DjangoPermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, exceptions.APIException):
        return _from_drf(error)
    if isinstance(error, SuspiciousOperation | BadRequest):
        logger.warning("a request that cannot be read: %s", type(error).__name__)
        return Response(envelope([Problem(2008, "The request cannot be read.")]), status=400)
    if isinstance(error, OperationalError | InterfaceError):
        return _database_unavailable(error)
    logger.exception("unforeseen error", extra={"view": type(context.get("view")).__name__})
    return unforeseen()


def unforeseen() -> Response:
    """The 500 of contract section 9: the correlation id alone."""
    problem = Problem(5000, f"Something unforeseen happened. Quote {correlation.current()} to the operators.")
    return Response(envelope([problem]), status=500)


def _database_unavailable(error: Exception) -> Response:
    logger.error("database unavailable: %s", type(error).__name__)
    problem = Problem(
        5000, f"The service cannot reach its database. Try again; quote {correlation.current()} if it stays."
    )
    return Response(envelope([problem]), status=503, headers={"Retry-After": "5"})


def _from_drf(error: exceptions.APIException) -> Response:
    """DRF's own refusals (method, media type, throttle) under the same envelope."""
    headers: dict[str, str] = {}
    if isinstance(error, exceptions.Throttled):
        wait = max(1, round(getattr(error, "wait", None) or 1))
        problem = Problem(4290, f"Too many requests. Try again in {wait} s.")
        headers["Retry-After"] = str(wait)
    elif isinstance(error, exceptions.UnsupportedMediaType):
        problem = Problem(2008, "The body must be application/json.", "Content-Type")
    else:
        problem = Problem(error.status_code, str(error.detail))
    return Response(envelope([problem]), status=error.status_code, headers=headers)

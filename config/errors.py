"""Errors outside DRF: JSON for the APIs, Django's pages for the admin."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from wire import correlation, strict_json
from wire.errors import Problem, envelope


def _is_admin(request: HttpRequest) -> bool:
    return request.path.startswith("/admin/")


def _json(status: int, message: str, code: int | None = None) -> HttpResponse:
    body = strict_json.dumps(envelope([Problem(code or status, message)]))
    return HttpResponse(body, status=status, content_type="application/json")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_admin(request):
        return defaults.bad_request(request, exception)
    return _json(400, "The request cannot be read.", 2008)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_admin(request):
        return defaults.permission_denied(request, exception)
    return _json(403, "You have no permission for this.", 2001)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_admin(request):
        return defaults.page_not_found(request, exception)
    return _json(404, "There is nothing at this address. The addresses are listed at /api/docs/.")


def server_error(request: HttpRequest, *_: Any) -> HttpResponse:
    if _is_admin(request):
        return defaults.server_error(request)
    return _json(500, f"Something unforeseen happened. Quote {correlation.current()} to the operators.", 5000)

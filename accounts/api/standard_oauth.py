"""OAuth's own endpoints: the library's views, with guesses counted as everywhere else."""

from __future__ import annotations

import base64
from contextlib import suppress
from typing import Any
from urllib.parse import unquote_plus

from django.db import DataError
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider.views.base import RevokeTokenView, TokenView

from accounts import attempts
from accounts.errors import TooManyAttempts
from wire.addresses import client_address


class _ClientGuarded:
    """Around a view of the library that a client authenticates itself to."""

    @method_decorator(csrf_exempt)  # the library's own mark stands on the method that this one replaces
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        clients, address = _clients_named(request), client_address(request)
        try:
            for client in clients:
                attempts.check(client, address)
            response: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        except TooManyAttempts as error:
            body = {"error": "temporarily_unavailable", "error_description": error.detail}
            return JsonResponse(body, status=error.http_status, headers=error.headers)
        except DataError:  # text that PostgreSQL cannot hold (NUL) names no client and no token
            return JsonResponse({"error": "invalid_request"}, status=400)
        if response.status_code == 401:
            for client in clients:
                attempts.note_failure(client, address)
        elif response.status_code == 200 and len(clients) == 1:  # of two it is not known whose secret was right
            attempts.note_success(clients.pop(), address)
        return response


def _clients_named(request: HttpRequest) -> set[str]:
    """Header and form may each name a client, and the library tries both: a guess counts for either."""
    named = {request.POST.get("client_id", "")}
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        with suppress(ValueError):  # rubbish names nobody
            named.add(unquote_plus(base64.b64decode(value).decode().partition(":")[0]))
    return named - {""}


class StandardToken(_ClientGuarded, TokenView):
    """RFC 6749: a token for client credentials."""


class StandardRevoke(_ClientGuarded, RevokeTokenView):
    """RFC 7009: the end of a token."""

"""Which language a request is answered in: people read the desk in theirs, and the API speaks English to everybody."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

from wire.desk import DESK

OF_THE_API = "en"


class DeskLanguageMiddleware(LocaleMiddleware):
    """Django's own choice of a language for pages of the desk; clients of the API match on its sentences."""

    def process_request(self, request: HttpRequest) -> None:
        if request.path_info.startswith(DESK):
            super().process_request(request)
            return
        translation.activate(OF_THE_API)
        request.LANGUAGE_CODE = OF_THE_API

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path_info.startswith(DESK):
            return super().process_response(request, response)
        return response

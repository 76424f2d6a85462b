"""Calls to a WSGI application in this very process; the service's own with all middleware and real credentials."""

from __future__ import annotations

import base64
import io
import json
import sys
from typing import Any


def ask(application: Any, method: str, path: str, *, body: bytes = b"", query: str = "", **headers: str) -> bytes:
    """The body of the answer. Headers are named as WSGI names them.

    Raises:
        AssertionError: the answer is another one than 200.
    """
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr, "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": "localhost", "REMOTE_ADDR": "127.0.0.1", **headers,
    }  # fmt: skip
    answered: list[str] = []
    answer = application(environ, lambda status, _headers: answered.append(status))
    text = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    assert answered[0].startswith("200"), (method, path, query, answered, text)
    return text


class Service:
    """The API as the service account of a house calls it."""

    def __init__(self, house: Any) -> None:
        from django.conf import settings
        from django.core.wsgi import get_wsgi_application

        from config.settled import settle

        settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["localhost"], False
        self._application = get_wsgi_application()
        settle()  # as config/wsgi.py does
        pair = f"{house.service_account.username}:{house.service_secret}".encode()
        self._headers = {
            "HTTP_AUTHORIZATION": f"Basic {base64.b64encode(pair).decode()}",
            "HTTP_X_CAP_API_AUTH_ORG_ID": str(house.organisation.pk),
        }

    def get(self, path: str, query: str = "") -> bytes:
        return ask(self._application, "GET", path, query=query, **self._headers)

    def post(self, path: str, body: Any, **headers: str) -> bytes:
        return ask(self._application, "POST", path, body=json.dumps(body).encode(), **self._headers, **headers)

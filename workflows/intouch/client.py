"""One call to Intouch, from built parts only: the URL from the target and the type, the headers from our own list."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import requests
from django.conf import settings
from urllib3.exceptions import HTTPError

from wire.secrets import Secret
from workflows.intouch.addresses import AddressPolicy
from workflows.intouch.errors import IntouchError, OutcomeUnknown, Unavailable
from workflows.intouch.transport import Attempt, session_for
from workflows.models import IntouchTarget

MAX_ANSWER_BYTES = 1024 * 1024
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: complete, and not yet believed."""

    status: int
    headers: dict[str, list[str]]
    body: bytes


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf: what goes into the headers of every call for one request, and until when it may be made."""

    target: IntouchTarget
    organisation_id: int
    secret: Secret
    correlation_id: str
    lease_ends: float = math.inf

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Authorization": self.secret.value, "Content-Type": "application/json", "Accept": "application/json",
            "Accept-Encoding": "identity", "User-Agent": "goodwill",
            "X-CAP-API-AUTH-ORG-ID": str(self.organisation_id), "X-CAP-REQUEST-ID": self.correlation_id,
        }  # fmt: skip


def call(caller: Caller, *, method: str, path: str, body: bytes | None = None, query: str = "") -> Answer:
    """Send one request and read its whole answer.

    Args:
        path: the request type's own; `query` is an encoded query string without its question mark.

    Raises:
        Unavailable: nothing was sent.
        OutcomeUnknown: something was sent, and the answer is missing, cut, too large or too late.
    """
    target = caller.target
    session = session_for(target.pk, AddressPolicy(target.allows_internal, settings.INTOUCH_ALLOW_LOOPBACK))
    url = target.base_url.rstrip("/") + path + (f"?{query}" if query else "")
    seconds = min(settings.INTOUCH_TOTAL_SECONDS, caller.lease_ends - time.monotonic())
    with Attempt(seconds) as attempt:
        try:
            return _exchange(session, attempt, method, url, caller.headers, body)
        except IntouchError:
            raise
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            session.close()
            raise _meaning(attempt, error) from None


def _exchange(
    session: requests.Session, attempt: Attempt, method: str, url: str, headers: dict[str, str], body: bytes | None
) -> Answer:
    response = session.request(
        method, url, data=body, headers=headers, allow_redirects=False, stream=True, verify=True,
        timeout=(settings.INTOUCH_CONNECT_SECONDS, settings.INTOUCH_READ_SECONDS),
    )  # fmt: skip
    try:
        content = _bounded(response)
    except BaseException:
        response.close()
        raise
    if attempt.timed_out:
        # A socket shut during the headers can look like a clean and empty 200: after the deadline nothing is believed.
        raise OutcomeUnknown("no complete answer within the time for the call")
    return Answer(response.status_code, _grouped(response), content)


def _bounded(response: requests.Response) -> bytes:
    """The raw body; more than the limit, or any content coding, is not read on."""
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise OutcomeUnknown("the answer is compressed although that was not asked for")
    parts, size = [], 0
    while chunk := response.raw.read(_CHUNK, decode_content=False):
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            raise OutcomeUnknown(f"the answer is larger than {MAX_ANSWER_BYTES} bytes")
        parts.append(chunk)
    return b"".join(parts)


def _grouped(response: requests.Response) -> dict[str, list[str]]:
    raw: Any = response.raw.headers
    return {name: list(raw.getlist(name)) for name in raw}


def _meaning(attempt: Attempt, error: Exception) -> IntouchError:
    """Before the first byte: unavailable. After it: unknown. The error's own text may name addresses and stays here."""
    kind = _innermost(error)
    if not attempt.sent:
        return Unavailable(f"not sent: {kind}")
    if attempt.timed_out:
        return OutcomeUnknown("no complete answer within the time for the call")
    return OutcomeUnknown(f"sent, no usable answer: {kind}")


def _innermost(error: BaseException) -> str:
    """The name of the root cause, e.g. `ConnectTimeoutError`."""
    cause: BaseException = error
    for _ in range(8):
        inner = getattr(cause, "reason", None) or (cause.args[0] if cause.args else None)
        if not isinstance(inner, BaseException):
            break
        cause = inner
    return type(cause).__name__

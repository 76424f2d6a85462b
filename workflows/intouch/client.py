"""One call to Intouch, from built parts only: the URL from the target and the type, the headers from our own list."""

from __future__ import annotations

import math
from dataclasses import dataclass
from http import HTTPStatus

from django.conf import settings
from urllib3 import BaseHTTPResponse, PoolManager, Timeout
from urllib3.exceptions import HTTPError

from wire.secrets import Secret
from workflows import lease_clock
from workflows.intouch.addresses import AddressPolicy
from workflows.intouch.errors import IntouchError, OutcomeUnknown, Unavailable
from workflows.intouch.transport import Attempt, connections_to
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
    connections = connections_to(target.pk, AddressPolicy(target.allows_internal, settings.INTOUCH_ALLOW_LOOPBACK))
    url = target.base_url.rstrip("/") + path + (f"?{query}" if query else "")
    seconds = min(settings.INTOUCH_TOTAL_SECONDS, caller.lease_ends - lease_clock.now())
    with Attempt(seconds) as attempt:
        try:
            return _exchange(connections, attempt, method, url, caller.headers, body)
        except IntouchError:
            raise
        except (HTTPError, OSError, ValueError) as error:
            connections.clear()
            raise _meaning(attempt, error) from None


def _exchange(
    connections: PoolManager, attempt: Attempt, method: str, url: str, headers: dict[str, str], body: bytes | None
) -> Answer:
    response = connections.urlopen(
        method, url, body=body, headers=headers, redirect=False, preload_content=False, decode_content=False,
        timeout=Timeout(connect=settings.INTOUCH_CONNECT_SECONDS, read=settings.INTOUCH_READ_SECONDS),
    )  # fmt: skip
    try:
        content = _bounded(response)
    except BaseException:
        response.close()
        raise
    if response.status < HTTPStatus.OK:
        # An answer like "103 Early Hints" is followed by the real one, which must be read as nobody else's.
        connections.clear()
        raise OutcomeUnknown(f"HTTP {response.status}, and not the final answer")
    if attempt.timed_out:
        # A socket shut during the headers can look like a clean and empty 200: after the deadline nothing is believed.
        raise OutcomeUnknown("no complete answer within the time for the call")
    return Answer(response.status, {name: response.headers.getlist(name) for name in response.headers}, content)


def _bounded(response: BaseHTTPResponse) -> bytes:
    """The raw body; more than the limit, or any content coding, is not read on."""
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise OutcomeUnknown("the answer is compressed although that was not asked for")
    parts, size = [], 0
    while chunk := response.read(_CHUNK, decode_content=False):
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            raise OutcomeUnknown(f"the answer is larger than {MAX_ANSWER_BYTES} bytes")
        parts.append(chunk)
    return b"".join(parts)


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

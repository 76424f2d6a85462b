"""What an answer means: credited, refused, not sent, or unknown (contract section 4, docs/adr/0007)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from django.utils import timezone

from wire.redaction import redact, redact_text
from workflows.intouch.client import Answer
from workflows.intouch.errors import IntouchError, Unavailable
from workflows.models import CallOutcome
from workflows.registry import LookUp, RequestType

# Documented as not processed; every other 4xx is a refusal, but for 408, which says nothing about the server's work.
_NOT_PROCESSED = frozenset({425, 429})
_AMBIGUOUS_4XX = frozenset({408})
RETRY_AFTER_LEAST, RETRY_AFTER_MOST = 1.0, 3600.0
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SHOWN_ERROR = 300
MOST_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known after one attempt.

    Attributes:
        already_known: Intouch said that it has seen the reference; who wins by that depends on the earlier attempts.
        retry_after: seconds that Intouch asked to wait, clamped; None where it did not say.
        is_outage: the target was away or broken, as the circuit breaker counts it; not where it answered in its senses.
        shown: `IntouchAPITask_Output` of the contract, masked; None without an answer.
    """

    kind: CallOutcome
    http_status: int | None = None
    error: str = ""
    already_known: bool = False
    retry_after: float | None = None
    is_outage: bool = False
    shown: dict[str, Any] | None = field(default=None)


def of_error(error: IntouchError) -> Outcome:
    """The outcome of a call without an answer."""
    kind = CallOutcome.NOT_SENT if isinstance(error, Unavailable) else CallOutcome.UNKNOWN
    return Outcome(kind, error=error.reason[:500], is_outage=True)


def classify(
    answer: Answer, request_type: RequestType, known_secrets: tuple[str, ...], sent_texts: Iterable[str] = ()
) -> Outcome:
    """Read an answer. `CREDITED` needs a 2xx, a body without any failure in it, and the type's own confirmation.

    Args:
        sent_texts: what the maker wrote; an error that quotes it does not say that the reference is known.
    """
    readable, body = _parsed(answer.body)
    status = answer.status
    said = body if readable else _as_text(answer.body, known_secrets)
    shown = _storable(redact({"status": status, "headers": answer.headers, "body": said}, known_secrets))
    messages = list(_failures(body)) if readable else []
    error = redact("; ".join(messages), known_secrets)[:_SHOWN_ERROR]

    def outcome(kind: CallOutcome, text: str, **more: Any) -> Outcome:
        return Outcome(kind, status, _storable(text), shown=shown, **more)

    if status in _NOT_PROCESSED:
        return outcome(CallOutcome.NOT_SENT, f"HTTP {status}", retry_after=_retry_after(answer))
    if not (200 <= status < 300 or 400 <= status < 500) or status in _AMBIGUOUS_4XX:
        outage = status >= 500
        return outcome(CallOutcome.UNKNOWN, f"HTTP {status}", retry_after=_retry_after(answer), is_outage=outage)
    if any(request_type.already_known.search(_without(message, sent_texts)) for message in messages):
        return outcome(CallOutcome.REFUSED, error, already_known=True)
    if status >= 400:
        return outcome(CallOutcome.REFUSED, error or f"HTTP {status}")
    if not readable:
        return outcome(CallOutcome.UNKNOWN, f"HTTP {status} with a body that cannot be read")
    if messages:
        return outcome(CallOutcome.REFUSED, error or "the answer reports a failure")
    if not request_type.confirms(body):
        return outcome(CallOutcome.UNKNOWN, f"HTTP {status} without the expected confirmation")
    return outcome(CallOutcome.CREDITED, "")


def classify_look_up(answer: Answer, look_up: LookUp, known_secrets: tuple[str, ...]) -> Outcome:
    """Read the answer to a look-up: credited, absent, or as unknown as before."""
    readable, body = _parsed(answer.body)
    said = look_up.read(body) if readable and answer.status == 200 else None
    if said is None:
        return Outcome(
            CallOutcome.UNKNOWN, answer.status, f"look-up: HTTP {answer.status} without a clear word",
            retry_after=_retry_after(answer), is_outage=answer.status >= 500,
        )  # fmt: skip
    shown = {"status": answer.status, "headers": answer.headers, "body": body}
    kind = CallOutcome.CREDITED if said else CallOutcome.ABSENT
    return Outcome(kind, answer.status, shown=_storable(redact(shown, known_secrets)) if said else None)


def _without(message: str, quoted: Iterable[str]) -> str:
    for text in sorted(quoted, key=len, reverse=True):
        message = re.sub(re.escape(text), "", message, flags=re.IGNORECASE)
    return message


def _parsed(raw: bytes) -> tuple[bool, Any]:
    """Whether the body is JSON that can be handled, and its value; what is deeper than sense could not be shown."""
    try:
        body = json.loads(raw.decode(), parse_float=Decimal, parse_constant=str)
    except (UnicodeDecodeError, ValueError, RecursionError, ArithmeticError):
        return False, None
    return (False, None) if _is_too_deep(body) else (True, body)


def _is_too_deep(body: Any) -> bool:
    level = [body]
    for _ in range(MOST_DEPTH):
        level = [item for node in level if isinstance(node, dict | list) for item in _items_of(node)]
    return bool(level)


def _items_of(node: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return node.values() if isinstance(node, dict) else node


def _as_text(raw: bytes, known_secrets: tuple[str, ...]) -> str:
    """The beginning; masked before it is cut, for half a secret is none that could be found."""
    return redact_text(raw.decode("utf-8", "replace"), known_secrets)[:2000]


def _storable(value: Any) -> Any:
    """What PostgreSQL text cannot hold becomes a replacement character: the answer is untrusted input too."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_storable(item) for item in value]
    return value


def _failures(body: Any) -> Iterator[str]:
    """Every sign of failure in a body, as text: v1.1 status, v1.1 items, v2 and gateway errors."""
    if not isinstance(body, dict):
        return
    response = body.get("response")
    status = response.get("status") if isinstance(response, dict) else None
    if isinstance(status, dict) and _is_false(status.get("success")):
        yield str(status.get("message") or "the answer says that it failed")
    yield from _failed_items(body)
    errors = body.get("errors")
    if errors:
        for item in errors if isinstance(errors, list) else [errors]:
            message = item.get("message") if isinstance(item, dict) else item
            yield str(message or "the answer reports an error")


def _failed_items(node: Any) -> Iterator[str]:
    """`item_status.success` that is false, at whatever depth the version of the API puts it."""
    stack = [node]
    while stack:
        found = stack.pop()
        if isinstance(found, list):
            stack.extend(found)
        elif isinstance(found, dict):
            item = found.get("item_status")
            if isinstance(item, dict) and _is_false(item.get("success")):
                yield str(item.get("message") or "an item failed")
            stack.extend(found.values())


def _is_false(value: Any) -> bool:
    return value is False or (isinstance(value, str) and value.strip().lower() == "false")


def _retry_after(answer: Answer) -> float | None:
    """Seconds or an HTTP date, clamped to a second and an hour; None where absent or not readable."""
    values = next((v for name, v in answer.headers.items() if name.lower() == "retry-after"), [])
    text = values[0].strip() if values else ""
    if text.isascii() and text.isdigit():
        seconds = float(text[:12])
    else:
        try:
            seconds = (parsedate_to_datetime(text) - timezone.now()).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(max(seconds, RETRY_AFTER_LEAST), RETRY_AFTER_MOST)

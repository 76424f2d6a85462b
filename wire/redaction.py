"""One function keeps secrets out of logs, pages, audit rows and stored answers.

Masks by the key's name and by the value's shape, because an upstream may echo a credential where nobody expects it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

MASK = "***"

_SECRET_NAME = re.compile(r"authori[sz]ation|token|secret|passw|cookie|credential|api[-_]?key|private[-_]?key", re.I)
# Names that the pattern would catch but that hold no secret.
_HARMLESS_NAMES = frozenset({"lease_token", "token_type", "csrf_token_failure"})
_SECRET_SHAPE = re.compile(
    r"(?i:\b(?:basic|bearer)\s+)[A-Za-z0-9+/=._~-]{6,}"
    # Begins where no other such character stands before it: else a long answer could cost minutes to look through.
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
    r"|\bgws_[A-Za-z0-9_-]{16,}"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
)


def redact_text(text: str, known: Iterable[str] = ()) -> str:
    """Mask everything in `text` that looks like a credential, and each of the `known` secrets wherever it stands."""
    for secret in known:
        if len(secret) >= 4:
            text = text.replace(secret, MASK)
    return _SECRET_SHAPE.sub(MASK, text)


def is_secret_name(name: str) -> bool:
    """Whether a value under this name must never be shown."""
    return name.lower() not in _HARMLESS_NAMES and bool(_SECRET_NAME.search(name))


def _hides(key: Any, item: Any) -> bool:
    return isinstance(key, str) and is_secret_name(key) and item not in (None, "")


def _name(key: Any, known: Iterable[str]) -> Any:
    return redact_text(key, known) if isinstance(key, str) else key


def redact(value: Any, known: Iterable[str] = ()) -> Any:
    """The same structure with every secret masked; names stay, so that a reader sees that something was there."""
    known = tuple(known)
    if isinstance(value, dict):
        return {_name(key, known): MASK if _hides(key, item) else redact(item, known) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact(item, known) for item in value]
    if isinstance(value, str):
        return redact_text(value, known)
    return value

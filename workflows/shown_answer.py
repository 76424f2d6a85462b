"""What is shown of an answer of Intouch: all of a short one, the beginning of a long one. All of it stays stored."""

from __future__ import annotations

from typing import Any, Final

from wire import strict_json
from workflows.models import WorkflowRequest

MOST_CHARACTERS: Final = 16 * 1024
MOST_OF_HEADERS: Final = 4 * 1024


def shown_answer(request: WorkflowRequest) -> dict[str, Any] | None:
    """Status, headers and body; a body that is too long comes as text, with a mark where it was cut."""
    answer = request.answer
    if answer is None or len(request.result or "") <= MOST_CHARACTERS:
        return answer
    return {**answer, "headers": _first_headers(answer.get("headers") or {}), "body": _cut(answer.get("body"))}


def _cut(body: Any) -> Any:
    text = body if isinstance(body, str) else strict_json.dumps(body)
    if len(text) <= MOST_CHARACTERS:
        return body
    return f"{text[:MOST_CHARACTERS]} … [cut: {len(text)} characters in all]"


def _first_headers(headers: dict[str, list[str]]) -> dict[str, list[str]]:
    """As many as fit, in their order."""
    kept: dict[str, list[str]] = {}
    left = MOST_OF_HEADERS
    for name, values in headers.items():
        left -= len(name) + sum(len(value) for value in values)
        if left < 0:
            kept["…"] = [f"[cut: {len(headers)} headers in all]"]
            break
        kept[name] = values
    return kept

"""What may change under an open page: the task that somebody else decides, and what becomes of one's own approvals."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, JsonResponse

from accounts.admin_guard import actors_for
from workflows import desk, registry
from workflows.admin import chips
from workflows.admin.chips import Chip
from workflows.amounts import readable
from workflows.models import WorkflowRequest
from workflows.states import ENDED, State

FOLLOWED: Final = "desk_followed"
MOST_FOLLOWED: Final = 3
FOLLOW_SECONDS: Final = 600


@dataclass(frozen=True, slots=True)
class Followed:
    """A request that the person has just approved, and where it stands by now."""

    request: WorkflowRequest
    chip: Chip
    is_open: bool


def follow(request: HttpRequest, about: WorkflowRequest) -> None:
    """Show on the next pages what becomes of a request that has just been approved."""
    kept = [entry for entry in request.session.get(FOLLOWED, []) if entry[0] != str(about.pk)]
    request.session[FOLLOWED] = [[str(about.pk), int(time.time())], *kept][:MOST_FOLLOWED]


def followed(request: HttpRequest) -> list[Followed]:
    """The latest approvals of this session; without a query where there are none."""
    since = time.time() - FOLLOW_SECONDS
    ids = [UUID(key) for key, at in request.session.get(FOLLOWED, []) if at >= since]
    if not ids:
        return []
    rows = desk.for_list(desk.requests_within(actors_for(request)).filter(pk__in=ids))
    found = {row.pk: row for row in rows}
    return [_followed(found[key]) for key in ids if key in found]


def _followed(request: WorkflowRequest) -> Followed:
    return Followed(request, chips.of_request(request), State(request.state) not in ENDED)


def answer(request: HttpRequest, about: WorkflowRequest | None = None, *, why_not: str = "") -> JsonResponse:
    """All that a page asks for again and again.

    Args:
        about: the request that the page shows.
        why_not: why it cannot be decided any more by who looks at it; empty where it can.
    """
    mine = followed(request)
    shown: dict[str, Any] = {"followed": {str(row.request.pk): _as_json(row.chip, _name(row.request)) for row in mine}}
    is_open = any(row.is_open for row in mine)
    if about is not None:
        shown |= {"chip": _as_json(chips.of_request(about)), "whyNot": why_not, "stand": stand(about)}
        is_open = is_open or State(about.state) not in ENDED
    return JsonResponse({**shown, "isOpen": is_open})


def stand(about: WorkflowRequest) -> str:
    """Differs as soon as anything has happened to the request: what a page tells of it is then old."""
    return f"{about.state} {about.updated_at.isoformat()}"


def _as_json(chip: Chip, name: str = "") -> dict[str, str]:
    return {**chip.as_json(), "said": f"{name}: {chip.label}" if name else str(chip.label)}


def _name(request: WorkflowRequest) -> str:
    if request.customer_id is None:
        return str(registry.get(request.request_type).label)
    return f"{readable(request.amount) if request.amount is not None else ''} · {request.customer_id}"

"""What has come of a bulk decision: how far it is, what was done about each item, and what became of the requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from workflows import bulk_running, bulk_selection
from workflows.admin import chips
from workflows.admin.chips import Chip
from workflows.models import BulkItem, BulkOutcome, BulkPhase, BulkRun, BulkVerdict
from workflows.states import QUEUED, State

PER_PAGE: Final = 100

_OUTCOMES: Final[dict[str | None, Chip]] = {
    None: Chip("work", "clock", gettext_lazy("Not yet")),
    BulkOutcome.DECIDED: Chip("good", "check", gettext_lazy("Decided")),
    BulkOutcome.REFUSED: Chip("bad", "cross", gettext_lazy("Not decided")),
    BulkOutcome.LEFT_OUT: Chip("off", "stop", gettext_lazy("Left out")),
}
_NEXT_LEVEL: Final = Chip("wait", "clock", gettext_lazy("Waits for another approval"))
# What has become of approved requests, in the order in which it is said.
_BECAME: Final = (
    ({State.CREDITED}, ngettext_lazy("%(number)d credited", "%(number)d credited", "number")),
    ({State.FAILED}, ngettext_lazy("%(number)d failed", "%(number)d failed", "number")),
    ({State.EXECUTING}, ngettext_lazy("%(number)d being carried out", "%(number)d being carried out", "number")),
    (
        {State.UNKNOWN},
        ngettext_lazy("%(number)d with an unknown outcome", "%(number)d with an unknown outcome", "number"),
    ),
    (
        {State.WAITING},
        ngettext_lazy("%(number)d waits for another approval", "%(number)d wait for another approval", "number"),
    ),
    (
        {State.REJECTED, State.WITHDRAWN, State.EXPIRED},
        ngettext_lazy(
            "%(number)d not approved by the next level", "%(number)d not approved by the next level", "number"
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class ItemRow:
    """`chip` is what the run has done about the item, `state` where its request stands by now."""

    item: BulkItem
    chip: Chip
    state: Chip


def read(run: BulkRun, page: str) -> dict[str, Any]:
    """The context of the page."""
    tally, states, items = bulk_running.outcomes(run.pk), bulk_running.states_of_decided(run.pk), _page(run, page)
    return {
        "title": _title(run),
        "tally": tally,
        "done": run.total - tally["open"],
        "said": _said(run, tally),
        "became": _became(run, states),
        "may_change": _may_change(run, states),
        "missed": tally[BulkOutcome.REFUSED] + tally[BulkOutcome.LEFT_OUT],
        "items": items,
        "rows": [ItemRow(item, _OUTCOMES[item.outcome], _state_of(item)) for item in items],
    }


def progress(run: BulkRun, page: str) -> dict[str, Any]:
    """What the open page asks for again and again, until nothing that it shows can change any more."""
    tally, states = bulk_running.outcomes(run.pk), bulk_running.states_of_decided(run.pk)
    return {
        "ended": run.phase == BulkPhase.ENDED, "total": run.total, **tally, "said": _said(run, tally),
        "became": _became(run, states), "isOpen": _may_change(run, states),
        "states": {str(item.pk): _state_of(item).as_json() for item in _page(run, page)},
    }  # fmt: skip


def _page(run: BulkRun, page: str) -> Page[BulkItem]:
    return Paginator(bulk_selection.by_outcome(run), PER_PAGE).get_page(page)


def _may_change(run: BulkRun, states: dict[str, int]) -> bool:
    return run.phase != BulkPhase.ENDED or any(states.get(state) for state in QUEUED)


def _state_of(item: BulkItem) -> Chip:
    is_at_next_level = item.outcome == BulkOutcome.DECIDED and item.request.state == State.WAITING
    return _NEXT_LEVEL if is_at_next_level else chips.of_request(item.request)


def _title(run: BulkRun) -> str:
    if run.verdict == BulkVerdict.APPROVED:
        return _("Approve %(number)s at once") % {"number": run.total}
    return _("Reject %(number)s at once") % {"number": run.total}


def _said(run: BulkRun, tally: dict[str, int]) -> str:
    """How far the run is, in one sentence."""
    return _("%(done)s of %(total)s: %(decided)s decided, %(refused)s not decided, %(left_out)s left out.") % {
        "done": run.total - tally["open"], "total": run.total, **tally,
    }  # fmt: skip


def _became(run: BulkRun, states: dict[str, int]) -> str:
    """What became of what was approved; empty where nothing was."""
    if run.verdict != BulkVerdict.APPROVED:
        return ""
    counted = [(sum(states.get(state, 0) for state in of), words) for of, words in _BECAME]
    return ", ".join(words % {"number": number} for number, words in counted if number)

"""How the filters of the big lists are grouped, and the columns that their exports have."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from workflows.admin import chips
from workflows.exporting import Column
from workflows.models import Decision
from workflows.states import State

_WHAT: Final = (_("What"), ("program", "reason", "maker"))
_HOW_MUCH: Final = (_("How much"), ("points_from", "points_to", "money_from", "money_to"))
_WHERE: Final = (_("Where"), ("concept", "zone", "store", "till"))

TASK_FILTERS: Final = (
    _WHAT,
    _HOW_MUCH,
    (_("Since when"), ("older", "younger")),
    _WHERE,
    (_("Decided"), ("decision", "by", "decided_from", "decided_to")),
)
REQUEST_FILTERS: Final = (
    _WHAT,
    _HOW_MUCH,
    (_("When"), ("made_from", "made_to", "ended_from", "ended_to")),
    _WHERE,
    (_("Who and how"), ("made_by", "automatic")),
)


def _state(value: str) -> str:
    return str(chips.STATES[State(value)].label)


def _decision(value: str) -> str:
    return str(chips.DECISIONS[Decision(value)].label)


def _yes_or_no(value: bool) -> str:
    return gettext("yes") if value else gettext("no")


# The head, where a request has it, and how it is said on the page where the row says it in other words.
_OF_REQUEST: Final[tuple[tuple[Any, ...], ...]] = (
    (_("Request id"), "id"),
    (_("Reference"), "reference_id"),
    (_("Customer"), "customer_id"),
    (_("Points"), "amount"),
    (_("Money"), "money"),
    (_("Program number"), "program_id"),
    (_("Program"), "program_name"),
    (_("Reason"), "reason"),
    (_("Maker"), "maker_name"),
    (_("Made at"), "created_at"),
    (_("State"), "state", _state),
    (_("Concept"), "concept_id"),
    (_("Zone"), "zone_id"),
    (_("Store"), "store_id"),
    (_("Till"), "till_id"),
)
_ORGANISATION: Final = Column(_("Organisation"), "organisation__name")

REQUESTS: Final = (
    *(Column(head, path, *said) for head, path, *said in _OF_REQUEST),
    Column(_("Ended at"), "ended_at"),
    Column(_("Approved automatically"), "auto_approved", _yes_or_no),
    Column(_("Last error"), "last_error"),
    _ORGANISATION,
)
TASKS: Final = (
    *(Column(head, f"request__{path}", *said) for head, path, *said in _OF_REQUEST),
    Column(_("Waiting since"), "opened_at"),
    Column(_("Decision"), "decision", _decision),
    Column(_("Decided by"), "checker_name"),
    Column(_("Decided at"), "decided_at"),
    Column(_("Message"), "message"),
    _ORGANISATION,
)

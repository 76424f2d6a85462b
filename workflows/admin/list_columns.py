"""How the filters of the big lists are grouped, and the columns that their exports have."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from workflows.exporting import Column

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

_OF_REQUEST: Final = (
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
    (_("State"), "state"),
    (_("Concept"), "concept_id"),
    (_("Zone"), "zone_id"),
    (_("Store"), "store_id"),
    (_("Till"), "till_id"),
)
_ORGANISATION: Final = Column(_("Organisation"), "organisation__name")

REQUESTS: Final = (
    *(Column(head, path) for head, path in _OF_REQUEST),
    Column(_("Ended at"), "ended_at"),
    Column(_("Approved automatically"), "auto_approved"),
    Column(_("Last error"), "last_error"),
    _ORGANISATION,
)
TASKS: Final = (
    *(Column(head, f"request__{path}") for head, path in _OF_REQUEST),
    Column(_("Waiting since"), "opened_at"),
    Column(_("Decision"), "decision"),
    Column(_("Decided by"), "checker_name"),
    Column(_("Decided at"), "decided_at"),
    Column(_("Message"), "message"),
    _ORGANISATION,
)

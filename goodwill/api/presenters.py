"""What the history API shows of a goodwill request, key by key in the incumbent's order."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from goodwill.history import HistoryPage, HistoryRow, Person
from goodwill.models import GoodwillStatus
from workflows.api.presenters import utc

# The incumbent's 13 keys of an admin user, in the order of `Person`.
_PERSON_KEYS: Final = ("id", "code", "description", "name", "type", "referenceId", "adminType", "isActive",
                       "isOuEnabled", "timeZoneId", "currencyId", "languageId", "default")  # fmt: skip


def present_page(page: HistoryPage) -> list[dict[str, Any]]:
    """The items of E5."""
    people = {key: present_person(person) for key, person in page.people.items()}
    return [present(row, people) for row in page.rows]


def present(row: HistoryRow, people: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    """One item of E5. `userId` is the customer; keys without a value are absent and never null.

    Args:
        people: everybody in the row, as `present_person` makes them.
    """
    shown: dict[str, Any] = {
        "id": row.id,
        "addedBy": people[row.added_by_id],
        "updatedBy": people[row.updated_by_id],
    }
    if row.entered_by_id is not None:
        shown["enteredBy"] = people[row.entered_by_id]
    shown |= {
        "addedOn": utc(row.added_on),
        "updatedOn": utc(row.updated_on),
        "programId": row.program_number,
        "userId": row.customer_id,
        "requestId": row.request_number,
        "goodwillType": row.goodwill_type,
        "goodwillStatus": row.status,
        "comments": row.comments,
        "reason": row.reason,
    }
    if row.status == GoodwillStatus.APPROVED and row.points is not None:
        shown["approvedValue"] = plain(row.points)
    if row.updated_comments:
        shown["updatedComments"] = row.updated_comments
    shown |= {
        "program": _program(row),
        "earningEntityType": row.earning_entity_type,
        "oneStep": row.one_step,
    }
    if row.workflow_request_id is not None:
        shown["workflowRequestId"] = str(row.workflow_request_id)
    return shown


def present_person(person: Person) -> dict[str, Any]:
    return dict(zip(_PERSON_KEYS, person, strict=True))


def plain(number: Decimal) -> str:
    """`500` for 500.000000 and `0.5` for 0.500000: never an exponent, never padding."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _program(row: HistoryRow) -> dict[str, Any]:
    return {
        "programId": row.program_number,
        "programName": row.program_name,
        "pointsToCurrencyRatio": _with_point(row.program_ratio),
        "programDescription": row.program_description,
        "default": row.program_is_default,
    }


def _with_point(number: Decimal) -> Decimal:
    """At least one decimal, as the incumbent prints the ratio: `1.0`."""
    text = plain(number)
    return Decimal(text if "." in text else f"{text}.0")

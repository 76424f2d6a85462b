"""What the history API shows of a goodwill request, key by key in the incumbent's order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from accounts.models import User
from goodwill.models import GoodwillRequest, GoodwillStatus, Program
from workflows.api.presenters import utc


def present(row: GoodwillRequest) -> dict[str, Any]:
    """One item of E5. `userId` is the customer; keys without a value are absent and never null."""
    shown: dict[str, Any] = {
        "id": row.pk,
        "addedBy": _admin_user(row.added_by),
        "updatedBy": _admin_user(row.updated_by),
    }
    if row.entered_by is not None:
        shown["enteredBy"] = _admin_user(row.entered_by)
    shown |= {
        "addedOn": utc(row.added_on),
        "updatedOn": utc(row.updated_on),
        "programId": row.program.program_id,
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
        "program": _program(row.program),
        "earningEntityType": row.earning_entity_type,
        "oneStep": row.one_step,
    }
    if row.workflow_request_id is not None:
        shown["workflowRequestId"] = str(row.workflow_request_id)
    return shown


def plain(number: Decimal) -> str:
    """`500` for 500.000000 and `0.5` for 0.500000: never an exponent, never padding."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _admin_user(user: User) -> dict[str, Any]:
    """The incumbent's 13 keys of an admin user."""
    return {
        "id": user.pk,
        "code": user.code,
        "description": user.description,
        "name": user.name or user.display_name,
        "type": user.user_type,
        "referenceId": user.reference_id,
        "adminType": user.admin_type,
        "isActive": user.is_active,
        "isOuEnabled": user.is_ou_enabled,
        "timeZoneId": user.time_zone_id,
        "currencyId": user.currency_id,
        "languageId": user.language_id,
        "default": user.is_default,
    }


def _program(program: Program) -> dict[str, Any]:
    return {
        "programId": program.program_id,
        "programName": program.name,
        "pointsToCurrencyRatio": _with_point(program.points_to_currency_ratio),
        "programDescription": program.description,
        "default": program.is_default,
    }


def _with_point(number: Decimal) -> Decimal:
    """At least one decimal, as the incumbent prints the ratio: `1.0`."""
    text = plain(number)
    return Decimal(text if "." in text else f"{text}.0")

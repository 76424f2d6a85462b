"""The OpenAPI side of E5."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from accounts.api.schema import UNKNOWN_CALLER, caller
from goodwill.api.answers import EmptyHistory, GoodwillHistory
from goodwill.api.filters import NOT_FOUND, GoodwillFilter
from wire.errors import MalformedBody
from wire.filters import LARGEST
from wire.openapi import LIMIT, Refusal, counted, parameters_of, refusals

View = TypeVar("View", bound=Callable[..., Any])

_CUSTOMER: Final = {"type": "integer", "minimum": 1, "maximum": LARGEST}
_ADMIN_USER: Final = {
    "id": 75160042, "code": "1739864912683_", "description": "", "name": "1739864911_aditi", "type": "ADMIN_USER",
    "referenceId": -1, "adminType": "GENERAL", "isActive": True, "isOuEnabled": False, "timeZoneId": 0,
    "currencyId": 0, "languageId": 0, "default": False,
}  # fmt: skip
_PROGRAM: Final = {
    "programId": 973, "programName": "DocDemoDefaultProgram", "pointsToCurrencyRatio": 1.0,
    "programDescription": "Default program for DocDemo", "default": True,
}  # fmt: skip
_ITEM: Final = {
    "id": 317841, "addedBy": _ADMIN_USER, "updatedBy": _ADMIN_USER, "addedOn": "2025-04-22T16:01:45Z",
    "updatedOn": "2025-04-22T10:31:45Z", "programId": 973, "userId": 565039505, "requestId": 13039305,
    "goodwillType": "POINTS", "goodwillStatus": "APPROVED", "comments": "yes", "reason": "GoodGuy",
    "approvedValue": "500", "updatedComments": "yes; AUTO_APPROVED", "program": _PROGRAM,
    "earningEntityType": "CUSTOMER", "oneStep": False,
}  # fmt: skip


def _page(total: int, data: list[Any], errors: list[Any]) -> dict[str, Any]:
    return {
        "pagination": {"limit": 10, "offset": 0, "total": total}, "data": data, "warnings": [], "errors": errors,
    }  # fmt: skip


_RESPONSES: Final[dict[int, OpenApiResponse]] = {
    200: OpenApiResponse(
        GoodwillHistory,
        description="A page. One past the end of a list that is not empty has no items.",
        examples=[OpenApiExample("history", value=_page(1, [_ITEM], []))],
    ),
    404: OpenApiResponse(
        EmptyHistory,
        description=f"* `{NOT_FOUND.code}`: {NOT_FOUND.message}: nothing matches.",
        examples=[OpenApiExample(f"{NOT_FOUND.code}", value=_page(0, [], [NOT_FOUND.as_json()]))],
    ),
    **refusals(
        *UNKNOWN_CALLER,
        Refusal(400, MalformedBody.code, "autoApprove must be true or false.", "autoApprove"),
        Refusal(400, MalformedBody.code, "customerId differs from the customer in the path.", "customerId"),
    ),
}


def _history(operation_id: str, summary: str, *customer: OpenApiParameter) -> Callable[[View], View]:
    return extend_schema(
        operation_id=operation_id,
        tags=["History"],
        summary=summary,
        description="Newest first, the waiting ones too. An unknown or repeated parameter is refused.",
        parameters=[
            *customer,
            *caller(organisation_required=False),
            *parameters_of(GoodwillFilter),
            LIMIT,
            counted("offset", "How many items to pass over."),
        ],
        responses=_RESPONSES,
    )


history = _history(
    "list_goodwill_history",
    "A customer's goodwill requests, the customer in the query",
    OpenApiParameter("customerId", _CUSTOMER, required=True, description="The customer."),
)
history_of_customer = _history(
    "list_goodwill_history_of_customer",
    "A customer's goodwill requests",
    OpenApiParameter("customer_id", _CUSTOMER, OpenApiParameter.PATH, description="The customer."),
    OpenApiParameter("customerId", _CUSTOMER, description="If sent, it must be the customer of the path."),
)

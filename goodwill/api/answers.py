"""The shape of E5 for the OpenAPI description; `presenters` makes the answer itself."""

from __future__ import annotations

from typing import Annotated, Any, Final, NotRequired

from drf_spectacular.utils import extend_schema_serializer
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from goodwill.models import GoodwillStatus
from wire.bodies import ErrorItem

_UTC: Final = {"format": "date-time"}


class AdminUser(TypedDict):
    """The incumbent's 13 keys of an admin user."""

    id: int
    code: str
    description: str
    name: str
    type: str
    referenceId: int
    adminType: str
    isActive: bool
    isOuEnabled: bool
    timeZoneId: int
    currencyId: int
    languageId: int
    default: bool


class ProgramObject(TypedDict):
    """A loyalty program."""

    programId: int
    programName: str
    pointsToCurrencyRatio: float
    programDescription: str
    default: bool


class GoodwillItem(TypedDict):
    """One goodwill request of a customer."""

    id: int
    addedBy: AdminUser
    updatedBy: AdminUser
    enteredBy: NotRequired[AdminUser]
    addedOn: Annotated[str, Field(json_schema_extra=_UTC)]
    updatedOn: Annotated[str, Field(json_schema_extra=_UTC)]
    programId: int
    userId: Annotated[int, Field(description="The customer.")]
    requestId: Annotated[int, Field(description="A number of its own, unrelated to the UUID of the gateway.")]
    goodwillType: str
    goodwillStatus: Annotated[str, Field(json_schema_extra={"enum": list(GoodwillStatus.values)})]
    comments: str
    reason: str
    approvedValue: NotRequired[Annotated[str, Field(description="Only where the status is APPROVED.")]]
    updatedComments: NotRequired[str]
    program: ProgramObject
    earningEntityType: str
    oneStep: bool
    workflowRequestId: NotRequired[
        Annotated[
            str,
            Field(
                description="The UUID of the gateway; absent for what is older than it (ours).",
                json_schema_extra={"format": "uuid"},
            ),
        ]
    ]


class OffsetPage(TypedDict):
    """Where this page stands; `total` counts across all pages."""

    limit: int
    offset: int
    total: int


@extend_schema_serializer(many=False)
class GoodwillHistory(BaseModel):
    """A page of a customer's goodwill requests, newest first."""

    pagination: OffsetPage
    data: list[GoodwillItem]
    warnings: list[Any]
    errors: list[Any]


class EmptyHistory(BaseModel):
    """Nothing matches."""

    pagination: OffsetPage
    data: Annotated[list[Any], Field(max_length=0)]
    warnings: list[Any]
    errors: list[ErrorItem]

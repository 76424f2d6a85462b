"""The shapes of E1 to E4 for the OpenAPI description; `presenters` makes the answers themselves.

Typed dictionaries, because some keys are absent and never null.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, NotRequired

from drf_spectacular.utils import extend_schema_serializer
from pydantic import BaseModel, Field, GetJsonSchemaHandler, RootModel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from typing_extensions import TypedDict

from workflows import registry
from workflows.api.presenters import WIRE_STATES
from workflows.registry import RequestType
from workflows.submission import TASK_PAYLOAD, envelope_of

STATES: Final = list(dict.fromkeys(WIRE_STATES.values()))
NAIVE_TIME: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$"


def _payload_of(request_type: RequestType) -> type[BaseModel]:
    if request_type.local is not None:
        return request_type.body_model
    payload: Any = envelope_of(request_type.slug).model_fields["payload"].annotation
    task: type[BaseModel] = payload.model_fields["task"].annotation
    return task


class _OneOfTypes:
    """Stands for one schema per registered request type."""

    def __init__(self, *, whole: bool) -> None:
        self.whole = whole

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        types = registry.of_clients() if self.whole else registry.all_types()
        models = [envelope_of(item.slug) if self.whole else _payload_of(item) for item in types]
        return {"oneOf": [handler(model.__pydantic_core_schema__) for model in models]}


class SubmissionBody(RootModel[Annotated[Any, _OneOfTypes(whole=True)]]):
    """The body of E1: the same envelope around a body of the request type's own."""


class Actor(TypedDict):
    """The checker, and when they decided (ours)."""

    userId: int
    userName: str
    decidedAt: str


class DecisionEcho(TypedDict):
    """The decision as the checker sent it."""

    actionDecision: Literal["approved", "rejected"]
    actionMessage: str


class IntouchAnswer(TypedDict):
    """What Intouch answered, with every secret masked. A body of more than 16,384 characters is text, and cut."""

    status: int
    headers: dict[str, list[str]]
    body: Any


Details = TypedDict(
    "Details",
    {
        TASK_PAYLOAD: Annotated[  # type: ignore[misc]  # a constant, but of another module
            Any,
            _OneOfTypes(whole=False),
            Field(description="As sent. The credential is `***`, but in the answer to the very request that sent it."),
        ],
        "AdminTask-Payload": NotRequired[DecisionEcho],
        "AdminTask_Output": NotRequired[
            Annotated[
                Literal["approved", "rejected", "withdrawn", "expired"],
                Field(description="Absent while nobody has decided, and where nobody had to."),
            ]
        ],
        "ValidateCheckerAccess_Output": NotRequired[bool],
        "AdminTask_Actor": NotRequired[Actor],
        "ValidateMakerAccess_Output": bool,
        "ValidatePayload_Output": bool,
        "IntouchAPITask_Warning": NotRequired[
            Annotated[str, Field(description="Intouch was called and gave no clear answer; it is being reconciled.")]
        ],
        "IntouchAPITask_Output": NotRequired[IntouchAnswer],
        "IntouchAPITask_Error": NotRequired[Annotated[str, Field(description="Why it failed.")]],
    },
)


class RequestObject(TypedDict):
    """A request, as far as it has got."""

    requestId: Annotated[str, Field(json_schema_extra={"format": "uuid"})]
    userId: Annotated[int, Field(description="The maker, for ever.")]
    userName: str
    requestType: Annotated[
        str, Field(json_schema_extra=lambda schema: schema.update(enum=[t.lower_slug for t in registry.all_types()]))
    ]
    state: Annotated[
        str,
        Field(
            description="`AdminTask`: waits for a checker. `IntouchAPITask`: being carried out. `approved`: credited.",
            json_schema_extra=lambda schema: schema.update(enum=STATES),
        ),
    ]
    startTime: Annotated[str, Field(description="In the organisation's time zone.", pattern=NAIVE_TIME)]
    endTime: Annotated[str, Field(pattern=NAIVE_TIME)] | None
    details: Details
    startTimeUtc: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    endTimeUtc: Annotated[str, Field(json_schema_extra={"format": "date-time"})] | None


class Warned(TypedDict):
    """What a reader must not overlook."""

    message: str


class RequestAnswer(BaseModel):
    """One request."""

    data: RequestObject
    warnings: list[Warned] = Field(default_factory=list, description="Only where there is one.")


class NumberedPage(TypedDict):
    """Where this page stands."""

    totalElements: Annotated[int, Field(description="Across all pages.")]
    totalPages: int
    numberOfElements: int
    number: Annotated[int, Field(description="Zero-based.")]


@extend_schema_serializer(many=False)
class RequestPage(BaseModel):
    """A page of requests."""

    data: list[RequestObject]
    pagination: NumberedPage

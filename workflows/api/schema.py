"""The OpenAPI side of E1 to E4, for every request type that is registered."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from accounts.api.schema import UNKNOWN_CALLER, caller
from wire.openapi import LIMIT, WRONG_BODY, Refusal, answer_header, counted, header, parameters_of, refusals
from workflows import registry
from workflows.api import examples
from workflows.api.answers import STATES, RequestAnswer, RequestPage, SubmissionBody
from workflows.api.bodies import DecisionBody
from workflows.api.filters import RequestFilter
from workflows.api.previews import ANSWER as PREVIEW
from workflows.errors import (
    AlreadyDecided,
    ContentChanged,
    OwnRequest,
    ReferenceReused,
    RequestNotFound,
    TypeNotSupported,
    WorkflowDisabled,
    WrongAction,
)
from workflows.submission import TASK_PAYLOAD

_TAGS: Final = ["Requests"]
_TYPES: Final = registry.of_clients()
_SLUGS: Final = [item.slug for item in _TYPES]
_ALL_SLUGS: Final = [item.slug for item in registry.all_types()]
_FIRST: Final = _TYPES[0]

_REQUEST_TYPE = OpenApiParameter(
    "request_type", {"type": "string", "enum": _SLUGS}, OpenApiParameter.PATH,
    description="The request type, upper case with hyphens.",
)  # fmt: skip
_ANY_TYPE = OpenApiParameter(
    "request_type", {"type": "string", "enum": _ALL_SLUGS}, OpenApiParameter.PATH,
    description="The request's type; `SETTINGS-CHANGE` is decided here too, but made by our own pages alone.",
)  # fmt: skip
_ETAG = answer_header("ETag", "Digest of the content; send it back as `If-Match` with a decision.", 200)
_NO_SUCH_TYPE = Refusal(400, TypeNotSupported.code, f"This request type is not supported. Supported: {_SLUGS[0]}.")


def _wrong(code: int, field: str, problem: str) -> Refusal:
    """One wrong field of a payload."""
    path = f"payload.{field}"
    return Refusal(400, code, f"{path} {problem}.", path)


def _answer(description: str, *shown: tuple[str, dict[str, Any]], model: Any = RequestAnswer) -> OpenApiResponse:
    return OpenApiResponse(
        model, description=description, examples=[OpenApiExample(name, value=value) for name, value in shown]
    )


_OF_A_SUBMISSION: Final = (
    *UNKNOWN_CALLER,
    *WRONG_BODY,
    _NO_SUCH_TYPE,
    _wrong(1101, f"{TASK_PAYLOAD}.body.programId", "is not a program of this organisation"),
    _wrong(2008, f"{TASK_PAYLOAD}.body.reason", "is missing"),
    _wrong(2014, f"{TASK_PAYLOAD}.body.earningEntityId", "must be a whole JSON number"),
    _wrong(2015, f"{TASK_PAYLOAD}.body.points", "must be greater than 0 and at most 10000"),
    _wrong(2022, f"{TASK_PAYLOAD}.hostname", "is not a target that this organisation may call"),
    _wrong(2023, f"{TASK_PAYLOAD}.headers.content-type", "must be application/json"),
    Refusal(403, 2001, "This till, store, zone or concept is outside your scope.", "entityInfo"),
    Refusal.of(WorkflowDisabled),
)

submit = extend_schema(
    operation_id="submit_request", tags=_TAGS,
    summary="Submit a request (maker)",
    description=(
        "Stores the request and opens a task for a checker. Nothing is called yet. The `referenceId` of the body is the"
        " idempotency key: the same content again answers with the first request and `Idempotent-Replay: true`, other"
        " content under the same reference is refused. Every wrong field is reported at once, unknown fields too."
        " `hostname` must be one of the organisation's targets; it decides nothing about the address that is called."
    ),
    parameters=[
        _REQUEST_TYPE,
        *caller(organisation_required=True),
        header(
            "Idempotency-Key", "Optional second key, per caller: the same key with other content is refused.",
            minLength=1, maxLength=255,
        ),
        OpenApiParameter(
            "is_one_step_change", {"type": "boolean", "default": False},
            description="Issue at once, without a checker. Needs an explicit grant.",
        ),
        _ETAG,
        answer_header("Idempotent-Replay", "`true` where the request existed already.", 200),
    ],
    request=SubmissionBody,
    responses={
        200: _answer("The request.", *((item.slug, examples.waiting(item)) for item in _TYPES)),
        **refusals(
            *_OF_A_SUBMISSION, Refusal.of(ReferenceReused, f"payload.{TASK_PAYLOAD}.body.referenceId"),
        ),
    },
    examples=[
        OpenApiExample(item.slug, summary=str(item.label), value=examples.submission(item), request_only=True)
        for item in _TYPES
    ],
)  # fmt: skip

preview = extend_schema(
    operation_id="preview_request", tags=_TAGS,
    summary="Preview a request (maker)",
    description=(
        "The body of a submission, validated and judged like one: which rule, which levels, how full which limits, what"
        " looks alike, and what would be refused. Nothing is stored or counted. It says what holds at this moment; a"
        " submission that comes later may meet other limits or another version of the policy."
    ),
    parameters=[
        _REQUEST_TYPE,
        *caller(organisation_required=True),
        OpenApiParameter(
            "is_one_step_change", {"type": "boolean", "default": False},
            description="As if issued at once, without a checker. Needs an explicit grant.",
        ),
    ],
    request=SubmissionBody,
    responses={200: PREVIEW, **refusals(*_OF_A_SUBMISSION)},
    examples=[
        OpenApiExample(item.slug, summary=str(item.label), value=examples.submission(item), request_only=True)
        for item in _TYPES
    ],
)  # fmt: skip

decide = extend_schema(
    operation_id="decide_request", tags=_TAGS,
    summary="Approve or reject a request (checker)",
    description=(
        "Exactly one decision is ever recorded; the maker's own is refused, whatever rights they hold. An approval is"
        " carried out by a worker; this call waits a moment for the outcome and then answers with the state that holds."
        " `approved` is only ever shown once the effect is confirmed."
    ),
    parameters=[
        _ANY_TYPE,
        *caller(organisation_required=True),
        header("If-Match", "The `ETag` of what the checker looked at; another content means 412 and no decision."),
        header("Prefer", "`wait=n` waits up to n seconds for the outcome, at most 10; `respond-async` not at all."),
        _ETAG,
    ],
    request=DecisionBody,
    responses={
        200: _answer(
            "The decision is recorded; `state` tells how far the request has got.",
            ("credited", examples.credited(_FIRST)),
            ("executing", examples.executing(_FIRST)),
            ("unknown", examples.unknown(_FIRST)),
            ("rejected", examples.rejected(_FIRST)),
        ),
        **refusals(
            *UNKNOWN_CALLER,
            *WRONG_BODY,
            _NO_SUCH_TYPE,
            Refusal.of(WrongAction, "actionName"),
            _wrong(2008, "AdminTask-Payload.actionMessage", "is missing"),
            Refusal.of(OwnRequest),
            Refusal.of(RequestNotFound, "requestId"),
            Refusal.of(AlreadyDecided),
            Refusal.of(ContentChanged, "If-Match"),
        ),
    },
    examples=[
        OpenApiExample("approve", value=examples.decision("approved"), request_only=True),
        OpenApiExample("reject", value=examples.decision("rejected"), request_only=True),
    ],
)  # fmt: skip

retrieve = extend_schema(
    operation_id="get_request", tags=_TAGS,
    summary="Read one request",
    description="Any member of the organisation. A request of another organisation looks like one that does not exist.",
    parameters=[
        OpenApiParameter(
            "request_id", {"type": "string", "format": "uuid"}, OpenApiParameter.PATH,
            description="The `requestId` that the submission returned.",
        ),
        *caller(organisation_required=False),
        _ETAG,
    ],
    responses={
        200: _answer(
            "The request, as far as it has got.",
            ("credited", examples.credited(_FIRST)),
            ("unknown", examples.unknown(_FIRST)),
        ),
        **refusals(*UNKNOWN_CALLER, Refusal.of(RequestNotFound, "requestId")),
    },
)  # fmt: skip

_ID = {"type": "string", "maxLength": 64}
_SPECIAL: Final[dict[str, dict[str, Any]]] = {
    **dict.fromkeys(("conceptId", "zoneId", "storeId", "tillId"), _ID),
    "requestType": {"type": "string", "enum": _ALL_SLUGS},
    "states": {"type": "array", "items": {"type": "string", "enum": STATES}},
    "sortBy": {"type": "string", "enum": ["startDate", "endDate"], "default": "startDate"},
    "sortOrder": {"type": "string", "enum": ["asc", "desc"], "default": "desc"},
}

listing = extend_schema(
    operation_id="list_requests", tags=_TAGS,
    summary="List the organisation's requests",
    description=(
        "Newest first unless sorted otherwise, ties by request id. An empty value counts as absent; an unknown or"
        " repeated parameter is refused."
    ),
    parameters=[
        *caller(organisation_required=False),
        *parameters_of(RequestFilter, _SPECIAL),
        LIMIT,
        counted("PageNo", "The page, counted from zero; `pageNo` is read too."),
    ],
    responses={
        200: _answer("A page of requests.", ("page", examples.page(_FIRST)), model=RequestPage),
        **refusals(
            *UNKNOWN_CALLER,
            Refusal(400, 2008, "colour is not a parameter of this list.", "colour"),
            Refusal(400, TypeNotSupported.code, "requestType is not a supported request type.", "requestType"),
            Refusal(400, 2011, "sortBy must be startDate or endDate.", "sortBy"),
            Refusal(400, 2012, "sortOrder must be asc or desc.", "sortOrder"),
        ),
    },
)  # fmt: skip

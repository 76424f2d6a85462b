"""Reading a submission: one schema for API, admin form and file, and every wrong field reported at once."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
)
from pydantic_core import PydanticCustomError

from accounts.models import Organisation
from wire import strict_json
from wire.bodies import problems_of
from wire.redaction import MASK
from workflows import registry
from workflows.errors import InvalidPayload, WorkflowDisabled
from workflows.models import IntouchTarget, WorkflowPolicy
from workflows.registry import RequestType, Subject
from workflows.secrets import Secret
from workflows.targets import Origin, enabled_targets, parse_origin

TASK_PAYLOAD = "IntouchAPITask-Payload"
BODY_PATH = f"payload.{TASK_PAYLOAD}.body."
_AUTHORIZATION = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*")
_MAX_AUTHORIZATION = 4096


@dataclass(frozen=True, slots=True)
class Context:
    """What the validators of one submission may ask. Read once, before validation."""

    organisation: Organisation
    request_type: RequestType
    policy: WorkflowPolicy
    targets: dict[Origin, IntouchTarget]
    facts: Any


def context_of(info: ValidationInfo) -> Context:
    """The context that `read_submission` validates with."""
    context: Context | None = info.context
    if context is None:
        raise RuntimeError("submissions are validated by read_submission, which gives the context")
    return context


def refuse(code: int, message: str) -> PydanticCustomError:
    """A validator's refusal under a code of the contract; `message` goes on after the field's name."""
    return PydanticCustomError(f"code_{code}", "{text}", {"text": message})


def _text_id(value: Any) -> Any:
    return str(value) if type(value) is int and value >= 0 else value


EntityId = Annotated[str, BeforeValidator(_text_id), Field(min_length=1, max_length=64)]


class StrictModel(BaseModel):
    """No coercion, no unknown keys, and no sent value in any error."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, populate_by_name=False)


class EntityInfo(StrictModel):
    """Where the request comes from; numbers are taken and kept as text."""

    till_id: EntityId = Field(alias="tillId", examples=["50682289"])
    store_id: EntityId = Field(alias="storeId", examples=["50682288"])
    zone_id: EntityId = Field(alias="zoneId", examples=["50682286"])
    concept_id: EntityId = Field(alias="conceptId", examples=["50678331"])


class NoParameters(StrictModel):
    """An object without keys: this request type takes no parameters here."""


class TaskPayload(StrictModel):
    """`payload.IntouchAPITask-Payload`, but for the body, which the request type adds."""

    hostname: str = Field(max_length=300, examples=["http://internal-intouch-api.default:1900"])
    path: str = Field(max_length=300)
    method: str = Field(max_length=10)
    path_params: NoParameters = Field(alias="pathParams", default_factory=NoParameters)
    query_params: NoParameters = Field(alias="queryParams", default_factory=NoParameters)
    headers: dict[str, str | int] = Field(default_factory=dict, validate_default=True)

    @field_validator("hostname")
    @classmethod
    def _one_of_the_targets(cls, value: str, info: ValidationInfo) -> str:
        context = context_of(info)
        origin = parse_origin(value)
        if origin is None:
            raise refuse(2022, "must be http(s)://host[:port]")
        if origin not in context.targets:
            raise refuse(2022, "is not a target that this organisation may call")
        return value

    @field_validator("path")
    @classmethod
    def _path_of_the_type(cls, value: str, info: ValidationInfo) -> str:
        context = context_of(info)
        expected = context.request_type.path
        if value not in (expected, expected.rstrip("/")):
            raise refuse(2022, f"must be {expected}")
        return value

    @field_validator("method")
    @classmethod
    def _method_of_the_type(cls, value: str, info: ValidationInfo) -> str:
        context = context_of(info)
        if value != context.request_type.method:
            raise refuse(2022, f"must be {context.request_type.method}")
        return value

    @field_validator("headers")
    @classmethod
    def _known_headers(cls, value: dict[str, str | int], info: ValidationInfo) -> dict[str, str | int]:
        context = context_of(info)
        # The target is known only if the hostname was good; without it, a missing credential may be the target's.
        origin = parse_origin(info.data.get("hostname", ""))
        own_credential = origin is None or context.targets[origin].credential is not None
        _check_headers(value, context.organisation.pk, credential_required=not own_credential)
        return value


def _check_headers(headers: dict[str, str | int], organisation_id: int, *, credential_required: bool) -> None:
    by_name = {name.lower(): value for name, value in headers.items()}
    if len(by_name) != len(headers):
        raise refuse(2023, "names one header twice")
    unknown = set(by_name) - {"authorization", "content-type", "x-cap-api-auth-org-id"}
    if unknown:
        raise refuse(2023, "may hold Authorization, content-type and X-CAP-API-AUTH-ORG-ID only")
    authorization = by_name.get("authorization")
    if authorization is None and credential_required:
        raise refuse(2023, "needs Authorization: the organisation keeps no Intouch credential of its own")
    if authorization is not None and not _is_credential(authorization):
        raise refuse(2023, "has an Authorization that is not one line of printable ASCII text")
    if str(by_name.get("content-type", "application/json")).lower() != "application/json":
        raise refuse(2023, "must have the content-type application/json")
    if str(by_name.get("x-cap-api-auth-org-id", organisation_id)) != str(organisation_id):
        raise refuse(2023, "names another organisation than the request's own X-CAP-API-AUTH-ORG-ID")


def _is_credential(value: str | int) -> bool:
    # The mask is refused: whoever sends back what a response showed would have us call Intouch with three stars.
    return (
        isinstance(value, str)
        and len(value) <= _MAX_AUTHORIZATION
        and value != MASK
        and _AUTHORIZATION.fullmatch(value) is not None
    )


@cache
def envelope_of(slug: str) -> type[BaseModel]:
    """The compiled schema of a submission of this type: the envelope of the contract around the type's body."""
    request_type = registry.get(slug)
    name = "".join(part.title() for part in slug.split("-"))
    task = create_model(f"{name}TaskPayload", __base__=TaskPayload, body=(request_type.body_model, Field(alias="body")))
    payload = create_model(f"{name}Payload", __base__=StrictModel, task=(task, Field(alias=TASK_PAYLOAD)))
    return create_model(
        f"{name}Submission", __base__=StrictModel,
        entity=(EntityInfo, Field(alias="entityInfo")), payload=(payload, Field(alias="payload")),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Submission:
    """A valid submission: `content` is the payload as sent with the credential masked, `secret` the credential."""

    request_type: RequestType
    policy: WorkflowPolicy
    entity: EntityInfo
    target: IntouchTarget
    body: BaseModel
    subject: Subject
    content: dict[str, Any]
    secret: Secret | None
    digest: str


def policy_of(organisation: Organisation, slug: str) -> WorkflowPolicy:
    """The organisation's policy for the type.

    Raises:
        WorkflowDisabled: there is none, or it is switched off.
    """
    policy = WorkflowPolicy.objects.filter(organisation=organisation, request_type=slug, is_enabled=True).first()
    if policy is None:
        raise WorkflowDisabled
    return policy


def read_submission(body: Any, *, organisation: Organisation, slug: str) -> Submission:
    """Validate a submission against the type, the policy and the targets of the organisation.

    Args:
        body: what `strict_json.parse` returned.

    Raises:
        TypeNotSupported, WorkflowDisabled: before the body is looked at.
        InvalidPayload: with one problem per wrong field.
    """
    request_type = registry.get(slug)
    policy = policy_of(organisation, slug)
    context = Context(
        organisation, request_type, policy, enabled_targets(organisation), request_type.facts(organisation, policy)
    )
    try:
        valid: Any = envelope_of(slug).model_validate(body, context=context)
    except ValidationError as error:
        raise InvalidPayload(problems=problems_of(error, _code_of(request_type))) from None
    task = valid.payload.task
    content, secret = _without_secret(body["payload"][TASK_PAYLOAD])
    origin = parse_origin(task.hostname)
    return Submission(
        request_type=request_type, policy=policy, entity=valid.entity,
        target=context.targets[origin],  # type: ignore[index]  # the validator found it there
        body=task.body, subject=request_type.subject(task.body), content=content, secret=secret,
        digest=content_digest(valid.entity, content),
    )  # fmt: skip


def _code_of(request_type: RequestType) -> Any:
    def code_of(path: str) -> int:
        if path.startswith(BODY_PATH):
            return request_type.error_codes.get(path.removeprefix(BODY_PATH), InvalidPayload.code)
        return 2023 if path.startswith(f"payload.{TASK_PAYLOAD}.headers") else InvalidPayload.code

    return code_of


def _without_secret(task: dict[str, Any]) -> tuple[dict[str, Any], Secret | None]:
    """The payload with the credential masked in its place, and the credential."""
    secret: Secret | None = None
    headers = {}
    for name, value in task.get("headers", {}).items():
        if name.lower() == "authorization":
            secret = Secret(value)
            value = MASK
        headers[name] = value
    return ({**task, "headers": headers} if "headers" in task else dict(task)), secret


def content_digest(entity: EntityInfo | Any, content: dict[str, Any]) -> str:
    """SHA-256, hexadecimal, of the canonical content: the payload without its credential, and the entity.

    The same for a submission and for the stored request, so that what is sent can be compared with what was decided.
    """
    where = {"till": entity.till_id, "store": entity.store_id, "zone": entity.zone_id, "concept": entity.concept_id}
    headers = {name: value for name, value in content.get("headers", {}).items() if value != MASK}
    return hashlib.sha256(
        strict_json.canonical({"entity": where, "payload": {**content, "headers": headers}})
    ).hexdigest()

"""Reading a submission: one schema for API, admin form and file, and every wrong field reported at once."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from django.utils.translation import gettext as _
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    create_model,
    field_validator,
)
from pydantic_core import PydanticCustomError

from accounts.models import Organisation
from wire import strict_json
from wire.bodies import problems_of
from wire.kept_queries import Given, KeptQuery
from wire.messages import send
from wire.redaction import MASK
from wire.secrets import Secret
from workflows import registry
from workflows.errors import InvalidPayload, WorkflowDisabled
from workflows.models import IntouchTarget, WorkflowPolicy
from workflows.models.policy import terms_of
from workflows.registry import RequestType, Subject
from workflows.targets import Origin, enabled_asked, parse_origin
from workflows.terms.document import Terms

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

TASK_PAYLOAD = "IntouchAPITask-Payload"
BODY_PATH = f"payload.{TASK_PAYLOAD}.body."
_AUTHORIZATION = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*")
_MAX_AUTHORIZATION = 4096


@dataclass(frozen=True, slots=True)
class Context:
    """What the validators of one submission may ask. Read once, before validation."""

    organisation: Organisation
    request_type: RequestType
    terms: Terms
    targets: dict[Origin, IntouchTarget]
    facts: Any


def context_of(info: ValidationInfo) -> Context:
    """The context that `read_submission` validates with."""
    context: Context | None = info.context
    if context is None:
        raise RuntimeError("submissions are validated by read_submission, which gives the context")
    return context


def refuse(code: int, message: StrOrPromise) -> PydanticCustomError:
    """A validator's refusal under a code of the contract; `message` goes on after the field's name."""
    return PydanticCustomError(f"code_{code}", "{text}", {"text": str(message)})


def refuse_each(code: int, problems: dict[str, str]) -> PydanticCustomError:
    """A validator's refusal of several keys of one object: the sentence of each."""
    return PydanticCustomError(f"code_{code}", "{text}", {"text": "is invalid", "each": problems})


def _text_id(value: Any) -> Any:
    return str(value) if type(value) is int and value >= 0 else value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise refuse(2008, _("must not be blank"))
    return value


EntityId = Annotated[
    str, Field(min_length=1, max_length=64), BeforeValidator(_text_id), AfterValidator(_not_blank),
    WithJsonSchema({"type": ["string", "integer"], "minLength": 1, "maxLength": 64, "minimum": 0}),
]  # fmt: skip


class StrictModel(BaseModel):
    """No coercion, no unknown keys, and no sent value in any error."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, populate_by_name=False)


class EntityInfo(StrictModel):
    """Where the request comes from; numbers are taken and kept as text."""

    till_id: EntityId = Field(alias="tillId", examples=["50682289"])
    store_id: EntityId = Field(alias="storeId", examples=["50682288"])
    zone_id: EntityId = Field(alias="zoneId", examples=["50682286"])
    concept_id: EntityId = Field(alias="conceptId", examples=["50678331"])


Headers = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "description": "Names in any case. Authorization may be missing where the target keeps a credential.",
            "properties": {
                "Authorization": {
                    "type": "string",
                    "maxLength": _MAX_AUTHORIZATION,
                    "examples": ["Basic ZmFrZTpmYWtl"],
                },
                "content-type": {"type": "string", "examples": ["application/json"]},
                "X-CAP-API-AUTH-ORG-ID": {"type": ["string", "integer"], "examples": ["51250"]},
            },
        }
    ),
]


class NoParameters(StrictModel):
    """An object without keys: this request type takes no parameters here."""


class TaskPayload(StrictModel):
    """`payload.IntouchAPITask-Payload`, but for the body, which the request type adds."""

    hostname: str = Field(
        description="One of the organisation's targets, `http(s)://host[:port]`; a bare host means https.",
        examples=["http://internal-intouch-api.default:1900"],
    )
    path: str = Field(description="The request type's own; a trailing slash may be missing.")
    method: str = Field(description="The request type's own.")
    path_params: NoParameters = Field(alias="pathParams", default_factory=NoParameters)
    query_params: NoParameters = Field(alias="queryParams", default_factory=NoParameters)
    headers: Headers = Field(default_factory=dict, validate_default=True)

    @field_validator("hostname")
    @classmethod
    def _one_of_the_targets(cls, value: str, info: ValidationInfo) -> str:
        context = context_of(info)
        origin = parse_origin(value)
        if origin is None:
            raise refuse(2022, _("must be http(s)://host[:port]"))
        if origin not in context.targets:
            raise refuse(2022, _("is not a target that this organisation may call"))
        return value

    @field_validator("path")
    @classmethod
    def _path_of_the_type(cls, value: str, info: ValidationInfo) -> str:
        context = context_of(info)
        expected = context.request_type.path
        if value not in (expected, expected.rstrip("/")):
            raise refuse(2022, _("must be %(expected)s") % {"expected": expected})
        return value

    @field_validator("method")
    @classmethod
    def _method_of_the_type(cls, value: str, info: ValidationInfo) -> str:
        context = context_of(info)
        if value != context.request_type.method:
            raise refuse(2022, _("must be %(expected)s") % {"expected": context.request_type.method})
        return value

    @field_validator("headers")
    @classmethod
    def _known_headers(cls, value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        context = context_of(info)
        # The target is known only if the hostname was good; without it, a missing credential may be the target's.
        origin = parse_origin(info.data.get("hostname", ""))
        own_credential = origin is None or context.targets[origin].credential is not None
        problems = _problems_of_headers(value, context.organisation.pk)
        if not own_credential and "authorization" not in {name.lower() for name in value}:
            problems["Authorization"] = _("is missing: the organisation keeps no Intouch credential of its own")
        if problems:
            raise refuse_each(2023, problems)
        return value


def _problems_of_headers(headers: dict[str, Any], organisation_id: int) -> dict[str, str]:
    """What is wrong with each of the headers that were sent."""
    problems: dict[str, str] = {}
    seen: set[str] = set()
    for name, value in headers.items():
        known = name.lower()
        problem = _("names a header twice") if known in seen else _problem_of_header(known, value, organisation_id)
        seen.add(known)
        if problem is not None:
            problems[name] = problem
    return problems


def _problem_of_header(name: str, value: Any, organisation_id: int) -> str | None:
    match name:
        case "authorization":
            return None if is_credential(value) else _("must be one line of printable ASCII text, and no mask")
        case "content-type":
            good = isinstance(value, str) and value.lower() == "application/json"
            return None if good else _("must be application/json")
        case "x-cap-api-auth-org-id":
            good = type(value) in (str, int) and str(value) == str(organisation_id)
            return None if good else _("must be the organisation of the request's own X-CAP-API-AUTH-ORG-ID")
    return _("cannot be used: only Authorization, content-type and X-CAP-API-AUTH-ORG-ID can")


def is_credential(value: Any) -> bool:
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
    """A valid submission.

    Attributes:
        version_id, terms: the version of the policy that it was read by.
        facts: what the type read to judge the body.
        content: the payload as sent, with the credential masked.
        secret: that credential.
    """

    request_type: RequestType
    version_id: int
    terms: Terms
    entity: EntityInfo
    target: IntouchTarget | None
    body: BaseModel
    subject: Subject
    facts: Any
    content: dict[str, Any]
    secret: Secret | None
    digest: str


_POLICY = KeptQuery(
    lambda: WorkflowPolicy.objects.filter(organisation=Given("organisation"), request_type=Given("slug"))
)


def version_in_force(organisation: Organisation, slug: str) -> int:
    """The id of the policy's version that judges now.

    Raises:
        WorkflowDisabled: there is none, or it is switched off.
    """
    return _enabled_version(_POLICY.first(organisation=organisation.pk, slug=slug))


def _enabled_version(policy: WorkflowPolicy | None) -> int:
    version_id = None if policy is None else policy.active_id
    if version_id is None or not terms_of(version_id).is_enabled:
        raise WorkflowDisabled
    return version_id


def terms_in_force(organisation: Organisation, slug: str) -> Terms:
    """What the organisation's policy for the type says now.

    Raises:
        WorkflowDisabled: there is none, or it is switched off.
    """
    return terms_of(version_in_force(organisation, slug))


def read_submission(body: Any, *, organisation: Organisation, slug: str) -> Submission:
    """Validate a submission against the type, the policy and the targets of the organisation.

    Args:
        body: what `strict_json.parse` returned.

    Raises:
        TypeNotSupported, WorkflowDisabled: before the body is looked at.
        InvalidPayload: with one problem per wrong field.
    """
    request_type = registry.get_of_clients(slug)
    policy, targets, facts = send(
        _POLICY.asked_first(organisation=organisation.pk, slug=slug),
        enabled_asked(organisation),
        request_type.facts(organisation, _sent_body(body)),
    )
    version_id = _enabled_version(policy)
    terms = terms_of(version_id)
    context = Context(organisation, request_type, terms, targets, facts)
    try:
        valid: Any = envelope_of(slug).model_validate(body, context=context)
    except ValidationError as error:
        raise InvalidPayload(problems=problems_of(error, _code_of(request_type))) from None
    task = valid.payload.task
    content, secret = _without_secret(body["payload"][TASK_PAYLOAD])
    origin = parse_origin(task.hostname)
    return Submission(
        request_type=request_type, version_id=version_id, terms=terms, entity=valid.entity,
        target=context.targets[origin],  # type: ignore[index]  # the validator found it there
        body=task.body, subject=request_type.subject(task.body, facts), facts=facts,
        content=content, secret=secret,
        digest=content_digest(valid.entity, content),
    )  # fmt: skip


def _sent_body(body: Any) -> Any:
    """What was sent for the type's body, whatever it is; None where the envelope has no place for one."""
    for name in ("payload", TASK_PAYLOAD, "body"):
        body = body.get(name) if isinstance(body, dict) else None
    return body


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent, whatever policy, programs and targets say of it now: enough to find the same sent before."""

    entity: EntityInfo
    reference_id: str
    digest: str
    secret: Secret | None


def as_sent(body: Any, organisation: Organisation) -> Sent | None:
    """None where the envelope has not the form that every accepted one had, or the body no `referenceId`."""
    if not (isinstance(body, dict) and set(body) == {"entityInfo", "payload"}):
        return None
    payload = body["payload"]
    task = payload.get(TASK_PAYLOAD) if isinstance(payload, dict) and len(payload) == 1 else None
    if not isinstance(task, dict):
        return None
    inner, headers = task.get("body"), task.get("headers", {})
    if not (isinstance(inner, dict) and isinstance(headers, dict)) or _problems_of_headers(headers, organisation.pk):
        return None
    try:
        entity = EntityInfo.model_validate(body["entityInfo"])
    except ValidationError:
        return None
    reference_id = inner.get("referenceId")
    if not isinstance(reference_id, str):
        return None
    content, secret = _without_secret(task)
    return Sent(entity, reference_id, content_digest(entity, content), secret)


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

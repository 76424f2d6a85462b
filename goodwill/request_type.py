"""GOODWILL-POINTS: what the engine has to know of it. The wire's names are the incumbent's (contract section 3)."""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import Annotated, Any, Literal

from django.utils.translation import gettext_lazy as _
from pydantic import Field, ValidationInfo, WithJsonSchema, field_validator

from accounts.models import Organisation
from goodwill.checker_facts import earlier_credits, facts_for_checker, find_by_number
from goodwill.models import GoodwillRequest, GoodwillStatus, Program
from goodwill.selectors import program_names
from wire.kept_queries import Given, KeptQuery
from wire.messages import Statement
from workflows.models import WorkflowRequest
from workflows.registry import LookUp, RequestType, Subject
from workflows.states import State
from workflows.submission import StrictModel, context_of, refuse

LARGEST_ID = 2**63 - 1
# What the column holds: 14 digits before the point and 6 behind it.
LARGEST_POINTS = Decimal("99999999999999.999999")

Id = Annotated[int, Field(gt=0, le=LARGEST_ID)]
Points = Annotated[
    Any, WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "description": "At most the cap of the policy."})
]


_PROGRAM = KeptQuery(lambda: Program.objects.filter(organisation=Given("organisation"), program_id=Given("program")))


def read_program(organisation: Organisation, sent: Any) -> Statement[Program | None]:
    """The organisation's program that a body names, whatever was sent for a body."""
    named = sent.get("programId") if isinstance(sent, dict) else None
    is_id = type(named) is int and 0 < named <= LARGEST_ID
    return _PROGRAM.asked_first(organisation=organisation.pk, program=named if is_id else 0)


class GoodwillBody(StrictModel):
    """`payload.IntouchAPITask-Payload.body` of a goodwill request."""

    reference_id: str = Field(
        alias="referenceId", min_length=1, max_length=255, examples=["ref_id_1299314173"],
        description="Unique per organisation and type; the idempotency key here and towards Intouch.",
    )  # fmt: skip
    reason: str = Field(min_length=1, max_length=1000, examples=["reason"])
    base_type: Literal["POINTS"] = Field(alias="baseType")
    program_id: Id = Field(alias="programId", examples=[2739])
    awarding_till_id: Id = Field(alias="awardingTillId", examples=[50682616])
    earning_entity_type: Literal["CUSTOMER"] = Field(alias="earningEntityType")
    earning_entity_id: Id = Field(alias="earningEntityId", examples=[382332518], description="The customer.")
    points: Points = Field(examples=[20])
    source: str = Field(min_length=1, max_length=64, examples=["API"])
    comments: str | None = Field(default=None, max_length=1000)

    @field_validator("comments", mode="before")
    @classmethod
    def _comments_not_null(cls, value: Any) -> Any:
        if value is None:
            raise refuse(2008, _("must be a JSON text, or left out"))
        return value

    @field_validator("reference_id", "reason", "source")
    @classmethod
    def _not_blank(cls, value: str) -> str:
        if not value.strip():
            raise refuse(2008, _("must not be blank"))
        return value

    @field_validator("reason")
    @classmethod
    def _in_catalogue(cls, value: str, info: ValidationInfo) -> str:
        reasons = context_of(info).terms.reasons
        if reasons and value not in reasons:
            known = {"reasons": "; ".join(reasons)[:500]}
            raise refuse(2008, _("must be one of the reasons of the organisation: %(reasons)s") % known)
        return value

    @field_validator("program_id")
    @classmethod
    def _known_program(cls, value: int, info: ValidationInfo) -> int:
        if context_of(info).facts is None:
            raise refuse(1101, _("is not a program of this organisation"))
        return value

    @field_validator("points", mode="before")
    @classmethod
    def _points(cls, value: Any, info: ValidationInfo) -> Decimal:
        if type(value) not in (int, Decimal):
            raise refuse(2015, _("must be a JSON number"))
        points, context = Decimal(value), context_of(info)
        most = min(context.terms.cap or LARGEST_POINTS, LARGEST_POINTS)
        if not 0 < points <= most:
            raise refuse(2015, _("must be greater than 0 and at most %(most)s") % {"most": f"{most.normalize():f}"})
        program: Program | None = context.facts
        if program is not None:
            _check_decimals(points, program.points_decimals)
        return points


def _check_decimals(points: Decimal, allowed: int) -> None:
    exponent = points.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > allowed:
        text = _("may have %(decimals)s decimals in this program") if allowed else _("must be a whole number")
        raise refuse(2015, text % {"decimals": allowed})


_MILLIONTH = Decimal("0.000001")
# The largest amount times the largest ratio has more digits than the default precision.
_EXACT = Context(prec=40)


def _subject(body: GoodwillBody, program: Program) -> Subject:
    return Subject(
        reference_id=body.reference_id, customer_id=body.earning_entity_id, amount=body.points, reason=body.reason,
        program_id=program.program_id, program_name=program.name,
        money=_EXACT.multiply(body.points, program.points_to_currency_ratio).quantize(_MILLIONTH, context=_EXACT),
    )  # fmt: skip


def _confirms(body: Any) -> bool:
    """Goodwill succeeds with `{"createdId": 38, "warnings": []}`."""
    return isinstance(body, dict) and type(body.get("createdId")) is int


def _credited_by_look_up(body: Any) -> bool | None:
    """`{"referenceId": …, "credited": true, "createdId": 38}`."""
    credited = body.get("credited") if isinstance(body, dict) else None
    return credited if isinstance(credited, bool) else None


def _history_row(request: WorkflowRequest, body: GoodwillBody, program: Program) -> GoodwillRequest:
    """The row that the history shows."""
    return GoodwillRequest(
        organisation_id=request.organisation_id, program=program, workflow_request=request,
        customer_id=body.earning_entity_id, points=body.points, status=GoodwillStatus.PENDING, reason=body.reason,
        comments=body.comments or "", updated_comments=_comments(request, body.comments or ""),
        one_step=request.one_step, auto_approved=request.auto_approved, earning_entity_type=body.earning_entity_type,
        added_by_id=request.maker_id, updated_by_id=request.maker_id,
        added_on=request.created_at, updated_on=request.updated_at,
    )  # fmt: skip


def _comments(request: WorkflowRequest, comments: str) -> str:
    """`updatedComments` before any decision; `_FOLLOW` joins them as well, with the checker's message in between."""
    return "; ".join(filter(None, [comments, "AUTO_APPROVED"])) if request.auto_approved else ""


_STATUS = {
    State.WAITING: GoodwillStatus.PENDING,
    State.EXECUTING: GoodwillStatus.PENDING,
    State.UNKNOWN: GoodwillStatus.PENDING,
    State.CREDITED: GoodwillStatus.APPROVED,
    State.FAILED: GoodwillStatus.FAILURE,
    State.REJECTED: GoodwillStatus.REJECTED,
    State.WITHDRAWN: GoodwillStatus.REJECTED,
    State.EXPIRED: GoodwillStatus.REJECTED,
}


# The last decision names the checker; the maker where they withdrew, or nobody decided in time. What needed no decision
# keeps what it began with. It fails by itself where there is no such row: the commit may come with the same message.
_FOLLOW = """
WITH followed AS (
UPDATE goodwill_goodwillrequest AS g
   SET status = %(status)s, updated_on = %(updated_on)s,
       updated_by_id = CASE WHEN t.id IS NULL THEN g.updated_by_id ELSE coalesce(t.checker_id, g.added_by_id) END,
       updated_comments = CASE
           WHEN t.id IS NULL THEN g.updated_comments
           WHEN t.message = '' AND NOT %(automatic)s THEN ''
           ELSE concat_ws('; ', nullif(g.comments, ''), nullif(t.message, ''),
                          CASE WHEN %(automatic)s THEN 'AUTO_APPROVED' END) END
  FROM (VALUES (%(request)s)) AS r(id)
  LEFT JOIN LATERAL (SELECT d.id, d.checker_id, d.message FROM workflows_admintask d
                      WHERE d.request_id = r.id AND d.decision IS NOT NULL ORDER BY d.level DESC LIMIT 1) AS t ON true
 WHERE g.workflow_request_id = r.id
RETURNING g.id
)
SELECT 1 / count(*) FROM followed
"""


def _follow(request: WorkflowRequest) -> list[Statement[None]]:
    """Bring the history's row in step with the request."""
    values = {
        "request": request.pk, "status": _STATUS[State(request.state)], "updated_on": request.updated_at,
        "automatic": request.auto_approved,
    }  # fmt: skip
    return [Statement(_FOLLOW, values)]


EXAMPLE_BODY = {
    "referenceId": "ref_id_1299314173", "reason": "reason", "baseType": "POINTS", "programId": 2739,
    "awardingTillId": 50682616, "earningEntityType": "CUSTOMER", "earningEntityId": 382332518, "points": 20,
    "source": "API",
}  # fmt: skip

# Possessive: else an answer of a megabyte of spaces would keep a worker busy for hours.
_ALREADY_KNOWN = re.compile(
    r"reference\s*+(?:(?:number|id|no\.?)\s*+)?(?:was\s++)?already\s++(?:exists|used|known)", re.I
)

GOODWILL_POINTS = RequestType(
    slug="GOODWILL-POINTS",
    label=_("Goodwill points"),
    method="POST",
    path="/internal/goodwill/",
    body_model=GoodwillBody,
    subject=_subject,
    confirms=_confirms,
    already_known=_ALREADY_KNOWN,
    facts=read_program,
    own_row=_history_row,
    on_changed=_follow,
    facts_for_checker=facts_for_checker,
    earlier_credits=earlier_credits,
    find=find_by_number,
    programs=program_names,
    look_up=LookUp(path="/internal/goodwill/lookup", parameter="referenceId", read=_credited_by_look_up),
    error_codes={"points": 2015, "earningEntityId": 2014},
    example=EXAMPLE_BODY,
)

"""What a preview looks like on the wire, and its OpenAPI description."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Final, Literal, NotRequired

from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from workflows.rules.previews import Preview
from workflows.terms.document import Backup, Level
from workflows.terms.judging import LimitState

EXAMPLE_ID: Final = "0198f0c2-6f5e-7b3a-9c41-2f1d7a6be0aa"


def present_preview(preview: Preview) -> dict[str, Any]:
    """The object under `data`."""
    return {
        "outcome": preview.outcome,
        "rule": preview.rule,
        "levels": [_level(level) for level in preview.levels],
        "limits": [_limit(state) for state in preview.limits],
        "lookAlikes": [str(found) for found in preview.look_alikes],
        "splitWith": [str(found) for found in preview.split_with],
        "existing": None if preview.existing is None else str(preview.existing),
        "errors": [problem.as_json() for problem in preview.problems],
    }


def _level(level: Level) -> dict[str, Any]:
    return {
        "people": level.people,
        "role": level.role.value,
        "users": list(level.users),
        "concepts": list(level.concepts),
        "zones": list(level.zones),
        "stores": list(level.stores),
        "tills": list(level.tills),
        "backup": None if level.backup is None else _backup(level.backup),
    }


def _backup(backup: Backup) -> dict[str, Any]:
    return {"role": backup.role.value, "users": list(backup.users)}


def _limit(state: LimitState) -> dict[str, Any]:
    limit = state.limit
    return {
        "name": limit.name,
        "per": limit.per.value,
        "measure": limit.measure,
        "window": limit.window.value,
        "used": _plain(state.used),
        "after": _plain(state.after),
        "most": _plain(limit.most),
        "hard": limit.is_hard,
    }


def _plain(amount: Decimal) -> Decimal:
    """Without the zeros that a sum in the database ends in."""
    return Decimal(f"{amount.normalize():f}")


Role = Annotated[str, Field(json_schema_extra={"enum": ["checker", "supervisor", "administrator"]})]


class PreviewBackup(TypedDict):
    """Who may fill a place as well once it has waited too long."""

    role: Role
    users: list[int]


class PreviewLevel(TypedDict):
    """So many different people must approve; empty lists restrict nothing."""

    people: int
    role: Role
    users: list[int]
    concepts: list[str]
    zones: list[str]
    stores: list[str]
    tills: list[str]
    backup: PreviewBackup | None


class PreviewLimit(TypedDict):
    """How full a limit is: before this request, and with it."""

    name: str
    per: Literal["customer", "maker", "program", "store"]
    measure: Literal["points", "requests"]
    window: Annotated[
        Literal["day", "7", "30", "365", "month"],
        Field(description="Days that roll, or a day or month of the calendar."),
    ]
    used: float
    after: float
    most: float
    hard: Annotated[bool, Field(description="Refuses what would pass it; otherwise a level is added.")]


class PreviewError(TypedDict):
    """Why a submission would be refused."""

    status: bool
    code: int
    message: str
    reference: NotRequired[str]


class PreviewObject(TypedDict):
    """What would become of the request at this moment."""

    outcome: Annotated[
        Literal["approve", "levels", "refuse"],
        Field(description="Carried out at once, put before people level by level, or refused."),
    ]
    rule: Annotated[str, Field(description="The rule that fires, or `default`, `automatic approval`, `one step`.")]
    levels: list[PreviewLevel]
    limits: list[PreviewLimit]
    lookAlikes: list[str]
    splitWith: list[str]
    existing: Annotated[
        str | None, Field(description="The request that was sent already with the same content, and would be returned.")
    ]
    errors: list[PreviewError]


class PreviewAnswer(BaseModel):
    """The preview of one request."""

    data: PreviewObject


_LEVEL: Final = {
    "people": 1, "role": "checker", "users": [], "concepts": [], "zones": [], "stores": [], "tills": [], "backup": None,
}  # fmt: skip
_LIMIT: Final = {
    "name": "2,000 per customer", "per": "customer", "measure": "points", "window": "30", "used": 1990, "after": 2010,
    "most": 2000, "hard": True,
}  # fmt: skip
_WAITS: Final = {
    "outcome": "levels", "rule": "up to 1,000", "levels": [_LEVEL],
    "limits": [_LIMIT | {"used": 0, "after": 20}], "lookAlikes": [EXAMPLE_ID], "splitWith": [], "existing": None,
    "errors": [],
}  # fmt: skip
_REFUSED: Final = {
    "outcome": "refuse", "rule": "up to 1,000", "levels": [_LEVEL], "limits": [_LIMIT], "lookAlikes": [],
    "splitWith": [], "existing": None,
    "errors": [
        {
            "status": False, "code": 2015,
            "message": "would pass the limit “2,000 per customer”: 2,000 points per customer, of which 1,990 count"
                       " already. Ask for less, or later.",
            "reference": "payload.IntouchAPITask-Payload.body.points",
        }
    ],
}  # fmt: skip
ANSWER: Final = OpenApiResponse(
    PreviewAnswer,
    description="What would become of it at this moment.",
    examples=[
        OpenApiExample("waits for one checker", value={"data": _WAITS}),
        OpenApiExample("passes a limit", value={"data": _REFUSED}),
    ],
)

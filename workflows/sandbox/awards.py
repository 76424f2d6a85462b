"""What a caller asks Intouch to credit: the body of `POST /internal/goodwill/`, checked field by field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

MAX_ID = 2**63 - 1
MAX_POINTS_EXPONENT = 18
MAX_DECIMALS = 9


@dataclass(frozen=True)
class Award:
    """One credit that is asked for. `key` is what the API refuses to credit twice."""

    org_id: int
    reference_id: str
    customer_id: int
    program_id: int
    points: Decimal

    @property
    def key(self) -> tuple[int, str]:
        return self.org_id, self.reference_id


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_ID


def _is_text(longest: int) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and 1 <= len(value) <= longest


def _is_points(value: object) -> bool:
    """A positive number whose digits can be written out: 1e999999999 would be a gigabyte of zeros."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return False
    points = Decimal(value)
    exponent = points.as_tuple().exponent
    return (
        isinstance(exponent, int)
        and points > 0
        and points.adjusted() <= MAX_POINTS_EXPONENT
        and exponent >= -MAX_DECIMALS
    )


_RULES: dict[str, tuple[Callable[[object], bool], str]] = {
    "referenceId": (_is_text(255), "must be text of 1 to 255 characters"),
    "reason": (_is_text(1000), "must be text of 1 to 1000 characters"),
    "baseType": (lambda value: value == "POINTS", "must be POINTS"),
    "programId": (_is_id, "must be a positive integer"),
    "awardingTillId": (_is_id, "must be a positive integer"),
    "earningEntityType": (lambda value: value == "CUSTOMER", "must be CUSTOMER"),
    "earningEntityId": (_is_id, "must be a positive integer"),
    "points": (_is_points, f"must be a positive number below 1e{MAX_POINTS_EXPONENT + 1}, "
               f"with at most {MAX_DECIMALS} decimals"),
    "source": (_is_text(64), "must be text of 1 to 64 characters"),
}  # fmt: skip


def problems(body: object) -> list[str]:
    """Say what is wrong with a parsed body, one sentence per field; an empty list means it is an award."""
    if not isinstance(body, dict):
        return ["the body must be a JSON object"]
    wrong = [f"{name} {rule}" for name, (fits, rule) in _RULES.items() if not fits(body.get(name))]
    comments = body.get("comments")
    if comments is not None and not isinstance(comments, str):
        wrong.append("comments must be text")
    return wrong


def read_award(org_id: int, body: dict[str, object]) -> Award:
    """Build the award out of a body in which `problems` found none."""
    return Award(
        org_id=org_id,
        reference_id=str(body["referenceId"]),
        customer_id=int(str(body["earningEntityId"])),
        program_id=int(str(body["programId"])),
        points=Decimal(str(body["points"])),
    )


def read_org(text: str | None) -> int | None:
    """Read an organisation id as sent in a header or a query; None if it is none."""
    if text is None or not (text.isascii() and text.isdecimal() and len(text) <= 19):
        return None
    org_id = int(text)
    return org_id if _is_id(org_id) else None

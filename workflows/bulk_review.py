"""Looking at what was chosen for one decision, before it is taken: what it comes to, and what is left out and why.

Thousands are judged by the very function that judges a single one (`policies.why_not_decide`). They are read as plain
rows of what is judged and shown: making three model instances of each would cost ten times as much.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.actors import Actor
from wire.errors import ApiError
from workflows import policies
from workflows.errors import AlreadyDecided, CannotChoose, ContentChanged
from workflows.models import BulkRun


@dataclass(slots=True)
class RequestLine:
    """Of a chosen request what is judged and shown; the names are the model's."""

    id: UUID
    organisation_id: int
    request_type: str
    maker_id: int
    maker_name: str
    state: str
    concept_id: str
    zone_id: str
    store_id: str
    till_id: str
    customer_id: int | None
    amount: Decimal | None
    money: Decimal | None
    program_id: int | None
    program_name: str
    reason: str
    digest: str


@dataclass(slots=True)
class TaskLine:
    """Of a chosen task what is judged; the names are the model's."""

    id: int
    level: int
    role: str
    users: list[int]
    concepts: list[str]
    zones: list[str]
    stores: list[str]
    tills: list[str]
    barred: list[int]
    escalated_at: datetime | None
    backup_role: str
    backup_users: list[int]
    assigned_to_id: int | None
    opened_by_id: int | None
    decision: str | None


@dataclass(slots=True)
class Line:
    """One item of a choice, with the digest that the person had before their eyes."""

    pk: int
    digest: str
    request: RequestLine
    task: TaskLine


_OF_REQUEST: Final = [f"request__{column.name}" for column in fields(RequestLine)]
_OF_TASK: Final = [f"task__{column.name}" for column in fields(TaskLine)]


@dataclass(slots=True)
class Sums:
    """Of some requests: how many, how much, what it is worth, and the largest."""

    number: int = 0
    amount: Decimal = Decimal(0)
    money: Decimal = Decimal(0)
    largest: RequestLine | None = None

    def add(self, request: RequestLine) -> None:
        self.number += 1
        self.amount += request.amount or 0
        self.money += request.money or 0
        if self.largest is None or (request.amount or 0) > (self.largest.amount or 0):
            self.largest = request


@dataclass(slots=True)
class OfProgram(Sums):
    """The sums of one program; two programs may have one name."""

    name: str = ""


@dataclass(slots=True)
class Review:
    """What a choice comes to: what would be decided, and what is left out, by the reason for it."""

    all: Sums = field(default_factory=Sums)
    per_program: dict[int | None, OfProgram] = field(default_factory=dict)
    included: list[Line] = field(default_factory=list)
    left_out: dict[str, list[Line]] = field(default_factory=dict)
    needs_fresh_proof: bool = False

    @property
    def left_out_number(self) -> int:
        return sum(len(lines) for lines in self.left_out.values())


def review(run: BulkRun, actor: Actor, *, confirmed: Collection[int] | None = None) -> Review:
    """Look at every item as it is now; one query.

    Args:
        confirmed: the items that the person was shown as those to be decided, once they have confirmed. Whatever else
            could be decided by now is left out: nobody has read it in the number and the sum.
    """
    found = Review()
    for line in _lines(run):
        reason = _why_left_out(actor, line)
        if reason is None and confirmed is not None and line.pk not in confirmed:
            reason = CannotChoose(_("Was left out when this was confirmed; choose it again."))
        if reason is not None:
            found.left_out.setdefault(str(reason.detail), []).append(line)
            continue
        found.included.append(line)
        found.all.add(line.request)
        of_program = OfProgram(name=line.request.program_name or "–")
        found.per_program.setdefault(line.request.program_id, of_program).add(line.request)
        found.needs_fresh_proof |= policies.needs_fresh_proof(actor, line.request)
    return found


def _lines(run: BulkRun) -> Iterator[Line]:
    rows = run.items.filter(outcome=None).order_by("pk").values_list("pk", "digest", *_OF_REQUEST, *_OF_TASK)
    first_of_task = 2 + len(_OF_REQUEST)
    for row in rows:
        yield Line(row[0], row[1], RequestLine(*row[2:first_of_task]), TaskLine(*row[first_of_task:]))


def _why_left_out(actor: Actor, line: Line) -> ApiError | None:
    """Why an item would not be decided now; None where it would."""
    if line.task.decision is not None:
        return AlreadyDecided(_("Already decided."))
    if line.request.customer_id is None:
        return CannotChoose(_("Settings are decided one by one, on the page that shows what would change."))
    reason = policies.why_not_decide(actor, line.request, line.task)
    if reason is None and line.digest != line.request.digest:
        return ContentChanged(_("Changed since the page was loaded: look at it again."))
    return reason

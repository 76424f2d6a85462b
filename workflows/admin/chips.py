"""States as people see them: a word and an icon, and a colour that only repeats what both say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from workflows.models import SETTINGS_CHANGE, AdminTask, Decision, WorkflowRequest
from workflows.states import State


@dataclass(frozen=True, slots=True)
class Chip:
    """`tone` names a colour of the style sheet, `icon` a symbol of static/goodwill/icons.svg."""

    tone: str
    icon: str
    label: Any

    def as_json(self) -> dict[str, str]:
        """As live.js draws it."""
        return {"tone": self.tone, "icon": self.icon, "label": str(self.label)}


STATES: Final[dict[State, Chip]] = {
    State.WAITING: Chip("wait", "clock", _("Waiting")),
    State.EXECUTING: Chip("work", "arrow", _("Being carried out")),
    State.UNKNOWN: Chip("doubt", "question", _("Outcome unknown")),
    State.CREDITED: Chip("good", "check", _("Credited")),
    State.FAILED: Chip("bad", "cross", _("Failed")),
    State.REJECTED: Chip("no", "stop", _("Rejected")),
    State.WITHDRAWN: Chip("off", "back", _("Withdrawn")),
    State.EXPIRED: Chip("off", "clock", _("Expired")),
}

DECISIONS: Final[dict[Decision, Chip]] = {
    Decision.APPROVED: Chip("good", "check", _("Approved")),
    Decision.REJECTED: Chip("no", "stop", _("Rejected")),
    Decision.WITHDRAWN: Chip("off", "back", _("Withdrawn")),
    Decision.EXPIRED: Chip("off", "clock", _("Expired")),
}


# What is carried out here credits nobody.
_APPLIED: Final = Chip("good", "check", _("Carried out"))


def of_request(request: WorkflowRequest) -> Chip:
    if request.request_type == SETTINGS_CHANGE and request.state == State.CREDITED:
        return _APPLIED
    return STATES[State(request.state)]


def to_maker(task: AdminTask) -> Chip:
    """What has become of an approved request since; else the decision."""
    return of_request(task.request) if task.decision == Decision.APPROVED else of_task(task)


def of_task(task: AdminTask) -> Chip:
    """The decision; while there is none, that the task waits."""
    return STATES[State.WAITING] if task.decision is None else DECISIONS[Decision(task.decision)]

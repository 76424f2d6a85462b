"""The states of a request and every move between them: pure data, printed in docs/states.md, kept by a trigger too."""

from __future__ import annotations

from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class State(TextChoices):
    """Where a request stands. `CREDITED` is reached only when Intouch has confirmed the effect."""

    WAITING = "waiting", _("waiting for a checker")
    EXECUTING = "executing", _("approved, being carried out")
    UNKNOWN = "unknown", _("called, outcome unknown")
    CREDITED = "credited", _("credited")
    FAILED = "failed", _("failed, nothing was credited")
    REJECTED = "rejected", _("rejected")
    WITHDRAWN = "withdrawn", _("withdrawn by the maker")
    EXPIRED = "expired", _("expired")


TRANSITIONS: Final[dict[State | None, frozenset[State]]] = {
    None: frozenset({State.WAITING, State.EXECUTING}),
    State.WAITING: frozenset({State.EXECUTING, State.REJECTED, State.WITHDRAWN, State.EXPIRED}),
    State.EXECUTING: frozenset({State.CREDITED, State.FAILED, State.UNKNOWN}),
    # Never to FAILED: that would claim to know that nothing was credited.
    State.UNKNOWN: frozenset({State.CREDITED, State.EXECUTING}),
    State.CREDITED: frozenset(),
    State.FAILED: frozenset({State.WAITING}),
    State.REJECTED: frozenset(),
    State.WITHDRAWN: frozenset(),
    State.EXPIRED: frozenset(),
}

QUEUED: Final = frozenset({State.EXECUTING, State.UNKNOWN})
OPEN: Final = frozenset({State.WAITING}) | QUEUED
ENDED: Final = frozenset(State) - OPEN

WHY: Final[dict[tuple[State | None, State], str]] = {
    (None, State.WAITING): "a maker submits",
    (None, State.EXECUTING): "a maker submits in one step, or the policy approves by itself",
    (State.WAITING, State.EXECUTING): "a checker approves",
    (State.WAITING, State.REJECTED): "a checker rejects",
    (State.WAITING, State.WITHDRAWN): "the maker withdraws",
    (State.WAITING, State.EXPIRED): "nobody decided in time",
    (State.EXECUTING, State.CREDITED): "Intouch confirms",
    (State.EXECUTING, State.FAILED): "Intouch refuses, or never could be reached",
    (State.EXECUTING, State.UNKNOWN): "sent without a clear answer",
    (State.UNKNOWN, State.CREDITED): "Intouch confirms, or already knows the reference",
    (State.UNKNOWN, State.EXECUTING): "a look-up proves that nothing was credited",
    (State.FAILED, State.WAITING): "an operator asks for another try; a checker decides",
}


def can_move(before: State | None, after: State) -> bool:
    """Whether a request may go from one state to another; `None` stands for not existing yet."""
    return after in TRANSITIONS[before]


def as_markdown() -> str:
    """The state machine for the docs: a diagram and a table."""
    lines = ["```mermaid", "stateDiagram-v2"]
    for (before, after), why in WHY.items():
        lines.append(f"    {before or '[*]'} --> {after}: {why}")
    lines += [f"    {state} --> [*]" for state in State if state in ENDED]
    lines += ["```", "", "| state | meaning | ended |", "|---|---|---|"]
    lines += [f"| `{state}` | {state.label} | {'yes' if state in ENDED else 'no'} |" for state in State]
    return "\n".join(lines)

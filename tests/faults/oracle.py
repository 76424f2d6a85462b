"""The oracle of the soak: the ledgers of Intouch and the rows of the database, joined by reference."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.load import Told
from tests.faults.service import Service

ROWS = """
SELECT r.reference_id, r.id::text, r.state, r.due_at IS NULL, r.customer_id, r.amount,
       (SELECT t.decision FROM workflows_admintask t WHERE t.request_id = r.id) AS decision,
       (SELECT count(*) FROM workflows_intouchcall c WHERE c.request_id = r.id AND c.outcome = 'credited'),
       (SELECT array_agg(e.action ORDER BY e.id) FROM workflows_auditevent e WHERE e.request_id = r.id),
       extract(epoch FROM r.ended_at - (SELECT t.decided_at FROM workflows_admintask t WHERE t.request_id = r.id))
FROM workflows_workflowrequest r
"""
OPEN = "SELECT count(*) FROM workflows_workflowrequest WHERE state IN ('executing', 'unknown') AND due_at IS NOT NULL"


@dataclass(frozen=True)
class Row:
    """A request in the database, with what belongs to it."""

    reference: str
    request_id: str
    state: str
    has_no_due_time: bool
    customer: int
    amount: Any
    decision: str | None
    credited_calls: int
    actions: list[str]
    settle_seconds: Any

    @property
    def waits_for_a_person(self) -> bool:
        return self.state == "unknown" and self.has_no_due_time


@dataclass
class Verdict:
    """What was found; each list names references, so that a miss can be looked into."""

    approved: int = 0
    others: int = 0
    credits_of_approved: Counter[int] = field(default_factory=Counter)
    credits_of_others: Counter[int] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    repeated_calls: int = 0
    stuck: list[str] = field(default_factory=list)
    unknown_waiting: list[str] = field(default_factory=list)
    disagree: list[str] = field(default_factory=list)
    broken_words: list[str] = field(default_factory=list)
    settle_seconds: list[float] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        misses = (self.lost, self.duplicated, self.stuck, self.disagree, self.broken_words)
        return not any(misses) and not self.repeated_calls and self.approved > 0


def judge(service: Service, told: Sequence[Told]) -> Verdict:
    """Join the ledgers with the database, and both with what the clients were told."""
    rows = {row.reference: row for row in (Row(*values) for values in service.sql(ROWS))}
    lines = [line for sandbox in service.sandboxes for line in sandbox.lines()]
    ledger: Counter[str] = Counter(line["referenceId"] for line in lines)
    verdict = Verdict()
    for row in rows.values():
        _judge_row(verdict, row, ledger[row.reference])
    for line in lines:
        _judge_line(verdict, line, rows.get(line["referenceId"]))
    for each in told:
        _judge_words(verdict, each, rows.get(each.reference))
    # Where Intouch keeps no memory of references, a call for a credited one would have credited it again.
    verdict.repeated_calls = service.sandboxes[1].counted()["duplicates"]
    return verdict


def _judge_row(verdict: Verdict, row: Row, credits: int) -> None:
    if row.decision == "approved":
        verdict.approved += 1
        verdict.credits_of_approved[credits] += 1
        if row.settle_seconds is not None:
            verdict.settle_seconds.append(float(row.settle_seconds))
    else:
        verdict.others += 1
        verdict.credits_of_others[credits] += 1
    if credits > (row.decision == "approved") or row.credited_calls > 1:
        verdict.duplicated.append(row.reference)
    if row.waits_for_a_person:
        verdict.unknown_waiting.append(row.reference)
    elif row.state in ("executing", "unknown"):
        verdict.stuck.append(row.reference)
    elif row.decision == "approved" and not credits:
        verdict.lost.append(row.reference)
    ended_otherwise = row.state not in ("credited", "executing", "unknown")
    if (row.state == "credited" and credits != 1) or (ended_otherwise and credits):
        verdict.disagree.append(row.reference)
    if not _is_audited(row):
        verdict.broken_words.append(f"{row.reference}: its audit trail is {row.actions}")


def _is_audited(row: Row) -> bool:
    """Submitted once, decided as it was, and credited once where it is."""
    counts = Counter(row.actions)
    expected = {"request.submitted": 1, "call.credited": int(row.state == "credited")}
    expected |= {f"task.{decision}": int(row.decision == decision) for decision in ("approved", "rejected")}
    return all(counts[action] == times for action, times in expected.items())


def _judge_line(verdict: Verdict, line: dict[str, Any], row: Row | None) -> None:
    """What Intouch credited is what was asked for."""
    if row is None or (line["customerId"], line["points"]) != (row.customer, row.amount):
        verdict.disagree.append(f"{line['referenceId']}: credited otherwise than asked for")


def _judge_words(verdict: Verdict, told: Told, row: Row | None) -> None:
    """What a client was told is so."""
    if told.request_id is not None and (row is None or row.request_id != told.request_id):
        verdict.broken_words.append(f"{told.reference}: answered with 200, and not there")
    if row is None:
        return
    if len(told.decisions) > 1:
        verdict.broken_words.append(f"{told.reference}: decided twice: {told.decisions}")
    if told.decisions and row.decision != told.decisions[0]:
        verdict.broken_words.append(f"{told.reference}: {told.decisions[0]} was answered, {row.decision} is kept")
    if row.decision is not None and row.decision not in told.tried:
        verdict.broken_words.append(f"{told.reference}: {row.decision}, which nobody asked for")


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so large a share does not exceed; 0 of nothing."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0

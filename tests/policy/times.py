"""Letting time pass: the times in the database are moved, and no clock is."""

from __future__ import annotations

from typing import Any

from tests.factories import set_terms
from tests.house import House
from tests.workflows.journeys import sql
from workflows.models import AuditEvent, WorkflowRequest


def patient(house: House, **terms: Any) -> None:
    """A policy that reminds after 4 hours, escalates to supervisors after 8, warns after 20 and expires after 24."""
    level = {"role": "checker", "backup": {"role": "supervisor"}}
    set_terms(
        house.policy,
        **{
            "default": {"kind": "levels", "levels": [level]},
            "patience": {"remind_after": 4, "escalate_after": 8, "expire_after": 24, "warn_before": 4},
            **terms,
        },
    )


def let_pass(hours: float) -> None:
    """As if everything that waits had been asked for so much earlier."""
    earlier = f"- make_interval(secs => {hours * 3600})"
    sql(
        f"UPDATE workflows_admintask SET remind_at = remind_at {earlier}, escalate_at = escalate_at {earlier},"
        f" claimed_at = claimed_at {earlier} WHERE decision IS NULL"
    )
    sql(
        f"UPDATE workflows_workflowrequest SET warn_at = warn_at {earlier}, expires_at = expires_at {earlier}"
        " WHERE state = 'waiting'"
    )


def told(request: WorkflowRequest) -> list[str]:
    """What happened to a request since it was submitted."""
    events = AuditEvent.objects.filter(request=request).order_by("id").values_list("action", flat=True)
    return [action for action in events if action != "request.submitted"]

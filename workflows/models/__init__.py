"""What the engine keeps. Every business invariant has a named constraint; triggers in the migrations hold the rest."""

from workflows.models.audit import AuditEvent
from workflows.models.calls import CallOutcome, CallPurpose, IntouchCall
from workflows.models.policy import AutoApproval, Reconciling, WorkflowPolicy
from workflows.models.requests import Delivery, RequestSource, WorkflowRequest
from workflows.models.targets import IntouchTarget, Pause, TargetBreaker
from workflows.models.tasks import AdminTask, Decision

__all__ = [
    "AdminTask",
    "AuditEvent",
    "AutoApproval",
    "CallOutcome",
    "CallPurpose",
    "Decision",
    "Delivery",
    "IntouchCall",
    "IntouchTarget",
    "Pause",
    "Reconciling",
    "RequestSource",
    "TargetBreaker",
    "WorkflowPolicy",
    "WorkflowRequest",
]

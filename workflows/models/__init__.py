"""What the engine keeps. Every business invariant has a named constraint; triggers in the migrations hold the rest."""

from workflows.models.audit import AuditEvent
from workflows.models.bulk import BulkItem, BulkOutcome, BulkPhase, BulkRun, BulkVerdict
from workflows.models.calls import CallOutcome, CallPurpose, IntouchCall
from workflows.models.figures import DayCredits, DayFigures
from workflows.models.mail import MailChoice, MailTiming, Notice, NoticeKind
from workflows.models.policy import AutoApproval, LimitUse, PolicyDraft, PolicyVersion, Reconciling, WorkflowPolicy
from workflows.models.requests import SETTINGS_CHANGE, Delivery, RequestSource, WorkflowRequest
from workflows.models.targets import IntouchTarget, Pause, TargetBreaker
from workflows.models.tasks import AdminTask, Decision
from workflows.models.views import SavedView

__all__ = [
    "SETTINGS_CHANGE",
    "AdminTask",
    "AuditEvent",
    "AutoApproval",
    "BulkItem",
    "BulkOutcome",
    "BulkPhase",
    "BulkRun",
    "BulkVerdict",
    "CallOutcome",
    "CallPurpose",
    "DayCredits",
    "DayFigures",
    "Decision",
    "Delivery",
    "IntouchCall",
    "IntouchTarget",
    "LimitUse",
    "MailChoice",
    "MailTiming",
    "Notice",
    "NoticeKind",
    "Pause",
    "PolicyDraft",
    "PolicyVersion",
    "Reconciling",
    "RequestSource",
    "SavedView",
    "TargetBreaker",
    "WorkflowPolicy",
    "WorkflowRequest",
]

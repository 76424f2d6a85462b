"""What the wire shows of a request: the object of E1 to E4, key by key in the incumbent's order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from wire import strict_json
from wire.secrets import Secret
from workflows import registry
from workflows.models import AdminTask, Decision, WorkflowRequest
from workflows.shown_answer import shown_answer
from workflows.states import State
from workflows.submission import TASK_PAYLOAD

WIRE_STATES: Final[dict[State, str]] = {
    State.WAITING: "AdminTask",
    State.EXECUTING: "IntouchAPITask",
    State.UNKNOWN: "IntouchAPITask",
    State.CREDITED: "approved",
    State.FAILED: "failed",
    State.REJECTED: "rejected",
    State.WITHDRAWN: "rejected",
    State.EXPIRED: "rejected",
}
UNKNOWN_WARNING: Final = (
    "Intouch was called and gave no clear answer. The call is being reconciled; the points may or may not be credited."
)


def present(request: WorkflowRequest, *, secret: Secret | None = None, is_new: bool = False) -> dict[str, Any]:
    """The object under `data`.

    Args:
        request: with `tasks` prefetched where a list is shown.
        is_new: it was made just now, so that no decisions are looked for.
        secret: the credential that this very caller has just sent, shown back in this one answer.
    """
    zone = request.organisation.zone
    return {
        "requestId": str(request.pk),
        "userId": request.maker_id,
        "userName": request.maker_name,
        "requestType": registry.get(request.request_type).lower_slug,
        "state": WIRE_STATES[State(request.state)],
        "startTime": _naive(request.created_at, zone),
        "endTime": _naive(request.ended_at, zone),
        "details": _details(request, secret, None if is_new else _decided_task(request)),
        "startTimeUtc": utc(request.created_at),
        "endTimeUtc": utc(request.ended_at),
    }


def _naive(moment: datetime | None, zone: Any) -> str | None:
    """Naive seconds in the organisation's zone, as the incumbent prints them."""
    return None if moment is None else moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")


def utc(moment: datetime | None) -> str | None:
    """RFC 3339 in seconds, `Z`."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _details(request: WorkflowRequest, secret: Secret | None, task: AdminTask | None) -> dict[str, Any]:
    details: dict[str, Any] = {TASK_PAYLOAD: _payload(request, secret)}
    if task is not None:
        details |= _decision(task)
    details["ValidateMakerAccess_Output"] = True
    details["ValidatePayload_Output"] = True
    if request.state == State.UNKNOWN:
        details["IntouchAPITask_Warning"] = UNKNOWN_WARNING
    answer = shown_answer(request)
    if answer is not None and State(request.state) in (State.CREDITED, State.FAILED, State.UNKNOWN):
        details["IntouchAPITask_Output"] = answer
    if request.state == State.FAILED:
        details["IntouchAPITask_Error"] = request.last_error
    return details


def _payload(request: WorkflowRequest, secret: Secret | None) -> dict[str, Any]:
    content: dict[str, Any] = strict_json.loads(request.payload)
    if secret is not None:
        content["headers"] = {
            name: secret.value if name.lower() == "authorization" else value
            for name, value in content["headers"].items()
        }
    return content


def _decided_task(request: WorkflowRequest) -> AdminTask | None:
    decided = [task for task in request.tasks.all() if task.decision is not None]
    return max(decided, key=lambda task: task.level) if decided else None


def _decision(task: AdminTask) -> dict[str, Any]:
    shown: dict[str, Any] = {"AdminTask_Output": task.decision}
    if task.decision in (Decision.APPROVED, Decision.REJECTED):
        shown = {
            "AdminTask-Payload": {"actionDecision": task.decision, "actionMessage": task.message},
            **shown,
            "ValidateCheckerAccess_Output": True,
            "AdminTask_Actor": {
                "userId": task.checker_id, "userName": task.checker_name, "decidedAt": utc(task.decided_at),
            },
        }  # fmt: skip
    return shown


def warnings_of(request: WorkflowRequest) -> list[dict[str, Any]]:
    """Beside the data of one request: what its reader must not overlook."""
    return [{"message": UNKNOWN_WARNING}] if request.state == State.UNKNOWN else []

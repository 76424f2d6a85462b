"""Examples of E1 to E4 for the OpenAPI description; the credential in them is a fake one."""

from __future__ import annotations

from typing import Any, Final

from wire.redaction import MASK
from workflows.api.presenters import UNKNOWN_WARNING
from workflows.registry import RequestType
from workflows.submission import TASK_PAYLOAD

FAKE_CREDENTIAL: Final = "Basic ZmFrZTpmYWtl"  # fake:fake
REQUEST_ID: Final = "0198f0c2-6f5e-7b3a-9c41-2f1d7a6be0aa"


def submission(request_type: RequestType) -> dict[str, Any]:
    """A whole body of E1 around the type's own example."""
    return {
        "entityInfo": {"tillId": "50682289", "storeId": "50682288", "zoneId": "50682286", "conceptId": "50678331"},
        "payload": {TASK_PAYLOAD: _task(request_type, FAKE_CREDENTIAL)},
    }


def _task(request_type: RequestType, credential: str) -> dict[str, Any]:
    return {
        "hostname": "http://internal-intouch-api.default:1900",
        "path": request_type.path,
        "method": request_type.method,
        "pathParams": {},
        "queryParams": {},
        "body": dict(request_type.example),
        "headers": {
            "Authorization": credential, "content-type": "application/json", "X-CAP-API-AUTH-ORG-ID": "51250",
        },
    }  # fmt: skip


def _request(
    request_type: RequestType, state: str, decided: dict[str, Any], called: dict[str, Any], *, ended: bool,
    credential: str = MASK,
) -> dict[str, Any]:  # fmt: skip
    validated = {"ValidateMakerAccess_Output": True, "ValidatePayload_Output": True}
    return {
        "requestId": REQUEST_ID,
        "userId": 232134,
        "userName": "tomswayer@tipent.com",
        "requestType": request_type.lower_slug,
        "state": state,
        "startTime": "2023-12-26T20:19:40",
        "endTime": "2023-12-26T20:25:11" if ended else None,
        "details": {TASK_PAYLOAD: _task(request_type, credential), **decided, **validated, **called},
        "startTimeUtc": "2023-12-26T14:49:40Z",
        "endTimeUtc": "2023-12-26T14:55:11Z" if ended else None,
    }


def _decided(decision: str) -> dict[str, Any]:
    return {
        "AdminTask-Payload": {"actionDecision": decision, "actionMessage": "checked with the store"},
        "AdminTask_Output": decision,
        "ValidateCheckerAccess_Output": True,
        "AdminTask_Actor": {
            "userId": 233253, "userName": "checker@example.com", "decidedAt": "2023-12-26T14:55:10Z",
        },
    }  # fmt: skip


def waiting(request_type: RequestType) -> dict[str, Any]:
    """The answer to a submission: the only one that shows the credential, to the one who has just sent it."""
    return {"data": _request(request_type, "AdminTask", {}, {}, ended=False, credential=FAKE_CREDENTIAL)}


def executing(request_type: RequestType) -> dict[str, Any]:
    return {"data": _request(request_type, "IntouchAPITask", _decided("approved"), {}, ended=False)}


def unknown(request_type: RequestType) -> dict[str, Any]:
    warned = {"IntouchAPITask_Warning": UNKNOWN_WARNING}
    return {
        "data": _request(request_type, "IntouchAPITask", _decided("approved"), warned, ended=False),
        "warnings": [{"message": UNKNOWN_WARNING}],
    }


def credited(request_type: RequestType) -> dict[str, Any]:
    answer = {
        "status": 201, "headers": {"Content-Type": ["application/json"]}, "body": {"createdId": 38, "warnings": []},
    }  # fmt: skip
    called = {"IntouchAPITask_Output": answer}
    return {"data": _request(request_type, "approved", _decided("approved"), called, ended=True)}


def rejected(request_type: RequestType) -> dict[str, Any]:
    return {"data": _request(request_type, "rejected", _decided("rejected"), {}, ended=True)}


def page(request_type: RequestType) -> dict[str, Any]:
    pagination = {"totalElements": 1, "totalPages": 1, "numberOfElements": 1, "number": 0}
    return {"data": [credited(request_type)["data"]], "pagination": pagination}


def decision(made: str) -> dict[str, Any]:
    """A body of E2."""
    task = {"actionDecision": made, "actionMessage": "checked with the store"}
    return {"requestId": REQUEST_ID, "actionName": "AdminTask", "payload": {"AdminTask-Payload": task}}

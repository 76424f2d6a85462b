"""The body of E2; that of E1 is made from the registered types (`workflows.submission.envelope_of`)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from workflows.submission import StrictModel, refuse


class AdminTaskPayload(StrictModel):
    action_decision: Literal["approved", "rejected"] = Field(alias="actionDecision")
    action_message: str = Field(alias="actionMessage", min_length=1, max_length=1000)

    @field_validator("action_message")
    @classmethod
    def _not_blank(cls, value: str) -> str:
        if not value.strip():
            raise refuse(2008, "must not be blank")
        return value


class DecisionPayload(StrictModel):
    task: AdminTaskPayload = Field(alias="AdminTask-Payload")


class DecisionBody(StrictModel):
    """A decision. All fields are mandatory, the message too."""

    request_id: str = Field(alias="requestId", max_length=64)
    action_name: str = Field(alias="actionName", max_length=64, description="`AdminTask`, in any case.")
    payload: DecisionPayload

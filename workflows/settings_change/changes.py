"""What a change of settings consists of: kept as the request's payload, shown to whoever decides, read when applied.

`before` is what the proposer saw. If it does not hold any more when the change is applied, nothing is applied.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel
from pydantic.alias_generators import to_camel

from accounts.models import Membership
from workflows.models import IntouchTarget, WorkflowRequest


class Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, alias_generator=to_camel, populate_by_name=True,
        hide_input_in_errors=True,
    )  # fmt: skip


class Difference(Part):
    """One field, in words; an empty text stands for what is not there."""

    field: str
    before: str
    after: str


class PolicyChange(Part):
    """The next version of the policy for a request type."""

    kind: Literal["policy"] = "policy"
    request_type: str
    base_version: Annotated[int | None, Field(description="The version that it was made from; null: there was none.")]
    document: dict[str, Any]
    difference: list[Difference]


class TargetState(Part):
    """An Intouch target, without its credential."""

    base_url: str
    allows_internal: bool
    is_enabled: bool
    has_own_access: bool

    @classmethod
    def of(cls, target: IntouchTarget) -> TargetState:
        return cls(
            base_url=target.base_url, allows_internal=target.allows_internal, is_enabled=target.is_enabled,
            has_own_access=target.credential is not None,
        )  # fmt: skip


Access = Literal["kept", "new", "erased"]


class TargetChange(Part):
    """A target that is added or changed. A new credential travels encrypted beside the payload, never in it."""

    kind: Literal["target"] = "target"
    origin: str
    before: TargetState | None
    after: TargetState
    access: Access
    difference: list[Difference]


class Rights(Part):
    """All that a membership says."""

    is_active: bool
    is_maker: bool
    is_checker: bool
    is_auditor: bool
    is_operator: bool
    may_issue_in_one_step: bool
    is_supervisor: bool
    is_administrator: bool
    decides_up_to: str | None
    concepts: list[str]
    zones: list[str]
    stores: list[str]
    tills: list[str]

    @classmethod
    def of(cls, membership: Membership) -> Rights:
        values = {name: getattr(membership, name) for name in cls.model_fields}
        most = membership.decides_up_to
        return cls(**{**values, "decides_up_to": None if most is None else f"{most.normalize():f}"})


class MembershipChange(Part):
    """The rights of one member."""

    kind: Literal["membership"] = "membership"
    user_id: int
    user_name: str
    before: Rights | None
    after: Rights
    difference: list[Difference]


Change = PolicyChange | TargetChange | MembershipChange


class SettingsChange(RootModel[Annotated[Change, Field(discriminator="kind")]]):
    """A change of an organisation's settings."""


def as_payload(change: Change) -> dict[str, Any]:
    payload: dict[str, Any] = change.model_dump(mode="json", by_alias=True)
    return payload


def read(request: WorkflowRequest) -> Change:
    """The change that a request asks for."""
    return SettingsChange.model_validate(request.content).root

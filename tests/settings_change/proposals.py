"""Proposals of every kind, and how settings stand in the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accounts.models import Membership, Organisation, User
from tests.factories import UserFactory
from tests.settings_change.conftest import Council
from wire.secrets import decrypt
from workflows import settings_change
from workflows.bindings import target_binding
from workflows.models import (
    IntouchTarget,
    PolicyVersion,
    WorkflowPolicy,
    WorkflowRequest,
)
from workflows.terms.document import Terms

NEW_CREDENTIAL = "Basic bmV3Om5ldw=="
SLUG = "GOODWILL-POINTS"


def propose_cap(council: Council, cap: int = 777, *, who: User | None = None) -> WorkflowRequest:
    return settings_change.propose_policy(
        actor=council.house.actor(who or council.ada),
        slug=SLUG,
        terms=Terms(cap=cap),
        made_from=WorkflowPolicy.objects.get(organisation=council.house.organisation, request_type=SLUG).active_id,
        note="a larger cap",
    )


def propose_move(council: Council) -> WorkflowRequest:
    target = council.house.target
    return settings_change.propose_target(
        actor=council.house.actor(council.ada), origin=target.origin, base_url="https://new.example.com",
        allows_internal=False, is_enabled=True, note="moves",
    )  # fmt: skip


def propose_new_target(council: Council) -> WorkflowRequest:
    return settings_change.propose_target(
        actor=council.house.actor(council.ada), origin="https://second.example.com",
        base_url="https://second.example.com", allows_internal=False, is_enabled=True, note="a second one",
        credential=NEW_CREDENTIAL,
    )  # fmt: skip


def propose_credential(council: Council) -> WorkflowRequest:
    return settings_change.propose_credential(
        actor=council.house.actor(council.ada), target=council.house.target, credential=NEW_CREDENTIAL, note="rotated"
    )


def propose_rights(council: Council, person: User | None = None, **rights: Any) -> WorkflowRequest:
    wanted = council.house.membership(person or council.house.checker)
    for name, value in (rights or {"is_operator": True, "tills": ["7"]}).items():
        setattr(wanted, name, value)
    return settings_change.propose_membership(actor=council.house.actor(council.ada), wanted=wanted, note="new duties")


def propose_member(council: Council) -> WorkflowRequest:
    newcomer = User.objects.filter(username="newcomer").first() or UserFactory(username="newcomer")
    wanted = Membership(user=newcomer, is_maker=True)
    return settings_change.propose_membership(actor=council.house.actor(council.ada), wanted=wanted, note="joins us")


PROPOSALS: dict[str, Callable[[Council], WorkflowRequest]] = {
    "policy": propose_cap,
    "target moved": propose_move,
    "target added": propose_new_target,
    "credential": propose_credential,
    "rights": propose_rights,
    "member added": propose_member,
}


def versions_of(council: Council) -> int:
    return PolicyVersion.objects.filter(policy=council.house.policy).count()


def settings_of(organisation: Organisation) -> Any:
    """Everything that needs four eyes, as it stands in the database."""
    targets = IntouchTarget.objects.filter(organisation=organisation).order_by("pk")
    members = Membership.objects.filter(organisation=organisation).order_by("pk")
    policies = WorkflowPolicy.objects.filter(organisation=organisation, request_type=SLUG)
    return (
        [(row.origin, row.base_url, row.allows_internal, row.is_enabled, credential_of(row)) for row in targets],
        list(members.values()),
        list(policies.values("active__number", "active__document")),
    )


def credential_of(target: IntouchTarget) -> str | None:
    return target.credential and decrypt(bytes(target.credential), target_binding(target.pk)).value

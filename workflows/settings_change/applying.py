"""Carrying out an approved change of settings, within the transaction that records it."""

from __future__ import annotations

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import Membership, Organisation
from wire import secrets
from wire.secrets import SecretUnreadable
from workflows import audit
from workflows.bindings import secret_binding
from workflows.models import IntouchTarget, WorkflowPolicy, WorkflowRequest
from workflows.registry import RefusedHere
from workflows.rules import versions
from workflows.set_up import keep_credential
from workflows.settings_change import changes
from workflows.settings_change.changes import MembershipChange, PolicyChange, Rights, TargetChange, TargetState
from workflows.terms.document import Terms


def carry_out(request: WorkflowRequest) -> None:
    """Apply the change. One at a time in an organisation: the second sees what the first has changed.

    Raises:
        RefusedHere: what it was made from has changed since, its proposer is no administrator any more, or it would
            not be valid by now.
    """
    organisation = Organisation.objects.select_for_update(no_key=True).get(pk=request.organisation_id)
    administrators = Membership.objects.active().filter(organisation=organisation, is_administrator=True)
    if not administrators.filter(user=request.maker_id).exists():
        raise RefusedHere(_("Whoever proposed this is no administrator any more."))
    change = changes.read(request)
    match change:
        case PolicyChange():
            _apply_policy(request, organisation, change)
        case TargetChange():
            _apply_target(request, organisation, change)
        case MembershipChange():
            _apply_membership(organisation, change)
    audit.record(
        "settings.changed", request=request, actor=request.maker, kind=change.kind,
        difference=[each.model_dump() for each in change.difference],
    )  # fmt: skip


def _apply_policy(request: WorkflowRequest, organisation: Organisation, change: PolicyChange) -> None:
    found = WorkflowPolicy.objects.filter(organisation=organisation, request_type=change.request_type)
    policy = found.select_for_update(of=("self",)).select_related("active").first()
    number = policy.active.number if policy is not None and policy.active is not None else None
    if number != change.base_version:
        raise RefusedHere(
            _("The policy has changed since this was proposed: propose it anew, from the version in force.")
        )
    try:
        versions.put_in_force(
            organisation=organisation, slug=change.request_type, terms=Terms.model_validate(change.document),
            author=request.maker, note=request.reason,
        )  # fmt: skip
    except ValidationError as error:
        raise RefusedHere(" ".join(error.messages)) from None


def _apply_target(request: WorkflowRequest, organisation: Organisation, change: TargetChange) -> None:
    found = IntouchTarget.objects.filter(organisation=organisation, origin=change.origin)
    target = found.select_for_update().first()
    if (TargetState.of(target) if target is not None else None) != change.before:
        raise RefusedHere(_("The target has changed since this was proposed: propose it anew."))
    target = target or IntouchTarget(organisation=organisation, origin=change.origin)
    for name in ("base_url", "allows_internal", "is_enabled"):
        setattr(target, name, getattr(change.after, name))
    target.save()
    if change.access == "new":
        keep_credential(target, _credential_of(request))
    elif change.access == "erased":
        keep_credential(target, None)


def _credential_of(request: WorkflowRequest) -> str:
    try:
        return secrets.decrypt(bytes(request.secret or b""), secret_binding(request.pk)).value
    except SecretUnreadable:
        raise RefusedHere(_("The new credential cannot be read: propose it anew.")) from None


def _apply_membership(organisation: Organisation, change: MembershipChange) -> None:
    found = Membership.objects.filter(organisation=organisation, user=change.user_id)
    membership = found.select_for_update().first()
    if (Rights.of(membership) if membership is not None else None) != change.before:
        raise RefusedHere(_("The rights have changed since this was proposed: propose it anew."))
    membership = membership or Membership(organisation=organisation, user_id=change.user_id)
    most = change.after.decides_up_to
    values = change.after.model_dump() | {"decides_up_to": None if most is None else Decimal(most)}
    for name, value in values.items():
        setattr(membership, name, value)
    try:
        membership.validate_constraints()
    except ValidationError as error:
        raise RefusedHere(" ".join(error.messages)) from None
    membership.save()

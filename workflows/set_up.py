"""The writers of what an administrator sets up: targets and policies. Each may be called again."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pydantic
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import set_up_phase
from accounts.models import RIGHTS, Membership, Organisation, User
from wire import secrets
from wire.secrets import Secret
from workflows import audit, registry
from workflows.bindings import target_binding
from workflows.models import SETTINGS_CHANGE, IntouchTarget, PolicyVersion, WorkflowPolicy, WorkflowRequest
from workflows.queue import announce_access
from workflows.rules import administrators, versions
from workflows.targets import parse_origin
from workflows.terms.contradictions import sentences_of
from workflows.terms.document import Patience, Terms


def is_in_use(organisation_id: int) -> bool:
    """Whether anything but a change of settings was ever asked for in the organisation."""
    made = WorkflowRequest.objects.filter(organisation=organisation_id).exclude(request_type=SETTINGS_CHANGE)
    return made.exists()


@transaction.atomic
def allow_target(
    *,
    organisation: Organisation,
    origin: str,
    base_url: str,
    allows_internal: bool = False,
    credential: str | None = None,
) -> tuple[IntouchTarget, bool]:
    """Allow an origin, or change where it is. `credential` is stored encrypted; None leaves what there is.

    Raises:
        ValidationError: origin or base URL is not `http(s)://host[:port]`; or the organisation is set up or in
            use, and this would change something.
    """
    values = {"base_url": canonical_origin(base_url), "allows_internal": allows_internal, "is_enabled": True}
    origin = canonical_origin(origin)
    existing = IntouchTarget.objects.filter(organisation=organisation, origin=origin).first()
    if existing is not None and _is_as_wanted(existing, values, credential):
        return existing, False
    set_up_phase.check_open(organisation)
    target, created = IntouchTarget.objects.update_or_create(organisation=organisation, origin=origin, defaults=values)
    if credential is not None:
        keep_credential(target, credential)
    record_set_up(organisation, None, target=origin, **values, is_credential_new=credential is not None)
    return target, created


def _is_as_wanted(target: IntouchTarget, values: dict[str, Any], credential: str | None) -> bool:
    if any(getattr(target, name) != value for name, value in values.items()):
        return False
    if credential is None:
        return True
    stored = target.credential
    return stored is not None and secrets.decrypt(bytes(stored), target_binding(target.pk)).value == credential


def record_set_up(organisation: Organisation, actor: User | None, **what: Any) -> None:
    """Audit what was set up directly, in its transaction."""
    audit.record("settings.set_up", actor=actor, organisation_id=organisation.pk, **what)


def keep_credential(target: IntouchTarget, credential: str | None) -> None:
    """Store the credential of a target, encrypted and bound to its row; None erases it."""
    target.credential = None
    if credential is not None:
        target.credential = secrets.encrypt(Secret(credential), target_binding(target.pk))
    target.save(update_fields=["credential"])


def canonical_origin(text: str) -> str:
    """The one spelling of an origin.

    Raises:
        ValidationError: it is none.
    """
    origin = parse_origin(text)
    if origin is None:
        raise ValidationError(f"{text[:100]!r} is not http(s)://host[:port].")
    return str(origin)


@transaction.atomic
def set_policy(
    *,
    organisation: Organisation,
    slug: str,
    is_enabled: bool = True,
    cap: Decimal | None = None,
    auto_approval_up_to: Decimal | None = None,
    reasons: list[str] | None = None,
    patience: Mapping[str, int] | None = None,
) -> tuple[PolicyVersion, bool]:
    """Write the policy of an organisation for a request type; the same again changes nothing.

    Args:
        reasons: the only ones that may be given; None for free text.
        patience: hours, by the names of `Patience`; what is missing never comes.

    Raises:
        TypeNotSupported: unknown type.
        ValidationError: contradictory values; or the organisation is set up or in use, and this would change something.
    """
    registry.get(slug)
    try:
        terms = Terms(
            is_enabled=is_enabled, cap=cap, reasons=None if reasons is None else tuple(reasons),
            auto_approval="off" if auto_approval_up_to is None else "up_to", auto_approval_up_to=auto_approval_up_to,
            patience=Patience.model_validate(patience or {}),
        )  # fmt: skip
    except pydantic.ValidationError as error:
        raise ValidationError(sentences_of(error)) from None
    policy = (
        WorkflowPolicy.objects.filter(organisation=organisation, request_type=slug).select_related("active").first()
    )
    if policy is not None and policy.active is not None and policy.active.terms == terms:
        return policy.active, False
    set_up_phase.check_open(organisation)
    # The people may come after the policy: nobody waits on it yet.
    version = versions.put_in_force(organisation=organisation, slug=slug, terms=terms, author=None, checked=False)
    return version, policy is None


def note_membership(*, membership: Membership, actor: User | None, **_signal: Any) -> None:
    """Audit rights that were given directly (`accounts.set_up_phase.membership_set`)."""
    rights = [name for name in RIGHTS if getattr(membership, name)]
    record_set_up(membership.organisation, actor, member=membership.user.display_name, rights=rights)


def note_access(*, person: User, actor: User | None, what: str, **_signal: Any) -> None:
    """Audit in each of the person's organisations what was done to their access, and tell them."""
    for organisation_id in person.memberships.values_list("organisation_id", flat=True):
        audit.record(f"person.{what}", actor=actor, organisation_id=organisation_id, person=person.display_name)
    if settings.MAIL_ON and person.email and actor != person:
        announce_access(person.pk, what)


def _administrators_needed(organisation: Organisation) -> int:
    found = WorkflowPolicy.objects.filter(organisation=organisation, request_type=SETTINGS_CHANGE)
    policy = found.select_related("active").first()
    return administrators.needed(policy.terms) if policy is not None and policy.active is not None else 2


@transaction.atomic
def appoint_administrator(*, organisation: Organisation, person: User, reason: str) -> Membership:
    """Make a person an administrator where too few are left to approve a change: the way back to four eyes.

    Raises:
        ValidationError: there are as many as the policy for changes of settings needs, or it is no person.
    """
    Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
    if administrators.of_whole_organisation(organisation.pk).count() >= _administrators_needed(organisation):
        raise ValidationError(set_up_phase.closed_sentence(organisation))
    if person.is_service_account:
        raise ValidationError(_("An administrator is a person."))
    membership, _created = Membership.objects.get_or_create(user=person, organisation=organisation)
    for name in ("is_active", "is_administrator"):
        setattr(membership, name, True)
    for name in ("concepts", "zones", "stores", "tills"):
        setattr(membership, name, [])
    membership.save()
    audit.record(
        "settings.administrator_appointed", actor=None, organisation_id=organisation.pk,
        member=person.display_name, reason=reason,
    )  # fmt: skip
    return membership

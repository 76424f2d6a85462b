"""The writers of what an administrator sets up: targets and policies. Each may be called again."""

from __future__ import annotations

from decimal import Decimal

import pydantic
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Organisation
from workflows import registry, secrets
from workflows.models import IntouchTarget, PolicyVersion, WorkflowPolicy
from workflows.rules import versions
from workflows.secrets import Secret
from workflows.targets import parse_origin
from workflows.terms.contradictions import sentences_of
from workflows.terms.document import Terms


def target_binding(target_id: int) -> bytes:
    """The associated data of a target's stored credential."""
    return secrets.binding("target", target_id, "credential")


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
        ValidationError: origin or base URL is not `http(s)://host[:port]`.
    """
    values = {"base_url": canonical_origin(base_url), "allows_internal": allows_internal, "is_enabled": True}
    target, created = IntouchTarget.objects.update_or_create(
        organisation=organisation, origin=canonical_origin(origin), defaults=values
    )
    if credential is not None:
        keep_credential(target, credential)
    return target, created


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
) -> tuple[PolicyVersion, bool]:
    """Write the policy of an organisation for a request type; the same again changes nothing.

    Raises:
        TypeNotSupported: unknown type.
        ValidationError: contradictory values.
    """
    registry.get(slug)
    try:
        terms = Terms(
            is_enabled=is_enabled, cap=cap, reasons=tuple(reasons) if reasons else None,
            auto_approval="off" if auto_approval_up_to is None else "up_to", auto_approval_up_to=auto_approval_up_to,
        )  # fmt: skip
    except pydantic.ValidationError as error:
        raise ValidationError(sentences_of(error)) from None
    policy = (
        WorkflowPolicy.objects.filter(organisation=organisation, request_type=slug).select_related("active").first()
    )
    if policy is not None and policy.active is not None and policy.active.terms == terms:
        return policy.active, False
    # The people may come after the policy: nobody waits on it yet.
    version = versions.put_in_force(organisation=organisation, slug=slug, terms=terms, author=None, checked=False)
    return version, policy is None

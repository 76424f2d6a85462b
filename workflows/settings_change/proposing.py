"""Proposing a change of settings: it is checked, put into words, and waits for another administrator."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.models import Membership, Organisation
from wire.errors import Problem
from wire.secrets import Secret
from workflows import policies, registry, submitting
from workflows.errors import InvalidPayload, OwnRequest
from workflows.models import SETTINGS_CHANGE, IntouchTarget, RequestSource, WorkflowPolicy, WorkflowRequest
from workflows.models.policy import terms_of
from workflows.registry import Subject
from workflows.rules import versions
from workflows.set_up import canonical_origin
from workflows.settings_change import wording
from workflows.settings_change.changes import (
    Access,
    Change,
    MembershipChange,
    PolicyChange,
    Rights,
    TargetChange,
    TargetState,
    as_payload,
)
from workflows.settings_change.strength import ONE_ADMINISTRATOR
from workflows.submission import EntityInfo, Submission, content_digest, is_credential, version_in_force
from workflows.terms.document import Terms

MOST_CHARACTERS = 500
# Settings belong to the whole organisation: only who is restricted to no part of it proposes and approves them.
WHOLE_ORGANISATION = EntityInfo.model_construct(till_id="", store_id="", zone_id="", concept_id="")


def propose_policy(*, actor: Actor, slug: str, terms: Terms, made_from: int | None, note: str) -> WorkflowRequest:
    """Propose the next version of the organisation's policy for a request type.

    Args:
        made_from: id of the version that the proposer saw in force; None where there was none.

    Raises:
        PermissionDenied: no administrator of the whole organisation.
        TypeNotSupported: unknown type.
        InvalidPayload: every problem with the terms, another version is in force by now, or nothing changes.
        NobodyCanDecide: there is no second administrator.
    """
    policies.check_may_propose(actor, WHOLE_ORGANISATION)
    _refuse(versions.problems_with(terms, actor.organisation, slug))
    if slug == SETTINGS_CHANGE:
        _ensure_policy(actor.organisation)
    found = WorkflowPolicy.objects.filter(organisation=actor.organisation, request_type=slug)
    policy = found.select_related("active").first()
    base = policy.active if policy is not None else None
    if (base.pk if base is not None else None) != made_from:
        raise _invalid([_("Another version of the policy came into force meanwhile. Look at it again.")])
    before = base.terms if base is not None else Terms(is_enabled=False)
    change = PolicyChange(
        request_type=slug, base_version=base.number if base is not None else None, document=terms.as_json(),
        difference=wording.of_policy(actor.organisation, before, terms),
    )  # fmt: skip
    return _propose(actor, change, note)


def propose_target(
    *, actor: Actor, origin: str, base_url: str, allows_internal: bool, is_enabled: bool, note: str,
    credential: str | None = None, erases_credential: bool = False,
) -> WorkflowRequest:  # fmt: skip
    """Propose a target, or what the one of this origin is changed to.

    Args:
        credential: a new one; None keeps what there is, unless `erases_credential`.

    Raises:
        PermissionDenied, NobodyCanDecide: as in `propose_policy`.
        InvalidPayload: no origin; nothing changes; or a stored credential would go to another address.
    """
    policies.check_may_propose(actor, WHOLE_ORGANISATION)
    try:
        origin, base_url = canonical_origin(origin), canonical_origin(base_url)
    except ValidationError as error:
        raise _invalid(error.messages) from None
    target = IntouchTarget.objects.filter(organisation=actor.organisation, origin=origin).first()
    before = TargetState.of(target) if target is not None else None
    access: Access = "new" if credential is not None else "erased" if erases_credential else "kept"
    _refuse(_problems_of_access(before, base_url, credential, access))
    has_access = access == "new" or (access == "kept" and before is not None and before.has_own_access)
    after = TargetState(
        base_url=base_url, allows_internal=allows_internal, is_enabled=is_enabled, has_own_access=has_access
    )
    change = TargetChange(
        origin=origin, before=before, after=after, access=access, difference=wording.of_target(before, after, access)
    )
    return _propose(actor, change, note, secret=None if credential is None else Secret(credential))


def _problems_of_access(before: TargetState | None, base_url: str, credential: str | None, access: str) -> list[str]:
    if credential is not None and not is_credential(credential):
        return [_("A credential is one line of printable ASCII text, as in the header: Basic … or Bearer …")]
    if access == "kept" and before is not None and before.has_own_access and before.base_url != base_url:
        # Whoever moves a target could otherwise have the old credential sent to a host of their own.
        return [_("The address changes: enter the credential again, or erase it.")]
    if access == "erased" and (before is None or not before.has_own_access):
        return [_("There is no stored credential to erase.")]
    return []


def propose_credential(*, actor: Actor, target: IntouchTarget, credential: str, note: str) -> WorkflowRequest:
    """Propose a new credential for a target, which stays as it is otherwise.

    Raises: as `propose_target`.
    """
    return propose_target(
        actor=actor, origin=target.origin, base_url=target.base_url, allows_internal=target.allows_internal,
        is_enabled=target.is_enabled, note=note, credential=credential,
    )  # fmt: skip


def propose_membership(*, actor: Actor, wanted: Membership, note: str) -> WorkflowRequest:
    """Propose what a member may do; for somebody who is no member yet, a membership.

    Args:
        wanted: as it shall be; not saved.

    Raises:
        PermissionDenied, NobodyCanDecide: as in `propose_policy`.
        OwnRequest: it is the actor's own membership.
        InvalidPayload: the rights contradict themselves, or nothing changes.
    """
    policies.check_may_propose(actor, WHOLE_ORGANISATION)
    if wanted.user_id == actor.user.pk:
        raise OwnRequest(_("You cannot propose rights of your own; another administrator can."))
    wanted.organisation = actor.organisation
    try:
        wanted.full_clean(validate_unique=False, validate_constraints=False)
        wanted.validate_constraints(exclude={"user", "organisation"})
    except ValidationError as error:
        raise _invalid(error.messages) from None
    now = Membership.objects.filter(organisation=actor.organisation, user=wanted.user_id).first()
    before, after = Rights.of(now) if now is not None else None, Rights.of(wanted)
    change = MembershipChange(
        user_id=wanted.user_id, user_name=wanted.user.display_name, before=before, after=after,
        difference=wording.of_rights(before, after),
    )  # fmt: skip
    return _propose(actor, change, note, concerns=(wanted.user_id,))


def _propose(
    actor: Actor, change: Change, note: str, *, secret: Secret | None = None, concerns: Sequence[int] = ()
) -> WorkflowRequest:
    note = note.strip()
    if not 0 < len(note) <= MOST_CHARACTERS or not note.isprintable():
        raise _invalid([_("Say why, on one line of at most %(most)s characters.") % {"most": MOST_CHARACTERS}])
    if not change.difference:
        raise _invalid([_("This changes nothing.")])
    _ensure_policy(actor.organisation)
    version_id = version_in_force(actor.organisation, SETTINGS_CHANGE)
    content = as_payload(change)
    submission = Submission(
        request_type=registry.get(SETTINGS_CHANGE), version_id=version_id, terms=terms_of(version_id),
        entity=WHOLE_ORGANISATION, target=None, body=change,
        subject=Subject(f"settings-{uuid4().hex[:12]}", None, None, note, concerns=tuple(concerns)),
        facts=None, content=content, secret=secret, digest=content_digest(WHOLE_ORGANISATION, content),
    )  # fmt: skip
    return submitting.submit(actor=actor, submission=submission, source=RequestSource.ADMIN).request


@transaction.atomic
def _ensure_policy(organisation: Organisation) -> None:
    """Every organisation has a policy for changes of settings, from the first one on."""
    WorkflowPolicy.objects.get_or_create(organisation=organisation, request_type=SETTINGS_CHANGE)
    policy = WorkflowPolicy.objects.select_for_update().get(organisation=organisation, request_type=SETTINGS_CHANGE)
    if policy.active_id is None:
        versions.put_in_force(
            organisation=organisation, slug=SETTINGS_CHANGE, terms=ONE_ADMINISTRATOR, author=None, checked=False
        )


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        raise _invalid(problems)


def _invalid(sentences: Sequence[str]) -> InvalidPayload:
    return InvalidPayload(problems=[Problem(InvalidPayload.code, sentence, "") for sentence in sentences])

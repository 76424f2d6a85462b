"""May they? The one place: admin and API hide their buttons with the same functions that the services enforce with."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Protocol

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import AccessUnconfirmed
from accounts.actors import Actor
from accounts.freshness import FreshProof, FreshProofNeeded
from accounts.models import Membership
from wire.errors import ApiError
from workflows.amounts import readable
from workflows.errors import AlreadyDecided, NoCredential, OwnRequest, PermissionDenied
from workflows.models import AdminTask, IntouchCall, WorkflowRequest
from workflows.states import State
from workflows.terms.document import Role


class Entity(Protocol):
    """Where a request comes from; both a submission's entity and a stored request are one."""

    concept_id: str
    zone_id: str
    store_id: str
    till_id: str


class Asked(Entity, Protocol):
    """What a decision on a request depends on; a stored request is one, and so is a plain row of these columns."""

    organisation_id: int
    maker_id: int
    state: str
    amount: Decimal | None


class Level(Protocol):
    """What the open level asks of whoever decides it: a task, or a plain row of these columns."""

    level: int
    role: str
    users: list[int]
    concepts: list[str]
    zones: list[str]
    stores: list[str]
    tills: list[str]
    barred: list[int]
    escalated_at: datetime | None
    backup_role: str
    backup_users: list[int]
    assigned_to_id: int | None
    opened_by_id: int | None


def _covered(actor: Actor, entity: Entity) -> bool:
    return actor.membership.covers(
        concept=entity.concept_id, zone=entity.zone_id, store=entity.store_id, till=entity.till_id
    )


def check_may_make(actor: Actor) -> None:
    """Raises PermissionDenied unless the actor is a maker."""
    if not actor.membership.is_maker:
        raise PermissionDenied(_("You need CanMakeRequest in this organisation."))


def check_may_submit(actor: Actor, entity: Entity, *, one_step: bool) -> None:
    """Raises PermissionDenied: no maker, outside the scope, or in one step without that grant or one's own access."""
    check_may_make(actor)
    if not _covered(actor, entity):
        raise PermissionDenied(_("This till, store, zone or concept is outside your scope."), reference="entityInfo")
    if one_step and actor.user.access_given_by:
        raise AccessUnconfirmed
    if one_step and not actor.membership.may_issue_in_one_step:
        raise PermissionDenied(
            _("Issuing in one step needs an explicit grant; submit without is_one_step_change."),
            reference="is_one_step_change",
        )


def check_may_propose(actor: Actor, entity: Entity) -> None:
    """Raises PermissionDenied unless the actor is an administrator of the whole organisation."""
    if not actor.membership.is_administrator or not _covered(actor, entity):
        raise PermissionDenied(_("Only an administrator of the whole organisation can propose this."))


def may_see(actor: Actor, request: Asked) -> bool:
    """Whether the actor may read the request: any member of its organisation."""
    return actor.organisation.pk == request.organisation_id


def why_not_decide(actor: Actor, request: Asked, task: Level | None = None) -> ApiError | None:
    """Why the actor may not decide the request now; None where they may.

    Four eyes come first, so that the maker learns the real reason and a superuser meets it too. Whoever gave an account
    the means to log in could be both its eyes and their own (`accounts.access`).

    Args:
        task: the open task, where it is known; whoever asked for a retry may not decide it either.
    """
    if request.maker_id == actor.user.pk:
        return OwnRequest()
    if task is not None and task.opened_by_id == actor.user.pk:
        return OwnRequest(_("You asked for this retry yourself; somebody else must decide it."))
    if request.maker_id in actor.user.gave_access_to or (task and task.opened_by_id in actor.user.gave_access_to):
        return OwnRequest(_("You gave whoever asks for this the means to log in; somebody else must decide it."))
    if not may_see(actor, request) or not _is_any_checker(actor):
        return PermissionDenied(_("You need CanCheckRequest in this organisation."))
    if actor.user.access_given_by:
        return AccessUnconfirmed()
    if not _covered(actor, request):
        return PermissionDenied(_("The request's till, store, zone or concept is outside your scope."))
    if request.state != State.WAITING:
        return AlreadyDecided()
    return None if task is None else _why_not_at_level(actor, request, task)


def _is_any_checker(actor: Actor) -> bool:
    return actor.membership.is_checker or actor.membership.is_administrator


def _why_not_at_level(actor: Actor, request: Asked, task: Level) -> ApiError | None:
    """What the open level asks of whoever decides it; `desk.decidable_by` says the same to the database."""
    membership = actor.membership
    if actor.user.pk in task.barred:
        if task.level == 1:
            return PermissionDenied(_("This concerns yourself; somebody else must decide it."))
        return PermissionDenied(
            _("You decided an earlier level of this request, or it concerns you; this one needs somebody else.")
        )
    if not _is_asked(actor, task):
        return PermissionDenied(
            str(_ASKED[Role(task.role)]) if not task.users else _("This level asks for other people.")
        )
    most = membership.decides_up_to
    if most is not None and request.amount is not None and request.amount > most:
        return PermissionDenied(
            _("You may decide requests up to %(most)s; this one is larger.") % {"most": readable(most)}
        )
    if task.assigned_to_id not in (None, actor.user.pk) and not membership.is_supervisor:
        return PermissionDenied(_("A supervisor has handed this task to somebody else."))
    return None


_ASKED = {
    Role.CHECKER: gettext_lazy("You need CanCheckRequest in this organisation."),
    Role.SUPERVISOR: gettext_lazy("This level needs a supervisor."),
    Role.ADMINISTRATOR: gettext_lazy("This needs an administrator of the organisation."),
}


def roles_of(membership: Membership) -> list[Role]:
    """The roles that a member can fill a level in."""
    roles = []
    if membership.is_checker:
        roles.append(Role.CHECKER)
        if membership.is_supervisor:
            roles.append(Role.SUPERVISOR)
    if membership.is_administrator:
        roles.append(Role.ADMINISTRATOR)
    return roles


def _is_asked(actor: Actor, task: Level) -> bool:
    """Whether the level's people take the actor in, or its backup does once it was escalated."""
    roles, user_id = roles_of(actor.membership), actor.user.pk
    if task.role in roles and (not task.users or user_id in task.users) and _lies_within(actor.membership, task):
        return True
    return (
        task.escalated_at is not None
        and task.backup_role in roles
        and (not task.backup_users or user_id in task.backup_users)
    )


def _lies_within(membership: Membership, task: Level) -> bool:
    """Whether the member's own scope lies within the level's; an empty scope of a member is everywhere."""
    pairs = (
        (membership.concepts, task.concepts),
        (membership.zones, task.zones),
        (membership.stores, task.stores),
        (membership.tills, task.tills),
    )
    return all(not asked or (own and set(own) <= set(asked)) for own, asked in pairs)


def needs_fresh_proof(actor: Actor, request: Asked) -> bool:
    """Whether the organisation asks whoever approves this amount to prove once more who they are."""
    limit = actor.organisation.fresh_password_above
    return limit is not None and request.amount is not None and request.amount > limit


def check_fresh_enough(actor: Actor, request: WorkflowRequest, proof: FreshProof | None) -> None:
    """Raises FreshProofNeeded where the amount asks for a fresh proof and this is none of the actor's."""
    if needs_fresh_proof(actor, request) and (proof is None or proof.user_id != actor.user.pk):
        raise FreshProofNeeded


def why_not_assign(actor: Actor, request: WorkflowRequest, task: AdminTask) -> ApiError | None:
    """Why the actor may not hand the task to somebody; a supervisor may whom neither four eyes nor scope keep away."""
    if request.maker_id == actor.user.pk or task.opened_by_id == actor.user.pk:
        return OwnRequest(_("You asked for this yourself; another supervisor can hand it over."))
    if not may_see(actor, request) or not actor.membership.is_supervisor:
        return PermissionDenied(_("Only a supervisor can hand a task over."))
    if not _covered(actor, request):
        return PermissionDenied(_("The request's till, store, zone or concept is outside your scope."))
    return AlreadyDecided() if task.decision is not None else None


def why_not_withdraw(actor: Actor, request: WorkflowRequest) -> ApiError | None:
    """Why the actor may not withdraw the request now; only its maker may, and only while it waits."""
    if request.maker_id != actor.user.pk:
        return PermissionDenied(_("Only the maker of a request can withdraw it."))
    if request.state != State.WAITING:
        return AlreadyDecided()
    return None


def check_may_operate(actor: Actor) -> None:
    """Raises PermissionDenied unless the actor is an operator."""
    if not actor.membership.is_operator:
        raise PermissionDenied(_("You need the operator's role in this organisation."))


def why_not_retry(actor: Actor, request: WorkflowRequest) -> ApiError | None:
    """Why the actor may not ask for another try of a failed request; None where they may."""
    if not actor.membership.is_operator or not may_see(actor, request):
        return PermissionDenied(_("You need the operator's role in this organisation."))
    if request.state != State.FAILED:
        return AlreadyDecided(_("Only a failed request can be tried again."))
    if request.target is None:
        return AlreadyDecided(_("A change of settings is not tried again; it is proposed anew."))
    if IntouchCall.objects.filter(request=request, already_known=True).exists():
        return AlreadyDecided(
            _("Intouch knows this reference from elsewhere; it needs a new request with another one.")
        )
    if request.target.credential is None:
        return NoCredential()
    return None

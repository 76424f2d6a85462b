"""What operators do when Intouch, the broker or a request needs a hand. Each act is one audited transaction."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts.actors import Actor
from workflows import audit, policies
from workflows.models import Pause, TargetBreaker, WorkflowRequest
from workflows.queue import announce
from workflows.states import QUEUED, State


def stuck(actor: Actor, *, states: Iterable[State], ids: Iterable[UUID] = ()) -> QuerySet[WorkflowRequest]:
    """Requests of the actor's organisation in these states that no worker is at; only these ids, if any are given."""
    found = WorkflowRequest.objects.filter(organisation=actor.organisation, state__in=list(states)).exclude(
        lease_expires_at__gt=Now()
    )
    wanted = list(ids)
    return found.filter(pk__in=wanted) if wanted else found


@transaction.atomic(durable=True)
def make_due(*, actor: Actor, request_id: UUID, action: str) -> bool:
    """Make a queued request due now, whether it has tries left or not; False where it is not waiting any more.

    Args:
        action: `operator.requeued` or `operator.reconciled`; what the next attempt does follows from the state.

    Raises:
        PermissionDenied: no operator.
    """
    policies.check_may_operate(actor)
    request = stuck(actor, states=QUEUED, ids=[request_id]).select_for_update(skip_locked=True, of=("self",)).first()
    if request is None:
        return False
    WorkflowRequest.objects.filter(pk=request.pk).update(due_at=Now())
    audit.record(action, request=request, actor=actor.user, state=request.state, tries=request.tries)
    announce(request.pk)
    return True


@transaction.atomic(durable=True)
def pause(*, actor: Actor, request_type: str = "", reason: str) -> bool:
    """Stop carrying out anything of the organisation, or of one type; False where it is paused already.

    Raises:
        PermissionDenied: no operator.
    """
    policies.check_may_operate(actor)
    _, created = Pause.objects.get_or_create(
        organisation=actor.organisation, request_type=request_type,
        defaults={"reason": reason, "paused_by": actor.user},
    )  # fmt: skip
    if created:
        audit.record(
            "operator.paused", actor=actor.user, organisation_id=actor.organisation.pk,
            request_type=request_type, reason=reason,
        )  # fmt: skip
    return created


@transaction.atomic(durable=True)
def resume(*, actor: Actor, request_type: str = "") -> bool:
    """Lift a pause, and close the circuit breakers of the organisation; False where nothing was paused.

    Raises:
        PermissionDenied: no operator.
    """
    policies.check_may_operate(actor)
    removed, _ = Pause.objects.filter(organisation=actor.organisation, request_type=request_type).delete()
    closed = TargetBreaker.objects.filter(target__organisation=actor.organisation).update(failures=0, open_until=None)
    if removed or closed:
        audit.record(
            "operator.resumed", actor=actor.user, organisation_id=actor.organisation.pk, request_type=request_type
        )
    return bool(removed)

"""Taking one decision on many tasks: each in its own transaction, by the service that decides a single one.

A run is a row with a lease, like a request: whoever holds the lease goes on with it, a killed worker is followed by
another, and what the run has decided already is known again by its task, not decided twice and not called a failure.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from django.db import DatabaseError, transaction
from django.db.models import Count, F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import freshness
from accounts.actors import Actor, actor_in
from accounts.errors import PermissionDenied
from accounts.freshness import FreshProof, FreshProofNeeded
from wire.errors import ApiError
from workflows import audit, bulk_review, bulk_selection, queue, services
from workflows.collisions import is_collision
from workflows.failpoints import failpoint
from workflows.models import AdminTask, BulkItem, BulkOutcome, BulkPhase, BulkRun, BulkVerdict, Decision

logger = logging.getLogger(__name__)

INLINE: Final = 200
CHUNK: Final = 25
SLICE: Final = 200
LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class _Result:
    item_id: int
    outcome: BulkOutcome
    sentence: str = ""


@transaction.atomic(durable=True)
def start(
    *, actor: Actor, run_id: int, confirmed: Collection[int], verdict: BulkVerdict, message: str,
    proof: FreshProof | None,
) -> int | None:  # fmt: skip
    """Confirm a choice: what cannot be decided is left out at once, the rest is carried on with by `carry_on`.

    Args:
        confirmed: the items that the person read as those to be decided; no other item is.

    Returns:
        How many are to be decided; None where it was confirmed before, by a double click, and nothing was done.

    Raises:
        PermissionDenied: it is somebody else's choice.
        FreshProofNeeded: an amount among them asks for the password, and it was not given.
    """
    run = BulkRun.objects.select_for_update().filter(pk=run_id, organisation=actor.organisation).first()
    if run is None or run.person_id != actor.user.pk:
        raise PermissionDenied(_("Only who has chosen these requests decides them."))
    if run.phase != BulkPhase.CHOSEN:
        return None
    found = bulk_review.review(run, actor, confirmed=confirmed)
    is_proved = proof is not None and proof.user_id == actor.user.pk
    if verdict == BulkVerdict.APPROVED and found.needs_fresh_proof and not is_proved:
        raise FreshProofNeeded
    for sentence, lines in found.left_out.items():
        _write(run, [_Result(line.pk, BulkOutcome.LEFT_OUT, sentence) for line in lines])
    now = timezone.now()
    BulkRun.objects.filter(pk=run.pk).update(
        phase=BulkPhase.RUNNING, verdict=verdict, message=message, started_at=now,
        proved_at=now if is_proved else None,
    )  # fmt: skip
    audit.record(
        "bulk.started", organisation_id=run.organisation_id, actor=actor.user, run=run.pk, message=message,
        verdict=verdict, chosen=run.total, left_out=found.left_out_number, filter=run.filter,
    )  # fmt: skip
    if len(found.included) > INLINE:
        queue.announce_bulk(run.pk)
    return len(found.included)


def carry_on(run_id: int, *, most: int = SLICE) -> bool:
    """Decide up to so many items, if nobody else is at the run; whether some are left for the next turn.

    Raises:
        DatabaseError: something was in the way; the run is free for the next turn, if that could still be written.
    """
    run = _claim(run_id)
    if run is None:
        return False
    try:
        return _take_turn(run, most)
    except DatabaseError:
        with suppress(DatabaseError):
            _give_back(run)
        raise


def _take_turn(run: BulkRun, most: int) -> bool:
    done = 0
    while done < most:
        failpoint("bulk.chunk")
        items = list(bulk_selection.items_of(run).filter(outcome=None).order_by("pk")[:CHUNK])
        if not items:
            _end(run)
            return False
        results = _decide_all(run, items)
        if not _keep(run, results):
            return False
        done += len(items)
    return _give_back(run)


def _claim(run_id: int) -> BulkRun | None:
    """Take the lease of a run that nobody is at."""
    free = Q(lease_expires_at=None) | Q(lease_expires_at__lte=Now())
    claimed = BulkRun.objects.filter(free, pk=run_id, phase=BulkPhase.RUNNING).update(
        lease_expires_at=Now() + LEASE, claims=F("claims") + 1
    )
    return BulkRun.objects.select_related("person").get(pk=run_id) if claimed else None


def _decide_all(run: BulkRun, items: list[BulkItem]) -> list[_Result]:
    try:
        actor = actor_in(user_id=run.person_id, organisation_id=run.organisation_id)
    except PermissionDenied:
        return [
            _Result(item.pk, BulkOutcome.REFUSED, _("You may not act in this organisation any more.")) for item in items
        ]
    proof = freshness.as_recorded(actor.user, run.proved_at)
    return [_decide(run, item, actor, proof) for item in items]


def _decide(run: BulkRun, item: BulkItem, actor: Actor, proof: FreshProof | None) -> _Result:
    """Decide one item as if its page were open; rights, state and digest are looked at under its lock."""
    if item.task.decision is not None:
        return _of_decided(run, item.task, item)
    try:
        _through_service(run, item, actor, proof)
    except ApiError as refusal:
        task = AdminTask.objects.get(pk=item.task_id)
        if _is_own(run, task):
            return _Result(item.pk, BulkOutcome.DECIDED)
        return _Result(item.pk, BulkOutcome.REFUSED, str(refusal.detail))
    except DatabaseError:
        raise  # nothing is known of the others either: the next turn goes on here
    except Exception:
        logger.exception("an item of a bulk decision failed", extra={"run": run.pk, "item": item.pk})
        return _Result(item.pk, BulkOutcome.REFUSED, _("Something unforeseen happened; it may wait still. Look at it."))
    return _Result(item.pk, BulkOutcome.DECIDED)


def _through_service(run: BulkRun, item: BulkItem, actor: Actor, proof: FreshProof | None) -> None:
    """Once more where another transaction stood in the way: that one has ended since."""
    request_id: UUID = item.request_id
    decide = partial(
        services.decide, actor=actor, request_id=request_id, decision=Decision(str(run.verdict)), message=run.message,
        digests=[item.digest], proof=proof, task_id=item.task_id,
    )  # fmt: skip
    try:
        decide()
    except DatabaseError as error:
        if not is_collision(error):
            raise
        logger.warning("an item of a bulk decision is decided once more", extra={"run": run.pk, "item": item.pk})
        decide()


def _of_decided(run: BulkRun, task: AdminTask, item: BulkItem) -> _Result:
    if _is_own(run, task):
        return _Result(item.pk, BulkOutcome.DECIDED)
    who = task.checker_name or audit.SYSTEM
    sentence = _("%(who)s was faster: %(decision)s.") % {"who": who, "decision": task.get_decision_display()}
    return _Result(item.pk, BulkOutcome.REFUSED, sentence)


def _is_own(run: BulkRun, task: AdminTask) -> bool:
    """Whether this very run has decided the task, and died or was overtaken before it could write that down."""
    return (
        task.checker_id == run.person_id
        and task.decision == run.verdict
        and task.message == run.message
        and task.decided_at is not None
        and run.started_at is not None
        and task.decided_at >= run.started_at
    )


@transaction.atomic(durable=True)
def _keep(run: BulkRun, results: list[_Result]) -> bool:
    """Write outcomes and keep the lease; False where another worker has taken the run over, which knows them itself."""
    mine = BulkRun.objects.filter(pk=run.pk, claims=run.claims, phase=BulkPhase.RUNNING)
    if not mine.update(lease_expires_at=Now() + LEASE):
        return False
    _write(run, results)
    return True


def _write(run: BulkRun, results: list[_Result]) -> None:
    """One statement per sentence; an outcome that stands already is left alone."""
    grouped: dict[tuple[BulkOutcome, str], list[int]] = {}
    for result in results:
        grouped.setdefault((result.outcome, result.sentence), []).append(result.item_id)
    for (outcome, sentence), ids in grouped.items():
        BulkItem.objects.filter(run=run, pk__in=ids, outcome=None).update(
            outcome=outcome, sentence=sentence[:1000], at=timezone.now()
        )


@transaction.atomic(durable=True)
def _end(run: BulkRun) -> None:
    ended = BulkRun.objects.filter(pk=run.pk, claims=run.claims, phase=BulkPhase.RUNNING).update(
        phase=BulkPhase.ENDED, ended_at=timezone.now(), lease_expires_at=None
    )
    if ended:
        audit.record(
            "bulk.ended", organisation_id=run.organisation_id, actor=run.person, run=run.pk, verdict=run.verdict,
            outcomes=outcomes(run.pk),
        )  # fmt: skip


def _give_back(run: BulkRun) -> bool:
    return bool(BulkRun.objects.filter(pk=run.pk, claims=run.claims).update(lease_expires_at=None))


def outcomes(run_id: int) -> dict[str, int]:
    """How many items came out how; `open` are those not yet looked at."""
    found = BulkItem.objects.filter(run=run_id).order_by().values_list("outcome").annotate(Count("pk"))
    tally = dict.fromkeys([*BulkOutcome.values, "open"], 0)
    return tally | {outcome or "open": number for outcome, number in found}


def states_of_decided(run_id: int) -> dict[str, int]:
    """How many of the requests that the run has decided stand in which state by now."""
    decided = BulkItem.objects.filter(run=run_id, outcome=BulkOutcome.DECIDED).order_by()
    return dict(decided.values_list("request__state").annotate(Count("pk")))


def abandoned() -> list[int]:
    """Runs that are to go on and that nobody is at."""
    free = Q(lease_expires_at=None) | Q(lease_expires_at__lte=Now())
    return list(BulkRun.objects.filter(free, phase=BulkPhase.RUNNING).order_by("pk").values_list("pk", flat=True)[:100])

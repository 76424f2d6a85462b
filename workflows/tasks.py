"""Thin Celery tasks: an id in, a service called. A message may come twice, late or never; none of it matters."""

from __future__ import annotations

import logging
from uuid import UUID

from celery import shared_task

from workflows import bulk_running, bulk_selection, desk_figures, execution, patience, queue
from workflows.drafting import replaying
from workflows.mail import access_letters, delivery
from workflows.rules import stuck

logger = logging.getLogger(__name__)

SWEEP_BATCH = 1000


@shared_task(name=queue.EXECUTE_TASK)
def execute(request_id: str) -> None:
    """Make at most one attempt at the request, if it is due and nobody else is at it."""
    try:
        wanted = UUID(request_id)
    except (ValueError, AttributeError, TypeError):
        logger.warning("a message without a request id was dropped")
        return
    execution.execute(wanted)


@shared_task(name="workflows.sweep")
def sweep() -> int:
    """Send hints for what is due, on nobody's way and named by no message that waits; none to a queue that is full."""
    waiting, hinted = queue.waiting_hints(SWEEP_BATCH)
    room = SWEEP_BATCH - waiting
    return queue.publish(execution.due_ids(room, besides=hinted)) if room > 0 else 0


@shared_task(name=queue.BULK_TASK)
def carry_on_bulk(run_id: int) -> None:
    """One turn of a bulk decision, and a hint for the next one, so that no run keeps a worker for itself."""
    if bulk_running.carry_on(int(run_id)):
        queue.publish_bulk(int(run_id))


@shared_task(name="workflows.sweep_bulk")
def sweep_bulk() -> int:
    """Send hints for bulk decisions and replays that nobody is at: their worker died, or their hint was lost.

    Forgets old choices.
    """
    bulk_selection.forget_drafts()
    runs, drafts = bulk_running.abandoned(), replaying.abandoned()
    for run_id in runs:
        queue.publish_bulk(run_id)
    for draft_id in drafts:
        queue.publish_replay(draft_id)
    return len(runs) + len(drafts)


@shared_task(name=queue.MAIL_TASK)
def deliver_mail(notice_id: int | None = None) -> int:
    """Send whatever is due in the outbox of mail; the notice of a hint is only one of it."""
    return delivery.deliver_due()


@shared_task(name=queue.ACCESS_TASK)
def tell_of_access(person_and_what: str) -> bool:
    """Tell somebody what was done to their access: `<user id>:<what>`."""
    user_id, _, what = person_and_what.partition(":")
    return access_letters.send(int(user_id), what)


@shared_task(name="workflows.be_patient")
def be_patient() -> int:
    """Reminders, escalations, warnings and expiries that are due; what is more than one batch, at the next beat."""
    return patience.run()


@shared_task(name=queue.PEOPLE_TASK)
def check_people(organisation_id: int | None = None) -> int:
    """Look for requests that nobody can decide: in one organisation, or, every night, in all of them."""
    return stuck.check_all() if organisation_id is None else stuck.check_organisation(int(organisation_id))


@shared_task(name="workflows.close_days")
def close_days() -> int:
    """Count the days that are over, for the home page, which counts them itself until this has run."""
    return desk_figures.close_days()


@shared_task(name=queue.REPLAY_TASK)
def replay_draft(draft_id: int) -> None:
    """Replay the draft of a policy over the requests of the past."""
    replaying.work_out(int(draft_id))

"""The twins: the same races without the lock. If these did not go wrong, the tests beside them would prove nothing."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import Membership, User
from tests.concurrency.racing import Rendezvous, failures, race, successes
from tests.house import House
from tests.workflows.journeys import actions_of, past_the_guards, reread, sql, task_of
from wire.messages import send
from workflows import audit, policies, services
from workflows.errors import AlreadyDecided
from workflows.models import AdminTask, Decision, WorkflowRequest
from workflows.states import State

MOVES = {Decision.APPROVED: State.EXECUTING, Decision.REJECTED: State.REJECTED}


def look_then_write(
    house: House, by: User, request: WorkflowRequest, meeting: Rendezvous, decision: Decision = Decision.APPROVED,
    *, guarded: bool,
) -> Any:  # fmt: skip
    """A decision as one would first write it: read the row, find it waiting, write."""
    row = WorkflowRequest.objects.select_related("organisation", "maker").get(pk=request.pk)
    task = AdminTask.objects.get(request=row)
    if row.state != State.WAITING or task.decision is not None:
        raise AlreadyDecided
    meeting.wait()
    with transaction.atomic():
        if not guarded:
            sql("SET LOCAL session_replication_role = replica")
        send(services._closed(task, decision, f"said {by.username}", by, row.digest))
        send(*services._moved(row, MOVES[decision], due=decision == Decision.APPROVED))
        audit.record(f"task.{decision}", request=row, actor=by)
    return row


def test_without_the_lock_and_the_triggers_two_checkers_both_win(house: House, other_checker: User) -> None:
    request, meeting = house.submit(), Rendezvous(2)
    results = race(
        partial(look_then_write, house, house.checker, request, meeting, guarded=False),
        partial(look_then_write, house, other_checker, request, meeting, guarded=False),
    )
    assert len(successes(results)) == 2
    assert actions_of(request) == ["request.submitted", "task.approved", "task.approved"]


def test_without_the_lock_a_rejected_request_may_be_carried_out(house: House, other_checker: User) -> None:
    request, meeting = house.submit(), Rendezvous(2)
    results = race(
        partial(look_then_write, house, house.checker, request, meeting, guarded=False),
        partial(look_then_write, house, other_checker, request, meeting, Decision.REJECTED, guarded=False),
    )
    assert len(successes(results)) == 2, "both were told that their decision stands"
    assert set(actions_of(request)[1:]) == {"task.approved", "task.rejected"}


def test_without_the_lock_the_triggers_still_let_one_decision_stand(house: House, other_checker: User) -> None:
    request, meeting = house.submit(), Rendezvous(2)
    results = race(
        partial(look_then_write, house, house.checker, request, meeting, guarded=True),
        partial(look_then_write, house, other_checker, request, meeting, Decision.REJECTED, guarded=True),
    )
    (winner,), (loser,) = successes(results), failures(results)
    assert type(loser) is IntegrityError, "the loser meets the database, which the lock keeps people from"
    assert loser.__cause__.diag.constraint_name == "task_decided_once"  # type: ignore[union-attr]
    assert reread(request).state == winner.state
    assert MOVES[Decision(str(task_of(request).decision))] == winner.state


def test_with_the_rights_that_the_page_was_opened_with_nobody_would_be_refused(house: House) -> None:
    request, opened_page = house.submit(), house.actor(house.checker)
    Membership.objects.filter(user=house.checker).update(is_checker=False)
    assert policies.why_not_decide(opened_page, request) is None


def test_past_the_triggers_a_maker_could_approve_their_own_request_but_for_the_constraint(house: House) -> None:
    request = house.submit()
    with past_the_guards():
        results = race(partial(look_then_write, house, house.maker, request, Rendezvous(1), guarded=False))
    assert [error.__cause__.diag.constraint_name for error in failures(results)] == ["task_maker_is_not_checker"]  # type: ignore[union-attr]

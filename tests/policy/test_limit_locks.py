"""Counters are locked in one order, whoever adds to them and whoever takes off; and who waited too long goes on."""

from __future__ import annotations

from functools import partial
from threading import Thread
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from tests.concurrency.racing import failures, race
from tests.house import House
from tests.policy.holding import counters_held, wait_until_blocked
from tests.policy.test_limits import limit, limited
from tests.policy.times import let_pass
from tests.workflows.journeys import reread, sql, task_of
from workflows import bulk_running, bulk_selection, patience, queue, services, submitting, tasks
from workflows.models import BulkRun, LimitUse, WorkflowRequest
from workflows.rules import usage
from workflows.states import State
from workflows.submission import read_submission

pytestmark = pytest.mark.django_db(transaction=True)

KINDS = ("customer", "maker", "program", "store")


def counted_for_all(house: House) -> None:
    limited(house, *(limit(name=per, per=per, most=10_000) for per in KINDS))


def submit_beside_a_withdrawal(house: House) -> list[Exception]:
    """Both have begun with their counters, and cannot go on, when they are let go; what went wrong."""
    counted_for_all(house)
    request = house.submit(points=10)
    submission = read_submission(house.body(points=10), organisation=house.organisation, slug="GOODWILL-POINTS")
    actor = house.actor(house.maker)
    results: list[Any] = []
    acts = (
        partial(services.withdraw, actor=actor, request_id=request.pk),
        partial(submitting.submit, actor=actor, submission=submission),
    )
    with counters_held("per = 'maker'") as holder:
        racing = Thread(target=lambda: results.extend(race(*acts)))
        racing.start()
        try:
            wait_until_blocked(holder, 2)
        finally:
            holder.rollback()
            racing.join()
    assert len(results) == 2
    return failures(results)


def test_a_submission_and_a_withdrawal_wait_for_each_other_and_not_in_a_circle(committed_house: House) -> None:
    assert submit_beside_a_withdrawal(committed_house) == []
    assert {(row.points, row.requests) for row in LimitUse.objects.all()} == {(10, 1)}


def test_locked_in_another_order_they_would_wait_in_a_circle(
    committed_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin."""
    turned_round = usage._FREE.replace("ORDER BY u.per FOR UPDATE", "ORDER BY u.per DESC FOR UPDATE")
    assert turned_round != usage._FREE
    monkeypatch.setattr(usage, "_FREE", turned_round)
    (error,) = submit_beside_a_withdrawal(committed_house)
    assert "deadlock detected" in str(error)


@pytest.fixture
def impatient() -> Any:
    """Locks are waited for only so long, as `lock_timeout` on the role has it."""
    sql("SET lock_timeout = '200ms'")
    yield
    sql("RESET lock_timeout")


def expiring(house: House, customer: int) -> WorkflowRequest:
    return house.submit(points=10, earningEntityId=customer)


def test_what_cannot_be_had_now_holds_up_no_other_expiry(
    committed_house: House, impatient: None, caplog: pytest.LogCaptureFixture
) -> None:
    limited(committed_house, limit(), patience={"expire_after": 24, "warn_before": 1})
    first, second = expiring(committed_house, 1), expiring(committed_house, 2)
    let_pass(23)
    assert patience.run() == 2  # the warnings
    let_pass(2)
    WorkflowRequest.objects.filter(pk=first.pk).update(expires_at="2020-01-01T00:00Z")
    with counters_held("subject = '1'"):
        assert patience.run() == 1
    assert (reread(first).state, reread(second).state) == (State.WAITING, State.EXPIRED)
    assert "1 of 2 that were due could not be done" in caplog.text
    assert patience.run() == 1
    assert reread(first).state == State.EXPIRED


class TestABulkDecision:
    def chosen(self, house: House) -> tuple[BulkRun, list[WorkflowRequest]]:
        limited(house, limit())
        requests = [house.submit(points=10, earningEntityId=customer) for customer in (1, 2)]
        actor = house.actor(house.checker)
        run = bulk_selection.choose_rows(
            {house.organisation.pk: actor}, {task_of(request).pk: request.digest for request in requests}
        )
        return run, requests

    def started(self, house: House) -> tuple[BulkRun, list[WorkflowRequest]]:
        run, requests = self.chosen(house)
        bulk_running.start(
            actor=house.actor(house.checker), run_id=run.pk, confirmed=run.items.values_list("pk", flat=True),
            verdict="rejected", message="not these", proof=None,
        )  # fmt: skip
        return run, requests

    def test_an_item_that_another_transaction_stood_in_the_way_of_is_decided_once_more(
        self, committed_house: House, impatient: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run, requests = self.started(committed_house)
        decide, tries = services.decide, []
        with counters_held("subject = '1'") as holder:

            def decide_and_let_go(**asked: Any) -> WorkflowRequest:
                tries.append(asked["request_id"])
                if tries.count(requests[0].pk) == 2:
                    holder.rollback()
                return decide(**asked)

            monkeypatch.setattr(bulk_running.services, "decide", decide_and_let_go)
            assert bulk_running.carry_on(run.pk) is False
        assert tries == [requests[0].pk, requests[0].pk, requests[1].pk]
        assert [reread(request).state for request in requests] == [State.REJECTED] * 2
        assert bulk_running.outcomes(run.pk)["decided"] == 2

    def test_one_that_cannot_be_had_the_second_time_either_is_left_to_the_next_turn(
        self, committed_house: House, impatient: None
    ) -> None:
        run, requests = self.started(committed_house)
        with counters_held("subject = '1'"), pytest.raises(OperationalError):
            bulk_running.carry_on(run.pk)
        assert reread(requests[0]).state == State.WAITING
        assert bulk_running.abandoned() == [run.pk]
        bulk_running.carry_on(run.pk)
        assert [reread(request).state for request in requests] == [State.REJECTED] * 2

    def test_the_one_who_confirmed_it_sees_how_far_it_is_and_a_worker_goes_on_with_it(
        self, committed_house: House, impatient: None, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent: list[Any] = []
        monkeypatch.setattr(queue, "_send", lambda task, ids: sent.extend((task, found) for found in ids) or 1)
        run, requests = self.chosen(committed_house)
        client.force_login(committed_house.checker)
        page = f"/admin/workflows/bulkrun/{run.pk}/change/"
        given = {"decision": "rejected", "message": "not these", "confirmed": client.get(page).context["confirmed"]}
        with counters_held("subject = '1'"):
            answer = client.post(page.replace("change", "start"), given)
        assert (answer.status_code, answer["Location"]) == (302, page)
        assert "0 of 2: 0 decided, 0 not decided, 0 left out." in client.get(page).content.decode()
        assert (queue.BULK_TASK, run.pk) in sent
        tasks.carry_on_bulk(run.pk)
        assert [reread(request).state for request in requests] == [State.REJECTED] * 2

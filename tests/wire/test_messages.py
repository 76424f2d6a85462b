"""Statements that are sent together do what they do when each is sent alone, and all of them or none."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.house import House
from wire.messages import Statement, send, send_alone
from workflows.models import AdminTask, WorkflowRequest

LOCK = "SELECT reason FROM workflows_workflowrequest WHERE id = %s FOR UPDATE"
TASKS = "SELECT message FROM workflows_admintask WHERE request_id = %s"
WRITE = "UPDATE workflows_admintask SET message = %s WHERE request_id = %s"


def values_of(cursor: Any) -> list[Any]:
    return [value for (value,) in cursor.fetchall()]


def test_each_answer_stands_in_the_place_of_its_statement(house: House) -> None:
    request = house.submit()
    with transaction.atomic():
        answers = send(Statement(LOCK, [request.pk], values_of), Statement(TASKS, [request.pk], values_of))
    assert answers == [[request.reason], [""]]


def test_a_later_statement_sees_what_an_earlier_one_has_done(house: House) -> None:
    request = house.submit()
    with transaction.atomic():
        answers = send(Statement(WRITE, ["seen", request.pk]), Statement(TASKS, [request.pk], values_of))
    assert answers == [None, ["seen"]]


def test_what_follows_a_failure_is_not_done_and_the_connection_serves_on(committed_house: House) -> None:
    request = committed_house.submit()
    with pytest.raises(IntegrityError, match="what was asked for is never changed"), transaction.atomic():
        send(
            Statement(WRITE, ["first", request.pk]),
            Statement("UPDATE workflows_workflowrequest SET reason = %s WHERE id = %s", ["other", request.pk]),
            Statement(WRITE, ["last", request.pk]),
        )
    assert AdminTask.objects.get(request=request).message == ""


@pytest.mark.parametrize("prepares", [True, False])
def test_several_outside_a_transaction_are_answered_as_if_each_were_sent_alone(
    committed_house: House, settings: Any, prepares: bool
) -> None:
    request = committed_house.submit()
    settings.PREPARED_STATEMENTS = prepares
    answers = send(*[Statement(TASKS, [request.pk], values_of), Statement("SELECT 7::int", [], values_of)] * 2)
    assert answers == [[""], [7]] * 2
    with pytest.raises(ProgrammingError, match="nowhere"):
        send(Statement(TASKS, [request.pk], values_of), Statement("SELECT 1 FROM nowhere", []))
    assert send(Statement(TASKS, [request.pk], values_of)) == [[""]], "the connection serves on"


def test_nothing_is_sent_in_a_transaction_that_cannot_be_committed(house: House) -> None:
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(transaction.TransactionManagementError):
            send(Statement("SELECT 1", []))


def test_what_is_read_behind_a_lock_is_what_its_last_holder_has_left(committed_house: House) -> None:
    """Otherwise a decision would be judged by what stood there before it had to wait."""
    request = committed_house.submit()
    locked, answers = threading.Event(), []

    def wait_for_the_lock() -> None:
        with transaction.atomic():
            locked.set()
            answers.extend(send(Statement(LOCK, [request.pk]), Statement(TASKS, [request.pk], values_of)))
        connection.close()

    with transaction.atomic():
        WorkflowRequest.objects.select_for_update().get(pk=request.pk)
        waiting = threading.Thread(target=wait_for_the_lock)
        waiting.start()
        assert locked.wait(10)
        while not send(Statement("SELECT count(*) FROM pg_locks WHERE NOT granted", [], values_of))[0][0]:
            pass
        AdminTask.objects.filter(request=request).update(message="left behind")
    waiting.join()
    assert answers == [None, ["left behind"]]


def test_whoever_looks_at_the_statements_sees_each_of_them(house: House) -> None:
    request = house.submit()
    with transaction.atomic(), CaptureQueriesContext(connection) as seen:
        send(Statement(LOCK, [request.pk]), Statement(TASKS, [request.pk]))
    assert [query["sql"].partition(" WHERE")[0] for query in seen.captured_queries] == [
        LOCK.partition(" WHERE")[0], TASKS.partition(" WHERE")[0],
    ]  # fmt: skip


def test_what_has_to_be_committed_by_itself_is_not_sent_within_a_transaction(committed_house: House) -> None:
    request = committed_house.submit()
    with pytest.raises(RuntimeError, match="outside transactions only"), transaction.atomic():
        send_alone(Statement(WRITE, ["lost", request.pk]))
    send_alone(Statement(WRITE, ["kept", request.pk]))
    assert AdminTask.objects.get(request=request).message == "kept"

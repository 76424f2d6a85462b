"""Statements that are planned once: when they are, and that a value's size makes no second one of them."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

import pytest
from django.db import IntegrityError, NotSupportedError, OperationalError, ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from wire.messages import Statement, send

pytestmark = pytest.mark.django_db

TIMES = 8  # more than the threshold
PLANNED = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%/* of this test */%%'"


def planned() -> int:
    with connection.cursor() as cursor:
        cursor.execute(PLANNED)
        return int(cursor.fetchone()[0])


def only(answer: Any) -> Any:
    return answer.fetchone()[0]


def ask(*values: Any, sql: str = "SELECT /* of this test */ %s::bigint + 1") -> list[Any]:
    """Each by a message of its own."""
    return [send(Statement(sql, [value], only))[0] for value in values]


def test_a_statement_that_is_sent_often_is_planned_once_whatever_the_size_of_its_numbers():
    before = planned()
    assert ask(*[1, 70_000, 5_000_000_000] * TIMES) == [2, 70_001, 5_000_000_001] * TIMES
    assert planned() == before + 1


def test_lists_of_numbers_and_of_texts_are_sent_as_what_they_are_whatever_their_size():
    sql = "SELECT /* of this test */ %s::bigint[], %s::text[]"
    lists = [([], []), ([1], ["a"]), ([70_000, -1], ['"', "{,}", ""]), ([5_000_000_000, 2], ["NULL"])]
    for numbers, texts in lists * TIMES:
        assert send(Statement(sql, [numbers, texts], lambda answer: answer.fetchall())) == [[(numbers, texts)]]


def test_whoever_looks_on_sees_the_text_whether_or_not_it_is_planned_already():
    with CaptureQueriesContext(connection) as seen:
        ask(*[1] * TIMES)
    assert ["of this test" in query["sql"] for query in seen] == [True] * TIMES


def test_what_django_sends_itself_is_never_kept_in_the_session():
    before = planned()
    for _ in range(TIMES):
        with connection.cursor() as cursor:
            cursor.execute("SELECT /* of this test */ %s + 1", [1])
    assert planned() == before


def test_without_the_setting_nothing_is_kept_in_the_session(settings: Any) -> None:
    before = planned()
    settings.PREPARED_STATEMENTS = False
    assert ask(*[1] * TIMES) == [2] * TIMES
    assert planned() == before


def test_a_number_that_no_column_can_hold_is_compared_and_not_refused() -> None:
    assert send(Statement("SELECT 1::bigint = %(number)s", {"number": 2**63}, only)) == [False]


def test_a_name_stands_for_one_value_however_often_it_is_used_and_a_percent_sign_for_itself() -> None:
    sql = "SELECT %(one)s::bigint - %(other)s::bigint + %(one)s::bigint, '100 %%'"
    assert send(Statement(sql, {"other": 1, "one": 5}, lambda answer: answer.fetchall())) == [[(9, "100 %")]]


def test_what_is_planned_survives_a_rollback(transactional_db: None) -> None:
    ask(*[1] * TIMES)
    before = planned()
    with pytest.raises(IntegrityError), transaction.atomic():
        send(Statement("INSERT INTO accounts_organisation (id) VALUES (%s)", [7]))
    assert ask(*[1] * TIMES) == [2] * TIMES
    assert planned() == before


def test_what_could_not_be_planned_because_of_another_statement_is_planned_the_next_time() -> None:
    ask(*[1] * (TIMES - 3), sql="SELECT /* of this test */ %s::bigint + 2")  # the next time it is to be planned
    with pytest.raises(ProgrammingError), transaction.atomic():
        send(Statement("SELECT 1 FROM nowhere", []), Statement("SELECT /* of this test */ %s::bigint + 2", [1]))
    assert ask(*[1] * TIMES, sql="SELECT /* of this test */ %s::bigint + 2") == [3] * TIMES


def test_a_table_that_is_altered_is_asked_anew_after_one_failure(transactional_db: None) -> None:
    """As a running service meets it when a migration changes a column."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE altered (value int)")
        try:
            send(Statement("INSERT INTO altered VALUES (%s)", [1]))
            read = Statement("SELECT * FROM altered WHERE value::text = %s::text", ["1"], only)
            assert [send(read)[0] for _ in range(TIMES)] == [1] * TIMES
            cursor.execute("ALTER TABLE altered ALTER value TYPE text")
            with pytest.raises(NotSupportedError, match="cached plan must not change result type"):
                send(read)
            assert send(read) == ["1"]
        finally:
            cursor.execute("DROP TABLE altered")


def test_a_failure_at_the_commit_of_one_message_is_raised_and_nothing_is_kept(transactional_db: None) -> None:
    """Foreign keys are looked at when all of it is done: an answer that came before would be no answer."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE referring (id bigint REFERENCES accounts_organisation DEFERRABLE INITIALLY DEFERRED)"
        )
        try:
            with pytest.raises(IntegrityError, match="is not present in table"):
                send(Statement("INSERT INTO referring VALUES (%s)", [7]), Statement("SELECT 1", []))
            cursor.execute("SELECT count(*) FROM referring")
            assert cursor.fetchone() == (0,)
        finally:
            cursor.execute("DROP TABLE referring")
    assert ask(1) == [2], "the connection serves on"


def test_a_connection_that_is_lost_says_why_and_is_not_used_again(transactional_db: None) -> None:
    with pytest.raises(OperationalError, match="terminating connection due to administrator command"):
        send(Statement("SELECT pg_terminate_backend(pg_backend_pid())", []), Statement("SELECT 1", []))
    connection.close_if_unusable_or_obsolete()
    assert ask(1) == [2]


def test_waiting_that_is_broken_off_ends_the_statement_and_the_connection_serves_on(transactional_db: None) -> None:
    """As Ctrl-C does in a command."""
    ask(1)
    threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        send(Statement("SELECT pg_sleep(600)", []))
    assert time.monotonic() - started < 60
    assert ask(1) == [2]

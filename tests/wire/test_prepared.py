"""Statements that are planned once: when they are, and that a value's size makes no second one of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from wire import prepared

pytestmark = pytest.mark.django_db

TIMES = 8  # more than the threshold
PLANNED = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%/* of this test */%%'"


def planned() -> int:
    with connection.cursor() as cursor:
        cursor.execute(PLANNED)
        return int(cursor.fetchone()[0])


def send(*values: Any) -> list[Any]:
    answers = []
    for value in values:
        with prepared.cursor() as cursor:
            cursor.execute("SELECT /* of this test */ %s::bigint + 1", [value])
            answers.append(cursor.fetchone()[0])
    return answers


def test_a_statement_that_is_sent_often_is_planned_once_whatever_the_size_of_its_numbers():
    before = planned()
    assert send(*[1, 70_000, 5_000_000_000] * TIMES) == [2, 70_001, 5_000_000_001] * TIMES
    assert planned() == before + 1


def test_whoever_looks_on_sees_the_text_whether_or_not_it_is_planned_already():
    with CaptureQueriesContext(connection) as seen:
        send(*[1] * TIMES)
    assert ["of this test" in query["sql"] for query in seen] == [True] * TIMES


def test_what_django_sends_itself_is_never_kept_in_the_session():
    before = planned()
    for _ in range(TIMES):
        with connection.cursor() as cursor:
            cursor.execute("SELECT /* of this test */ %s + 1", [1])
    assert planned() == before


def test_without_the_setting_nothing_is_kept_in_the_session():
    before = planned()
    connection.ensure_connection()
    threshold, connection.connection.prepare_threshold = connection.connection.prepare_threshold, None
    try:
        assert send(*[1] * TIMES) == [2] * TIMES
    finally:
        connection.connection.prepare_threshold = threshold
    assert planned() == before


def test_a_number_that_no_column_can_hold_is_compared_and_not_refused():
    with prepared.cursor() as cursor:
        cursor.execute("SELECT 1::bigint = %(number)s", {"number": 2**63})
        assert cursor.fetchone() == (False,)

"""The tables of concrete inputs that are refused: how many there are, and that each test looks at both sides of it.

A refusal has a status, and it leaves nothing behind: no row in any table, and so no call, for only a stored request is
ever called for.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Collection
from typing import Any

import pytest

from tests.accounts import test_ui_tokens
from tests.admin import test_password_again
from tests.api import test_bad_fields, test_bad_headers, test_bad_json, test_bad_requests
from tests.security import test_admin_abuse, test_canary, test_wire_server, wrong_places

LEAST = 150
LEAST_OF_A_POINT = 20
Table = tuple[Collection[Any], Callable[..., None]]

FIELDS = test_bad_fields.test_a_wrong_field_is_refused_with_its_code_and_its_place
TARGETS = [row for row in test_bad_fields.WRONG if row[2] == 2022]
OTHER_FIELDS = [row for row in test_bad_fields.WRONG if row[2] != 2022]
# What is defended, with the inputs and the test that walks through them.
TABLES: dict[str, list[Table]] = {
    "the outgoing target": [
        (TARGETS, FIELDS),
        (test_bad_headers.WRONG, test_bad_headers.test_a_header_that_cannot_be_used_is_named),
    ],
    "secrets, in every place where none belongs": [
        ([*wrong_places.WRONG_FIELDS, *wrong_places.PLACES, *wrong_places.TOO_LONG], test_canary.send_astray),
    ],
    "log-in and tokens": [
        (test_ui_tokens.BAD, test_ui_tokens.test_a_token_that_is_not_exactly_right_proves_nothing),
    ],
    "tenancy": [
        (test_bad_headers.INVALID_ORGANISATIONS, test_bad_headers.test_a_malformed_organisation_header_is_refused),
    ],
    "one reading of every request": [
        (test_bad_json.UNREADABLE, test_bad_json.test_what_cannot_be_read_one_way_only_is_refused),
        (test_bad_headers.TYPES, test_bad_headers.test_a_body_of_another_type_is_refused),
        (test_bad_requests.SUBMIT_QUERIES, test_bad_requests.test_a_wrong_parameter_of_a_submission_is_named),
        (test_bad_requests.TYPES, test_bad_requests.test_another_request_type_is_not_supported),
        (test_wire_server.AMBIGUOUS,
         test_wire_server.test_a_body_whose_end_is_in_doubt_is_refused_and_nothing_behind_it_read),
        (test_wire_server.HEADS, test_wire_server.test_an_odd_head_is_refused),
    ],
    "the body, field by field": [
        (OTHER_FIELDS, FIELDS),
        (test_bad_fields.NEEDED, test_bad_fields.test_a_missing_field_is_named),
        (test_bad_headers.KEYS, test_bad_headers.test_an_odd_idempotency_key_is_refused),
    ],
    "the admin": [
        (test_admin_abuse.WISHES, test_admin_abuse.test_no_hand_made_post_adds_changes_or_deletes_a_guarded_row),
        (test_password_again.WRONG_PASSWORDS,
         test_password_again.test_without_it_nothing_is_decided_and_what_was_written_stays),
    ],
}  # fmt: skip


@pytest.mark.parametrize("point", TABLES)
def test_a_point_has_enough_rows_and_no_row_twice(point: str) -> None:
    for rows, _ in TABLES[point]:
        texts = [repr(row) for row in rows]
        assert len(texts) == len(set(texts))
    assert sum(len(rows) for rows, _ in TABLES[point]) >= LEAST_OF_A_POINT


def test_there_are_enough_of_them() -> None:
    assert sum(len(rows) for tables in TABLES.values() for rows, _ in tables) >= LEAST


def looks_at_both_sides(source: str) -> bool:
    """Whether a test asserts what was answered, and that the database is what it was."""
    asserted = [ast.unparse(node) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assert | ast.Call)]
    answered = any("status" in text or text.startswith(("assert_refused", "assert_unauthenti")) for text in asserted)
    kept = any(text.startswith("assert ") and "before" in text for text in asserted)
    return answered and kept


WALKS = [(point, walk) for point, tables in TABLES.items() for _, walk in tables]


@pytest.mark.parametrize(("point", "walk"), WALKS, ids=[f"{point}: {walk.__name__}" for point, walk in WALKS])
def test_every_row_has_a_status_and_leaves_nothing_behind(point: str, walk: Callable[..., None]) -> None:
    assert looks_at_both_sides(inspect.getsource(walk)), point


HALVES = [
    "def test(): assert ask().status == 400",
    "def test(): assert stored() == before",
    "def test(): assert_refused(ask(), 400)",
    "def test():\n    before = stored()\n    status = ask()",
]


@pytest.mark.parametrize("half", HALVES)
def test_half_a_look_is_none(half: str) -> None:
    assert not looks_at_both_sides(half)

"""Every index costs every insert: each is looked up within an organisation, or has a reason here."""

from __future__ import annotations

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db

# Rows that people make by hand: too few for an index to cost anything.
MADE_BY_HAND = (
    "goodwill_goodwillimport", "goodwill_program", "workflows_bulkrun", "workflows_intouchtarget",
    "workflows_mailchoice", "workflows_pause", "workflows_policydraft", "workflows_policyversion",
    "workflows_savedview", "workflows_targetbreaker", "workflows_workflowpolicy",
)  # fmt: skip
REASONS = {
    "goodwill_goodwillrequest.workflow_request_id": "the history row of a request, and at most one",
    "goodwill_goodwillimportreject.goodwill_import_id,line": "the rejected rows of an import, each line once",
    "workflows_admintask.request_id,level": "the levels of a request, each once",
    "workflows_admintask.checker_id": "the desk's filter for what somebody decided themselves, of all that was decided",
    "workflows_auditevent.request_id,id": "the story of a request",
    "workflows_bulkitem.run_id,task_id": "the requests of a bulk decision, each once",
    "workflows_bulkitem.task_id": "Django's own",
    "workflows_bulkitem.request_id": "Django's own",
    "workflows_intouchcall.request_id,attempt": "the calls of a request, each attempt once",
    "workflows_notice.due_at,id": "the letters that are due, of all organisations",
    "workflows_notice.recipient_id": "Django's own; a letter that was sent is deleted",
    "workflows_notice.request_id": "Django's own; a letter that was sent is deleted",
}


def indexes() -> set[tuple[str, str]]:
    """Table and columns of every index of ours that holds all rows, but for primary keys."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.indrelid::regclass::text, (SELECT string_agg(coalesce(a.attname, '?'), ',' ORDER BY place)"
            "         FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)"
            "         LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number)"
            "  FROM pg_index i"
            " WHERE i.indrelid::regclass::text ~ '^(goodwill|workflows)_'"
            "   AND NOT i.indisprimary AND i.indpred IS NULL"
        )
        return set(cursor.fetchall())


def test_every_index_begins_with_the_organisation_or_has_a_reason() -> None:
    elsewhere = {
        f"{table}.{columns}"
        for table, columns in indexes()
        if table not in MADE_BY_HAND and columns.split(",")[0] != "organisation_id"
    }
    assert elsewhere == set(REASONS)


def test_no_index_is_the_beginning_of_another() -> None:
    found = {(table, tuple(columns.split(","))) for table, columns in indexes() if table not in MADE_BY_HAND}
    repeated = {
        (table, columns)
        for table, columns in found
        for other, longer in found
        if table == other and len(longer) > len(columns) and longer[: len(columns)] == columns
    }
    assert repeated == set()

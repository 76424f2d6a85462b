"""What the database keeps of decisions, calls and the audit trail, whoever writes."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models.functions import Now

from tests.factories import MembershipFactory, UserFactory
from tests.house import House, build_house
from tests.workflows.journeys import broken, past_the_guards, sql, task_of
from workflows.errors import RefusedByPolicy
from workflows.models import AdminTask, AuditEvent, IntouchCall, Pause, PolicyVersion, WorkflowPolicy, WorkflowRequest

TASKS, CALLS = "workflows_admintask", "workflows_intouchcall"


def decide(task: AdminTask, **columns: Any) -> None:
    """Write a decision past every service; a good one unless changed."""
    values = {"decision": "approved", "checker_id": None, "decided_at": task.opened_at, "message": "m", "digest": "d"}
    values |= columns
    names = ", ".join(f"{name} = %s" for name in values)
    sql(f"UPDATE {TASKS} SET {names} WHERE id = %s", *values.values(), task.pk)


def open_task(request: WorkflowRequest, **columns: Any) -> None:
    values = {
        "organisation_id": request.organisation_id, "request_id": request.pk, "level": 2, "maker_id": request.maker_id,
        "opened_at": request.created_at, "decision": None, "checker_id": None, "decided_at": None, "checker_name": "",
        "message": "", "digest": "", **columns,
    }  # fmt: skip
    sql(f"INSERT INTO {TASKS} ({', '.join(values)}) VALUES ({', '.join(['%s'] * len(values))})", *values.values())


def begin_call(request: WorkflowRequest, attempt: int, outcome: str | None = None, **columns: Any) -> IntouchCall:
    """A call as services write it: it begins in flight, and its outcome comes later."""
    call: IntouchCall = IntouchCall.objects.create(
        organisation_id=request.organisation_id, request=request, attempt=attempt, started_at=Now()
    )
    values = {"outcome": outcome, "finished_at": Now() if outcome else None, **columns}
    if values != {"outcome": None, "finished_at": None}:
        IntouchCall.objects.filter(pk=call.pk).update(**values)
    return call


def test_the_checker_is_never_the_maker(house: House) -> None:
    task = task_of(house.submit())
    with broken("task_maker_is_not_checker"):
        decide(task, checker_id=house.maker.pk)
    decide(task, checker_id=house.checker.pk)


def test_the_checker_is_never_who_asked_for_the_retry(house: House) -> None:
    request = house.approve(house.submit())
    operator = MembershipFactory(user=UserFactory(), organisation=house.organisation, is_operator=True).user
    open_task(request, opened_by_id=operator.pk)
    task = AdminTask.objects.get(request=request, level=2)
    with broken("task_opener_is_not_checker"):
        decide(task, checker_id=operator.pk)


@pytest.mark.parametrize(
    "columns",
    [
        {"checker_id": None}, {"checker_id": "somebody", "decided_at": None},
        {"decision": None, "checker_id": "somebody"}, {"decision": None, "checker_id": None},
        {"decision": "withdrawn", "checker_id": "somebody"}, {"decision": "expired", "checker_id": "somebody"},
        {"decision": "maybe", "checker_id": "somebody"}, {"decision": "maybe", "checker_id": None},
        {"decision": "withdrawn", "decided_at": None},
    ],
    ids=lambda columns: "-".join(f"{name}={value}" for name, value in columns.items()),
)  # fmt: skip
def test_a_task_is_either_undecided_or_decided_in_whole(house: House, columns: dict[str, Any]) -> None:
    task = task_of(house.submit())
    checker = house.checker.pk if columns.get("checker_id") else None
    with broken("task_undecided_has_no_checker"):
        decide(task, **{**columns, "checker_id": checker})


@pytest.mark.parametrize("column", ["message", "digest"])
def test_a_decision_has_a_message_and_the_digest_it_was_taken_on(house: House, column: str) -> None:
    task = task_of(house.submit())
    with broken("task_decision_has_message_and_digest"):
        decide(task, checker_id=house.checker.pk, **{column: ""})


def test_a_request_has_one_open_task(house: House) -> None:
    request = house.submit()
    with broken("task_one_open_per_request"):
        open_task(request)


def test_a_request_has_one_task_per_level(house: House) -> None:
    request = house.submit()
    decide(task_of(request), checker_id=house.checker.pk)
    with broken("task_once_per_level"):
        open_task(request, level=1)
    open_task(request, level=2)


def test_a_task_begins_undecided(house: House) -> None:
    request = house.submit()
    with broken("task_begins_undecided"):
        open_task(
            request, decision="approved", checker_id=house.checker.pk, decided_at=request.created_at, message="m",
            digest="d",
        )  # fmt: skip


def test_a_task_has_the_maker_of_its_request(house: House) -> None:
    request = house.submit()
    decide(task_of(request), checker_id=house.checker.pk)
    with broken("task_begins_undecided"):
        open_task(request, maker_id=house.checker.pk)


def test_a_task_has_the_organisation_of_its_request(house: House) -> None:
    request, other = house.submit(), build_house(51251)
    decide(task_of(request), checker_id=house.checker.pk)
    with broken("task_begins_undecided"):
        open_task(request, organisation_id=other.organisation.pk)


@pytest.mark.parametrize(
    "columns",
    [{"decision": "rejected"}, {"checker_id": None, "decision": None, "decided_at": None}, {"message": "other"},
     {"digest": "e"}],
    ids=["turned round", "taken back", "message", "digest"],
)  # fmt: skip
def test_a_decision_is_taken_once(house: House, columns: dict[str, Any]) -> None:
    task = task_of(house.submit())
    decide(task, checker_id=house.checker.pk)
    with broken("task_decided_once"):
        decide(task, **{"checker_id": house.checker.pk, **columns})


@pytest.mark.parametrize("column", ["maker_id", "request_id", "organisation_id", "level", "opened_at", "opened_by_id"])
def test_an_open_task_is_not_turned_into_another(house: House, column: str) -> None:
    request, other = house.submit(), build_house(51251)
    values = {
        "maker_id": house.checker.pk, "request_id": house.submit().pk, "organisation_id": other.organisation.pk,
        "level": 7, "opened_at": "2020-01-01 00:00:00+00", "opened_by_id": house.auditor.pk,
    }  # fmt: skip
    with broken("task_decided_once"):
        sql(f"UPDATE {TASKS} SET {column} = %s WHERE request_id = %s", values[column], request.pk)


def test_one_call_is_in_flight(house: House) -> None:
    request = house.approve(house.submit())
    begin_call(request, 1)
    with broken("call_one_in_flight"):
        begin_call(request, 2)


def test_one_call_credits(house: House) -> None:
    request = house.approve(house.submit())
    begin_call(request, 1, "credited")
    with broken("call_credited_once"):
        begin_call(request, 2, "credited")


def test_an_attempt_is_one_call(house: House) -> None:
    request = house.approve(house.submit())
    begin_call(request, 1, "unknown")
    with broken("call_once_per_attempt"):
        begin_call(request, 1)


def test_an_outcome_has_its_time_and_a_call_in_flight_has_none(house: House) -> None:
    request = house.approve(house.submit())
    with broken("call_outcome_has_time"):
        begin_call(request, 1, "unknown", finished_at=None)
    with broken("call_outcome_has_time"):
        begin_call(request, 1, finished_at=Now())


FORGED_CALLS = [
    {"outcome": "credited", "finished_at": "2026-01-01 00:00:00+00"},
    {"outcome": "refused", "finished_at": "2026-01-01 00:00:00+00"},
    {"outcome": "unknown", "finished_at": "2026-01-01 00:00:00+00"},
    {"outcome": "credited"},
    {"finished_at": "2026-01-01 00:00:00+00"},
    {"http_status": 201},
    {"organisation_id": 51251},
]


@pytest.mark.parametrize("forged", FORGED_CALLS, ids=str)
def test_no_call_begins_with_an_outcome_or_in_another_organisation(house: House, forged: dict[str, Any]) -> None:
    """A row that claims a credit would otherwise let the request be moved to `credited` without any call."""
    request = house.approve(house.submit())
    build_house(51251)
    values = {
        "organisation_id": request.organisation_id, "request_id": request.pk, "attempt": 1, "purpose": "credit",
        "started_at": "2026-01-01 00:00:00+00", "finished_at": None, "outcome": None, "http_status": None, "error": "",
    }  # fmt: skip

    def insert(row: dict[str, Any]) -> None:
        sql(f"INSERT INTO {CALLS} ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})", *row.values())

    with broken("call_begins_in_flight"):
        insert(values | forged)
    insert(values)


@pytest.mark.parametrize("after", ["credited", "unknown", None])
def test_the_outcome_of_a_call_is_written_once(house: House, after: str | None) -> None:
    call = begin_call(house.approve(house.submit()), 1, "refused")
    with broken("call_outcome_once"):
        IntouchCall.objects.filter(pk=call.pk).update(outcome=after, finished_at=Now() if after else None)


@pytest.mark.parametrize("column", ["attempt", "purpose", "started_at", "request_id", "organisation_id"])
def test_a_call_in_flight_is_not_turned_into_another(house: House, column: str) -> None:
    request, other = house.approve(house.submit()), build_house(51251)
    call = begin_call(request, 1)
    values = {
        "attempt": 9, "purpose": "look_up", "started_at": "2020-01-01 00:00:00+00", "request_id": house.submit().pk,
        "organisation_id": other.organisation.pk,
    }  # fmt: skip
    with broken("call_outcome_once"):
        sql(f"UPDATE {CALLS} SET {column} = %s WHERE id = %s", values[column], call.pk)


@pytest.mark.parametrize(
    "column", ["action", "actor_name", "details", "at", "correlation_id", "request_id", "actor_id"]
)
def test_the_audit_trail_is_not_rewritten(house: House, column: str) -> None:
    request = house.submit()
    values = {"details": "{}", "at": "2020-01-01 00:00:00+00", "request_id": None, "actor_id": None}
    with broken("UPDATE on workflows_auditevent is refused: its rows are kept for ever"):
        sql(f"UPDATE workflows_auditevent SET {column} = %s WHERE request_id = %s", values.get(column, "x"), request.pk)


def test_deleting_through_the_orm_walks_into_the_trigger(house: House) -> None:
    request = house.submit()
    for rows in (AuditEvent.objects.filter(request=request), AdminTask.objects.filter(request=request)):
        with broken(f"DELETE on {rows.model._meta.db_table} is refused: its rows are kept for ever"):
            rows._raw_delete(rows.db)


def test_the_guards_hold_for_everybody_who_does_not_own_the_database(house: House) -> None:
    request = house.submit()
    with past_the_guards():
        sql("UPDATE workflows_auditevent SET action = 'forged' WHERE request_id = %s", request.pk)
    assert AuditEvent.objects.get(request=request).action == "forged", "else the tests above prove nothing"


def test_a_version_of_a_policy_never_changes(house: House) -> None:
    versions = PolicyVersion.objects.filter(policy=house.policy)
    with broken("UPDATE on workflows_policyversion is refused: its rows are kept for ever"):
        versions.update(document={})
    with broken("DELETE on workflows_policyversion is refused: its rows are kept for ever"):
        versions._raw_delete(versions.db)


@pytest.mark.parametrize("nobody", [{"kind": "levels"}, {"kind": "levels", "levels": []}])
def test_a_version_that_asks_for_people_says_for_whom(house: House, nobody: dict[str, Any]) -> None:
    rule = {"name": "large", "when": {"points": {"over": "10"}}}
    for document in ({"default": nobody}, {"rules": [rule | {"then": {"kind": "approve"}}, rule | {"then": nobody}]}):
        with broken("policy_version_asks_somebody"):
            PolicyVersion.objects.create(policy=house.policy, number=99, document=document)
    somebody = {"kind": "levels", "levels": [{}]}
    PolicyVersion.objects.create(
        policy=house.policy, number=99, document={"default": somebody, "rules": [rule | {"then": somebody}]}
    )


def test_a_version_from_before_that_asks_nobody_refuses(house: House) -> None:
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("ALTER TABLE workflows_policyversion DROP CONSTRAINT policy_version_asks_somebody")
    house.policy.active = PolicyVersion.objects.create(
        policy=house.policy, number=99, document={"default": {"kind": "levels"}}
    )
    house.policy.save()
    with pytest.raises(RefusedByPolicy, match="does not say for whom"):
        house.submit(points=60)


def test_a_policy_is_in_force_by_a_version_of_its_own(house: House) -> None:
    other_house = build_house(99)
    with broken("policy_version_of_its_own"):
        WorkflowPolicy.objects.filter(pk=house.policy.pk).update(active=other_house.policy.active)


def test_a_policy_and_a_pause_stand_once(house: House) -> None:
    with broken("policy_once"):
        WorkflowPolicy.objects.create(organisation=house.organisation, request_type=house.policy.request_type)
    Pause.objects.create(organisation=house.organisation, reason="r", paused_by=house.auditor)
    with broken("pause_once"):
        Pause.objects.create(organisation=house.organisation, reason="r", paused_by=house.auditor)

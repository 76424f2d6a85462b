"""What the database keeps of a request, whoever writes: one test per constraint and per refusal of a trigger."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from tests.factories import OrganisationFactory, ProgramFactory, TargetFactory
from tests.house import House
from tests.workflows.journeys import attempt, broken, past_the_guards, reread, sql, write
from workflows.models import IntouchTarget, WorkflowRequest
from workflows.states import TRANSITIONS, State

REQUESTS = "workflows_workflowrequest"


def copy_of(request: WorkflowRequest, **columns: Any) -> None:
    """Insert a copy of a row under another id and reference, with changes, past every service."""
    names = [field.column for field in WorkflowRequest._meta.concrete_fields]
    changed = {"id": uuid4(), "reference_id": "copied", **columns}
    picked = ", ".join("%s" if name in changed else name for name in names)
    values = [changed[name] for name in names if name in changed]
    sql(
        f"INSERT INTO {REQUESTS} ({', '.join(names)}) SELECT {picked} FROM {REQUESTS} WHERE id = %s",
        *values,
        request.pk,
    )


def test_a_copy_under_another_reference_is_accepted(house: House) -> None:
    copy_of(house.submit())
    assert WorkflowRequest.objects.count() == 2


def test_the_state_is_a_known_one(house: House) -> None:
    request = house.submit()
    with past_the_guards(), broken("request_state_known"):
        write(request, state="done")


@pytest.mark.parametrize("reference", ["the same"])
def test_a_reference_is_used_once_per_organisation_and_type(house: House, reference: str) -> None:
    request = house.submit(referenceId=reference)
    with broken("request_reference_once"):
        copy_of(request, reference_id=reference)
    copy_of(request, reference_id=reference.upper())


def test_an_idempotency_key_is_used_once_per_maker(house: House) -> None:
    request = house.submit()
    copy_of(request, reference_id="a", idempotency_key="key")
    with broken("request_idempotency_key_once"):
        copy_of(request, reference_id="b", idempotency_key="key")
    copy_of(request, reference_id="c")
    copy_of(request, reference_id="d")


@pytest.mark.parametrize("amount", ["0", "-1", "-0.000001"])
def test_an_amount_is_positive(house: House, amount: str) -> None:
    request = house.submit()
    with broken("request_amount_positive"):
        copy_of(request, amount=amount)


@pytest.mark.parametrize("customer", [0, -1])
def test_a_customer_is_positive(house: House, customer: int) -> None:
    request = house.submit()
    with broken("request_customer_positive"):
        copy_of(request, customer_id=customer)


@pytest.mark.parametrize("state", [state for state in State if state != State.WAITING])
def test_a_request_begins_as_waiting(house: House, state: State) -> None:
    request = house.submit()
    with broken("request_begins_undecided"):
        copy_of(request, state=state, ended_at=request.created_at, secret=None)


@pytest.mark.parametrize("flag", ["one_step", "auto_approved"])
def test_a_request_begins_as_executing_only_by_grant_or_policy(house: House, flag: str) -> None:
    request = house.submit()
    with broken("request_begins_undecided"):
        copy_of(request, state="executing", due_at=request.created_at)
    copy_of(request, state="executing", due_at=request.created_at, steps=0, **{flag: True})


def test_a_request_begins_with_no_tries(house: House) -> None:
    request = house.submit()
    with broken("request_begins_undecided"):
        copy_of(request, tries=1)


FIXED: dict[str, Any] = {
    "request_type": "OTHER-TYPE", "reference_id": "other", "maker_name": "somebody else", "one_step": True,
    "auto_approved": True, "customer_id": 1, "amount": 21, "payload": "{}", "digest": "0" * 64,
    "created_at": "2020-01-01 00:00:00+00", "till_id": "1", "store_id": "1", "zone_id": "1", "concept_id": "1",
    "id": "00000000-0000-7000-8000-000000000000", "reason": "another", "source": "file", "program_id": 1,
    "program_name": "another", "money": 1, "rule": "another", "judgement": "{}", "steps": 0, "counted_on": "2020-01-01",
}  # fmt: skip


@pytest.mark.parametrize("column", [*FIXED, "maker_id", "organisation_id", "target_id"])
def test_what_was_asked_for_is_never_changed(house: House, column: str) -> None:
    others = {
        "maker_id": house.checker.pk, "organisation_id": OrganisationFactory().pk,
        "target_id": TargetFactory(organisation=house.organisation, origin="http://elsewhere.test").pk,
    }  # fmt: skip
    request = house.submit()
    with broken("request_content_fixed"):
        write(request, **{column: {**FIXED, **others}[column]})


def test_an_ended_request_has_its_time_and_an_open_one_has_none(house: House) -> None:
    request = house.submit()
    with past_the_guards(), broken("request_ended_has_time"):
        write(request, state="rejected", secret=None)
    with broken("request_ended_has_time"):
        write(request, ended_at=request.created_at)


def test_an_ended_request_keeps_no_secret(house: House) -> None:
    request = house.submit()
    with past_the_guards(), broken("request_ended_has_no_secret"):
        write(request, state="rejected", ended_at=request.created_at)


@pytest.mark.parametrize("column", ["due_at", "lease_expires_at"])
def test_only_a_queued_request_is_due_or_leased(house: House, column: str) -> None:
    request = house.submit()
    with broken("request_only_queued_is_due"):
        write(request, **{column: request.created_at})


def test_an_approved_request_has_a_due_time(house: House) -> None:
    request = house.approve(house.submit())
    with broken("request_executing_is_due"):
        write(request, due_at=None)


MOVES = [(before, after) for before in State for after in State if before != after]


def prove(request: WorkflowRequest, house: House, decision: str) -> None:
    """What the moves of a request rest on: a checker's decision, and a call that credited."""
    sql(
        "UPDATE workflows_admintask SET decision = %s, checker_id = %s, decided_at = now(), message = 'm', digest = 'd'"
        " WHERE request_id = %s", decision, house.checker.pk, request.pk,
    )  # fmt: skip
    sql(
        "INSERT INTO workflows_intouchcall (organisation_id, request_id, attempt, purpose, started_at, finished_at,"
        " outcome, error) VALUES (%s, %s, 1, 'credit', now(), now(), 'credited', '')",
        request.organisation_id, request.pk,
    )  # fmt: skip


@pytest.mark.parametrize(("before", "after"), MOVES, ids=[f"{before}-{after}" for before, after in MOVES])
def test_a_request_moves_only_as_the_state_machine_says(house: House, before: State, after: State) -> None:
    request = house.submit()
    ended = {"ended_at": request.created_at, "due_at": None}
    queued = {"ended_at": None, "due_at": request.created_at}
    values = {
        State.WAITING: {"ended_at": None, "due_at": None}, State.EXECUTING: queued, State.UNKNOWN: queued,
    }  # fmt: skip
    with past_the_guards():
        write(request, state=before, secret=None, **values.get(before, ended))
    if after in TRANSITIONS[before]:
        with past_the_guards():
            prove(request, house, "rejected" if after == State.REJECTED else "approved")
        write(request, state=after, **values.get(after, ended))
        assert reread(request).state == after
    else:
        with broken("request_move_exists"):
            write(request, state=after, **values.get(after, ended))


@pytest.mark.parametrize("state", ["executing", "rejected"])
def test_nothing_is_decided_without_the_decision_of_a_checker(house: House, state: str) -> None:
    request = house.submit()
    columns = (
        {"due_at": request.created_at} if state == "executing" else {"ended_at": request.created_at, "secret": None}
    )
    with broken("request_decided_by_checker"):
        write(request, state=state, **columns)


def test_an_approval_does_not_carry_a_rejection(house: House) -> None:
    request = house.submit()
    sql(
        "UPDATE workflows_admintask SET decision = 'approved', checker_id = %s, decided_at = now(), message = 'm',"
        " digest = 'd' WHERE request_id = %s", house.checker.pk, request.pk,
    )  # fmt: skip
    with broken("request_decided_by_checker"):
        write(request, state="rejected", ended_at=request.created_at, secret=None)


def test_an_earlier_approval_does_not_carry_a_second_try(calling_house: House, intouch: Any) -> None:
    intouch.order("400")
    request = attempt(calling_house.approve(calling_house.submit()))
    sql("UPDATE workflows_workflowrequest SET state = 'waiting', ended_at = NULL WHERE id = %s", request.pk)
    sql(
        "INSERT INTO workflows_admintask (organisation_id, request_id, level, maker_id, opened_at, checker_name,"
        " message, digest) VALUES (%s, %s, 2, %s, now(), '', '', '')",
        request.organisation_id, request.pk, request.maker_id,
    )  # fmt: skip
    with broken("request_decided_by_checker"):
        write(request, state="executing", due_at=request.created_at)


def test_nothing_is_credited_without_a_call_that_credited(house: House) -> None:
    request = house.approve(house.submit())
    with broken("request_credited_by_call"):
        write(request, state="credited", ended_at=request.created_at, due_at=None, secret=None)


@pytest.mark.parametrize("table", ["workflowrequest", "admintask", "intouchcall", "auditevent"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_rows_are_kept_for_ever(calling_house: House, table: str, statement: str) -> None:
    attempt(calling_house.approve(calling_house.submit()))
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    verb = statement.split()[0]
    with broken(f"{verb} on workflows_{table} is refused: its rows are kept for ever"):
        sql(statement.format(f"workflows_{table}"))


def test_what_a_request_stands_on_cannot_be_deleted(house: House) -> None:
    request = house.submit()
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    for table, key in [
        ("accounts_organisation", house.organisation.pk), ("accounts_user", request.maker_id),
        ("workflows_intouchtarget", request.target_id), ("goodwill_program", house.program.pk),
    ]:  # fmt: skip
        with pytest.raises(IntegrityError, match="foreign key"), transaction.atomic():
            sql(f"DELETE FROM {table} WHERE id = %s", key)


def test_a_target_is_listed_once_per_organisation(house: House) -> None:
    with broken("target_once"):
        IntouchTarget.objects.create(
            organisation=house.organisation, origin=house.target.origin, base_url="http://b.test"
        )


def test_a_program_of_another_organisation_is_not_this_one_s(house: House) -> None:
    ProgramFactory(organisation=OrganisationFactory(), program_id=house.program.program_id)
    with broken("program_once"):
        ProgramFactory(organisation=house.organisation, program_id=house.program.program_id)

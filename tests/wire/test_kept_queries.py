"""A kept query brings what the ORM brings, and a kept update writes what `save` writes."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Membership
from tests.house import House
from wire.kept_queries import Given, KeptQuery, update
from workflows.models import AdminTask, WorkflowRequest

RELATED = KeptQuery(
    lambda: (
        WorkflowRequest.objects.select_related("organisation", "maker", "target__breaker")
        .filter(pk=Given("request"), state="waiting")
        .order_by()
    )
)


def columns(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_a_row_and_what_is_joined_to_it_are_those_of_the_orm(house: House) -> None:
    request = house.submit()
    kept = RELATED.first(request=request.pk)
    usual = WorkflowRequest.objects.select_related("organisation", "maker", "target__breaker").get(pk=request.pk)
    assert kept is not None
    with CaptureQueriesContext(connection) as statements:
        joined = [kept, kept.organisation, kept.maker, kept.target]
        assert getattr(kept.target, "breaker", None) is None
    assert [columns(row) for row in joined] == [
        columns(row) for row in [usual, usual.organisation, usual.maker, usual.target]
    ]
    assert len(statements) == 0, "what was joined is not asked for again"


def test_each_run_has_values_of_its_own_and_finds_only_their_rows(house: House) -> None:
    first, second = house.submit(), house.submit()
    house.approve(second)
    assert RELATED.first(request=first.pk) == first
    assert RELATED.first(request=second.pk) is None


def test_several_rows_come_in_the_order_of_the_query(house: House) -> None:
    members = KeptQuery(lambda: Membership.objects.filter(organisation=Given("organisation")).order_by("-pk"))
    usual = Membership.objects.filter(organisation=house.organisation).order_by("-pk")
    assert members.all(organisation=house.organisation.pk) == list(usual)
    assert len(usual) > 1


def test_a_value_that_is_not_given_is_an_error(house: House) -> None:
    with pytest.raises(KeyError, match="request"):
        RELATED.first(requests=house.submit().pk)


def test_what_is_deferred_is_read_when_it_is_asked_for(house: House) -> None:
    request = house.submit()
    lean = KeptQuery(lambda: WorkflowRequest.objects.defer("payload").filter(pk=Given("request")).order_by())
    kept = lean.first(request=request.pk)
    assert kept is not None
    assert kept.get_deferred_fields() == {"payload"}
    assert kept.payload == request.payload


def test_a_query_can_be_a_part_of_a_statement_that_brings_more(house: House) -> None:
    request = house.submit()
    counted = KeptQuery(
        lambda: WorkflowRequest.objects.filter(pk=Given("request")).select_for_update().order_by(),
        around="WITH found AS ({query}) SELECT found.*, %s::text FROM found",
        given=("word",),
        also=("said",),
    )
    kept: Any = counted.first(request=request.pk, word="more")
    assert (kept, kept.said) == (request, "more")
    assert columns(kept) == columns(WorkflowRequest.objects.get(pk=request.pk))


def test_an_update_writes_the_named_fields_and_no_other(house: House) -> None:
    task = AdminTask.objects.get(request=house.submit())
    task.claimed_by, task.claimed_at, task.message = house.checker, timezone.now(), "not to be written"
    update(task, ("claimed_by", "claimed_at"))
    written = AdminTask.objects.get(pk=task.pk)
    assert (written.claimed_by, written.claimed_at, written.message) == (house.checker, task.claimed_at, "")


def test_a_time_by_the_database_s_clock_is_set_on_the_row_too(house: House) -> None:
    task = AdminTask.objects.get(request=house.submit())
    update(task, ("remind_at",), by_clock=("remind_at",))
    assert task.remind_at is not None
    assert AdminTask.objects.get(pk=task.pk).remind_at == task.remind_at


def test_an_expression_is_written_as_well(house: House) -> None:
    task = AdminTask.objects.get(request=house.submit())
    task.remind_at = Now()
    update(task, ("remind_at",))
    assert AdminTask.objects.get(pk=task.pk).remind_at is not None


def test_a_row_that_is_not_there_is_an_error(house: House) -> None:
    task = AdminTask.objects.get(request=house.submit())
    task.pk += 1000
    with pytest.raises(DatabaseError, match="not there"):
        update(task, ("message",))

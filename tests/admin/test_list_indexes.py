"""Every order that a list offers is read off an index, so that a page of a million rows costs what one of few does."""

from __future__ import annotations

import pytest
from django.db import connection
from django.http import QueryDict

from accounts.actors import actors_of
from bench import desk_rows
from tests.factories import MembershipFactory, ProgramFactory, UserFactory
from tests.house import House
from workflows import desk, desk_filters
from workflows.admin import task_orders

INDEXES = {
    "oldest": "task_inbox",
    "newest": "task_inbox",
    "most-points": "task_by_points",
    "fewest-points": "task_by_points",
    "most-money": "task_by_money",
    "least-money": "task_by_money",
    "customer": "task_by_customer",
    "customer-down": "task_by_customer",
}

REQUESTS = 4000
WAITING = 100


@pytest.fixture
def busy(house: House) -> House:
    """A house with thousands of requests: of an empty table the planner takes any index, for all cost nothing."""
    for number in range(1, desk_rows.PROGRAMS):
        ProgramFactory(organisation=house.organisation, program_id=house.program.program_id + number)
    makers = [UserFactory() for _ in range(desk_rows.MAKERS - 1)]
    for maker in makers:
        MembershipFactory(user=maker, organisation=house.organisation, is_maker=True)
    checkers = [house.checker, house.colleague] * (desk_rows.CHECKERS // 2)
    desk_rows.write(house.submit(), [house.maker, *makers], checkers, number=REQUESTS, waiting=WAITING)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return house


def plan_of(rows):
    """The plan for the first page, by a planner that is told not to read whole tables or sort them."""
    with connection.cursor() as cursor:
        for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin", "sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        sql, parameters = rows[:26].query.sql_with_params()
        cursor.execute(f"EXPLAIN {sql}", parameters)
        return "\n".join(line for (line,) in cursor.fetchall())


@pytest.mark.parametrize("tab", ["for-me", "waiting"])
def test_what_waits_is_ordered_by_an_index(busy, tab):
    actors = actors_of(busy.checker.pk)
    orders = task_orders.offered(tab)
    assert {order.name for order in orders} == set(INDEXES)
    for order in orders:
        plan = plan_of(order.of(desk.with_request(desk_filters.tasks_for(actors, QueryDict(f"show={tab}")))))
        assert INDEXES[order.name] in plan, (order.name, plan)
        assert "  Sort  " not in plan, (order.name, plan)


def test_what_waits_of_a_maker_and_what_hardly_any_passes_are_read_off_indexes_of_what_waits(busy):
    actors = actors_of(busy.maker.pk)
    mine = desk.undecided(actors).filter(maker=busy.maker).order_by("id")
    assert "task_open_of_maker" in plan_of(mine)
    filters = desk_filters.TaskFilters.from_query({"reason": "nothing like it"})
    rare = filters.few_of(filters.apply(desk.undecided(actors), actors), actors)
    plan = plan_of(rare.order_by("id"))
    assert any(index in plan for index in ("request_waiting", "request_not_credited", "request_of_store")), plan


@pytest.mark.parametrize(("tab", "index"), [("mine", "task_of_maker"), ("decided", "task_decided")])
def test_what_was_decided_is_ordered_by_an_index(busy, tab, index):
    person = busy.maker if tab == "mine" else busy.checker
    actors = actors_of(person.pk)
    for order in task_orders.offered(tab):
        plan = plan_of(order.of(desk_filters.tasks_for(actors, QueryDict(f"show={tab}"))))
        assert index in plan, (order.name, plan)
        assert "Sort" not in plan, (order.name, plan)

"""A page costs as many queries with fifty rows as with five, and never counts a big table to its end."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.admin.conftest import page_of
from tests.admin.test_scoping import MEMBER_PAGES, PLATFORM_PAGES, address
from tests.factories import (
    MembershipFactory,
    OrganisationFactory,
    PolicyFactory,
    ProgramFactory,
    TargetFactory,
    UserFactory,
)
from workflows.models import AdminTask

MOST = 12
MOST_AT_HOME = 20


def queries(client, page):
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(page).status_code == 200
    return [query["sql"] for query in captured]


def fill(house, rows):
    for number in range(rows):
        request = house.submit()
        if number % 5 == 0:
            house.approve(request)


@pytest.mark.parametrize("show", ["for-me", "mine", "waiting", "decided"])
def test_the_tasks(at_desk, house, show, django_assert_max_num_queries):
    _same_for_5_and_50(
        at_desk(house.checker), house, f"{address(AdminTask)}?show={show}", django_assert_max_num_queries
    )


@pytest.mark.parametrize("model", [model for model in MEMBER_PAGES if model is not AdminTask])
def test_the_other_lists(at_desk, house, model, django_assert_max_num_queries):
    _same_for_5_and_50(at_desk(house.checker), house, address(model), django_assert_max_num_queries)


def test_the_search(at_desk, house, django_assert_max_num_queries):
    page = f"{address(AdminTask)}?show=waiting&q=382332518"
    _same_for_5_and_50(at_desk(house.checker), house, page, django_assert_max_num_queries)


def test_the_home_page(at_desk, house, django_assert_max_num_queries):
    _same_for_5_and_50(at_desk(house.checker), house, "/admin/", django_assert_max_num_queries, most=MOST_AT_HOME)


def _same_for_5_and_50(client, house, page, at_most, most=MOST):
    counts = []
    for rows in (5, 45):
        fill(house, rows)
        with at_most(most):
            found = queries(client, page)
        counts.append(len(found))
    assert counts[0] == counts[1]


def test_the_page_of_a_task(at_desk, house):
    request, client = house.submit(), at_desk(house.checker)
    few = queries(client, page_of(request))
    fill(house, 20)
    many = queries(client, page_of(request))
    assert len(many) <= len(few) + 1 <= 18  # one more: there is a next task now


def test_no_list_counts_without_a_limit_or_reads_a_secret(at_desk, house):
    fill(house, 3)
    client = at_desk(house.checker)
    for page in ["/admin/", *(address(model) for model in MEMBER_PAGES), page_of(house.submit())]:
        for sql in queries(client, page):
            # What the home page counts it counts within days.
            is_bounded = "LIMIT" in sql or re.search(r'"(decided|created|ended)_at" >= ', sql)
            assert "COUNT(" not in sql or is_bounded, sql
            assert '"secret"' not in sql, sql
            assert '"credential"' not in sql, sql


@pytest.mark.parametrize("model", PLATFORM_PAGES)
def test_the_set_up(at_desk, root, house, model):
    client, counts = at_desk(root), []
    for rows in (5, 30):
        for number in range(rows):
            organisation = OrganisationFactory()
            ProgramFactory(organisation=organisation)
            TargetFactory(organisation=organisation)
            PolicyFactory(organisation=organisation)
            MembershipFactory(organisation=organisation, user=UserFactory(username=f"user-{rows}-{number}"))
        counts.append(len(queries(client, address(model))))
    assert counts[0] == counts[1] <= MOST

"""How full the limits of a policy are: for those who answer for it, of their own organisation, each number a link."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.factories import MembershipFactory, ProgramFactory, UserFactory, set_terms
from tests.policy.test_limits import limit
from workflows.models import LimitUse

BUDGET = limit(name="monthly budget", per="program", window="month", most=1000)


def page_of(policy: Any) -> str:
    return f"/admin/workflows/workflowpolicy/{policy.pk}/budgets/"


@pytest.fixture
def member(house, at_desk):
    def make(**rights: Any) -> Any:
        return at_desk(MembershipFactory(user=UserFactory(), organisation=house.organisation, **rights).user)

    return make


@pytest.fixture
def auditor(house, at_desk):
    return at_desk(house.auditor)


@pytest.fixture
def budget(house):
    """Two programs, of one of which 300 is used: 100 at the beginning of the month and 200 today."""
    ProgramFactory(organisation=house.organisation, program_id=4000, name="Silver")
    set_terms(house.policy, limits=[BUDGET])
    for points in (50, 150, 100):
        request = house.submit(points=points)
    LimitUse.objects.create(
        organisation=house.organisation, request_type=house.policy.request_type, per="program", subject="4000",
        day=today().replace(day=1) - timedelta(days=1), points=77, requests=1,
    )  # fmt: skip
    return request


def today():
    return timezone.now().date()  # the house's zone is UTC


def test_the_month_of_every_program_is_a_bar_and_a_burn_down_with_a_table(auditor, house, budget):
    answer = auditor.get(page_of(house.policy))
    assert answer.status_code == 200
    (shown,) = answer.context["limits"]
    assert [(bar.label, bar.text, bar.share) for bar in shown.bars.bars] == [
        (house.program.name, "300 of 1,000 (30 %)", 30.0), ("Silver", "0 of 1,000 (0 %)", 0.0),
    ]  # fmt: skip
    left = [column.parts[0].text for column in shown.burn_downs[0][1].columns]
    assert left[today().day - 1 :] == ["700", *["–"] * (len(left) - today().day)]
    assert left[: today().day - 1] == ["1,000"] * (today().day - 1)
    assert answer.content.decode().count("As a table") == 2


def test_what_is_rejected_does_not_count_any_more(auditor, house, budget, at_desk):
    at_desk(house.checker).post(
        f"/admin/workflows/admintask/{budget.tasks.get().pk}/decide/",
        {"decision": "rejected", "message": "no", "digest": budget.digest},
    )
    (shown,) = auditor.get(page_of(house.policy)).context["limits"]
    assert shown.bars.bars[0].text == "200 of 1,000 (20 %)"


def test_a_number_leads_to_the_requests_behind_it(auditor, house, budget):
    house.submit(points=5, programId=4000)
    (shown,) = auditor.get(page_of(house.policy)).context["limits"]
    rows = auditor.get(shown.bars.bars[0].link).context["cl"].rows
    assert sorted(row.request.amount for row in rows) == [50, 100, 150]
    day_of_burn_down = shown.burn_downs[0][1].columns[today().day - 1].parts[0].link
    assert len(auditor.get(day_of_burn_down).context["cl"].rows) == 3


@pytest.mark.parametrize(
    ("per", "name"), [("customer", "382332518"), ("maker", "maker-51250@example.com"), ("store", "50682288")]
)
def test_of_customers_makers_and_stores_the_fullest_are_shown(auditor, house, monkeypatch, per, name):
    monkeypatch.setattr("workflows.budgets.MOST_SUBJECTS", 1)
    set_terms(house.policy, limits=[limit(per=per, measure="requests", window="7", most=3)])
    house.submit(earningEntityId=1, maker=house.service_account)
    for _ in range(2):
        house.submit()
    (shown,) = auditor.get(page_of(house.policy)).context["limits"]
    used = 3 if per == "store" else 2
    (bar,) = shown.bars.bars
    assert (bar.label, bar.text) == (name, f"{used} of 3 ({100 * used // 3} %)")
    assert len(auditor.get(bar.link).context["cl"].rows) == used
    assert shown.burn_downs == []


@pytest.mark.parametrize(
    ("rights", "may"),
    [
        ({"is_administrator": True}, True), ({"is_checker": True, "is_supervisor": True}, True),
        ({"is_auditor": True}, True), ({"is_checker": True}, False), ({"is_maker": True}, False),
        ({"is_operator": True}, False),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)  # fmt: skip
def test_for_administrators_supervisors_and_auditors_alone(member, house, budget, rights, may):
    client = member(**rights)
    answer = client.get(page_of(house.policy))
    assert (answer.status_code, answer.headers.get("Location")) == ((200, None) if may else (302, "/admin/"))
    assert (page_of(house.policy) in client.get("/admin/").content.decode()) is may
    assert client.post(page_of(house.policy)).status_code == 405


def test_a_foreign_policy_looks_like_one_that_does_not_exist(member, root, at_desk, house, other_house, budget):
    set_terms(other_house.policy, limits=[BUDGET])
    for client in (member(is_administrator=True), at_desk(root)):
        pages = [page_of(other_house.policy), "/admin/workflows/workflowpolicy/99999999/budgets/"]
        answers = [client.get(page) for page in [*pages, "/admin/workflows/workflowpolicy/x/budgets/"]]
        assert {(answer.status_code, answer.headers.get("Location")) for answer in answers} == {(302, "/admin/")}
        assert page_of(other_house.policy) not in client.get("/admin/").content.decode()


def test_the_policy_links_to_it_and_home_where_programs_have_a_budget(member, house):
    client = member(is_administrator=True)
    assert (
        page_of(house.policy)
        in client.get(f"/admin/workflows/workflowpolicy/{house.policy.pk}/change/").content.decode()
    )
    assert "Nothing is limited over time" in client.get(page_of(house.policy)).content.decode()
    assert "Budgets of programs" not in client.get("/admin/").content.decode()
    set_terms(house.policy, limits=[BUDGET])
    assert page_of(house.policy) in client.get("/admin/").content.decode()

"""E5: a customer's goodwill history."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from goodwill.models import GoodwillStatus
from tests.api.gateway import Answer, Gateway, assert_refused
from tests.api.rows import NOON, history_row
from tests.factories import ProgramFactory
from tests.house import build_house
from tests.workflows.sandbox_client import running
from workflows import execution, services

CUSTOMER = 382332518
BARE = "/v2/customers/goodwillRequest"

KEYS = ["id", "addedBy", "updatedBy", "addedOn", "updatedOn", "programId", "userId", "requestId", "goodwillType",
        "goodwillStatus", "comments", "reason", "program", "earningEntityType", "oneStep"]  # fmt: skip


def _ids(answer: Answer) -> list[int]:
    return [item["id"] for item in answer.data]


def assert_nothing_found(answer: Answer, limit: int = 10, offset: int = 0) -> None:
    """The answer of contract section 7 where nothing matches, to the letter."""
    assert answer.status == 404
    assert answer.text == (
        f'{{"pagination":{{"limit":{limit},"offset":{offset},"total":0}},"data":[],"warnings":[],'
        '"errors":[{"status":false,"code":9050,"message":"Goodwill request not found"}]}'
    )


def test_a_customer_without_a_history_is_not_found(gateway: Gateway) -> None:
    assert_nothing_found(gateway.history(1))
    assert_nothing_found(gateway.history(1, "limit=5&offset=20"), limit=5, offset=20)
    assert_nothing_found(gateway.call("GET", BARE, query="customerId=1"))


def test_nothing_of_another_organisation_is_found(gateway: Gateway) -> None:
    foreign = build_house(60000)
    history_row(foreign)

    assert_nothing_found(gateway.history())


def test_a_page_past_the_end_is_empty_and_no_error(gateway: Gateway) -> None:
    history_row(gateway.house)

    answer = gateway.history(query="offset=1")

    assert (answer.status, answer.json) == (
        200, {"pagination": {"limit": 10, "offset": 1, "total": 1}, "data": [], "warnings": [], "errors": []},
    )  # fmt: skip
    assert gateway.history(query="offset=9223372036854775807").data == []


def test_the_customer_is_named_in_the_path_or_in_the_query(gateway: Gateway) -> None:
    history_row(gateway.house)

    in_path = gateway.history()
    in_query = gateway.call("GET", BARE, query=f"customerId={CUSTOMER}")
    in_both = gateway.history(query=f"customerId={CUSTOMER}")

    assert in_path.status == 200
    assert in_path.text == in_query.text == in_both.text


@pytest.mark.parametrize(
    ("path", "query"),
    [(BARE, ""), (BARE, "customerId="), (BARE, "customerId=0"), (BARE, "customerId=-1"), (BARE, "customerId=x"),
     (BARE, "customerId=%D9%A2"), (BARE, "customerId=1&customerId=1"), ("/v2/customers/x/goodwillRequest", ""),
     ("/v2/customers/0/goodwillRequest", ""), ("/v2/customers/-1/goodwillRequest", ""),
     ("/v2/customers/1.0/goodwillRequest", ""), ("/v2/customers/%D9%A2/goodwillRequest", ""),
     ("/v2/customers/9223372036854775808/goodwillRequest", ""), ("/v2/customers/%00/goodwillRequest", ""),
     ("/v2/customers/1 /goodwillRequest", ""), ("/v2/customers/1/goodwillRequest", "customerId=2"),
     ("/v2/customers/1/goodwillRequest", "customerId=x")],
)  # fmt: skip
def test_a_customer_who_is_none_or_two_is_refused(gateway: Gateway, path: str, query: str) -> None:
    assert_refused(gateway.call("GET", path, query=query), 400, (2008, "customerId"))


def test_a_row_from_before_the_engine_has_the_incumbents_keys_only(gateway: Gateway) -> None:
    history_row(gateway.house, status=GoodwillStatus.REJECTED)

    [row] = gateway.history().data

    assert list(row) == KEYS
    assert None not in row.values()


def test_keys_without_a_value_are_absent_and_others_stand_in_their_place(gateway: Gateway) -> None:
    history_row(gateway.house, updated_comments="sent", entered_by=gateway.house.auditor)
    gateway.house.submit(earningEntityId=7)

    [row] = gateway.history().data
    [of_the_engine] = gateway.history(7).data

    expected = [*KEYS]
    expected.insert(3, "enteredBy")
    expected[expected.index("program") : expected.index("program")] = ["approvedValue", "updatedComments"]
    assert list(row) == expected
    assert row["enteredBy"]["id"] == gateway.house.auditor.pk
    assert list(of_the_engine) == [*KEYS, "workflowRequestId"]


@pytest.mark.parametrize("status", GoodwillStatus.values)
def test_a_value_is_shown_for_what_was_approved_only(gateway: Gateway, status: str) -> None:
    history_row(gateway.house, status=status)

    [row] = gateway.history().data

    assert row["goodwillStatus"] == status
    assert row.get("approvedValue") == ("20" if status == "APPROVED" else None)


@pytest.mark.parametrize(
    ("points", "shown"),
    [("500", "500"), ("500.500000", "500.5"), ("0.000001", "0.000001"), ("100", "100"), ("1000000", "1000000"),
     ("99999999999999.999999", "99999999999999.999999")],
)  # fmt: skip
def test_the_value_is_a_text_of_plain_digits(gateway: Gateway, points: str, shown: str) -> None:
    history_row(gateway.house, points=Decimal(points))

    assert gateway.history().data[0]["approvedValue"] == shown


@pytest.mark.parametrize(
    ("ratio", "shown"), [("1", "1.0"), ("0.01", "0.01"), ("2.5", "2.5"), ("100", "100.0"), ("0", "0.0")]
)
def test_the_ratio_is_a_number_with_a_decimal_point(gateway: Gateway, ratio: str, shown: str) -> None:
    gateway.house.program.points_to_currency_ratio = Decimal(ratio)
    gateway.house.program.save()
    history_row(gateway.house)

    assert f'"pointsToCurrencyRatio":{shown},' in gateway.history().text


def test_times_are_universal_whatever_the_organisations_zone(gateway: Gateway) -> None:
    gateway.house.organisation.time_zone = "Asia/Kolkata"
    gateway.house.organisation.save()
    history_row(gateway.house)

    [row] = gateway.history().data

    assert (row["addedOn"], row["updatedOn"]) == ("2026-03-10T12:00:00Z", "2026-03-10T12:00:00Z")


def test_a_request_is_in_the_history_from_the_moment_it_is_made(gateway: Gateway) -> None:
    made = gateway.submit(gateway.house.body(comments="sorry", points=50)).data

    [row] = gateway.history().data

    assert (row["goodwillStatus"], row["comments"], row["workflowRequestId"]) == ("PENDING", "sorry", made["requestId"])
    assert row["addedBy"]["id"] == row["updatedBy"]["id"] == gateway.house.maker.pk
    assert row["addedOn"] == row["updatedOn"] == made["startTimeUtc"]
    assert isinstance(row["requestId"], int)


def test_the_history_follows_the_request_to_its_end(gateway: Gateway) -> None:
    house = gateway.house
    request = house.approve(house.submit(comments="sorry"))
    assert gateway.history().data[0]["goodwillStatus"] == "PENDING"

    with running() as sandbox:
        house.target.base_url = f"http://127.0.0.1:{sandbox.server.server_port}"
        house.target.save()
        execution.execute(request.pk)

    [row] = gateway.history().data
    assert (row["goodwillStatus"], row["approvedValue"]) == ("APPROVED", "20")
    assert row["updatedComments"] == "sorry; approved in a test"
    assert row["updatedBy"]["id"] == house.checker.pk
    assert row["updatedOn"] >= row["addedOn"]


def test_a_withdrawn_request_is_rejected_and_was_last_edited_by_its_maker(gateway: Gateway) -> None:
    house = gateway.house
    services.withdraw(actor=house.actor(house.maker), request_id=house.submit().pk, message="a mistake")

    [row] = gateway.history().data

    assert (row["goodwillStatus"], row["updatedComments"]) == ("REJECTED", "a mistake")
    assert row["updatedBy"]["id"] == house.maker.pk


def test_the_history_is_newest_first_and_ties_go_by_id(gateway: Gateway) -> None:
    first, second = history_row(gateway.house), history_row(gateway.house)
    older = history_row(gateway.house, NOON - timedelta(seconds=1))

    assert _ids(gateway.history()) == [second.pk, first.pk, older.pk]


def test_pages_follow_each_other_without_gap_or_overlap(gateway: Gateway) -> None:
    rows = [history_row(gateway.house, NOON + timedelta(seconds=number)) for number in range(12)]

    pages = [gateway.history(query=f"limit=5&offset={offset}") for offset in (0, 5, 10)]

    assert [pk for page in pages for pk in _ids(page)] == [row.pk for row in reversed(rows)]
    assert [page.json["pagination"] for page in pages] == [
        {"limit": 5, "offset": offset, "total": 12} for offset in (0, 5, 10)
    ]
    assert len(gateway.history().data) == 10
    assert len(gateway.history(query="limit=100").data) == 12


FILTERS = [
    ("requestId=4711", {"number 4711"}),
    ("requestId=4712", None),
    ("requestId=0", None),
    ("programId=2740", {"other program"}),
    ("programId=1", None),
    ("is_one_step_change=true", {"one step"}),
    ("is_one_step_change=false", {"number 4711", "other program", "automatic"}),
    ("autoApprove=true", {"automatic"}),
    ("autoApprove=false", {"number 4711", "other program", "one step"}),
    ("autoApprove=true&is_one_step_change=true", None),
    ("autoApprove=false&is_one_step_change=false&programId=2740", {"other program"}),
    ("programId=2739&requestId=4711", {"number 4711"}),
    ("programId=2740&requestId=4711", None),
]


@pytest.mark.parametrize(("query", "expected"), FILTERS)
def test_a_filter_lets_through_what_it_names(gateway: Gateway, query: str, expected: set[str] | None) -> None:
    house = gateway.house
    other = ProgramFactory(organisation=house.organisation, program_id=2740)
    rows = {
        "number 4711": history_row(house, request_number=4711),
        "other program": history_row(house, program=other),
        "one step": history_row(house, one_step=True),
        "automatic": history_row(house, auto_approved=True),
    }

    answer = gateway.history(query=query)

    if expected is None:
        assert_nothing_found(answer)
    else:
        assert set(_ids(answer)) == {rows[name].pk for name in expected}
        assert answer.json["pagination"]["total"] == len(expected)


def test_request_numbers_are_unique_longs_of_their_own(gateway: Gateway) -> None:
    for _ in range(3):
        gateway.submit()

    numbers = [row["requestId"] for row in gateway.history().data]

    assert len(set(numbers)) == 3
    assert all(type(number) is int and number > 0 for number in numbers)


@pytest.mark.parametrize("count", [3, 30])
def test_the_history_takes_the_same_few_queries_however_long_it_is(
    gateway: Gateway, django_assert_num_queries: Any, count: int
) -> None:
    for number in range(count):
        history_row(gateway.house, entered_by=gateway.house.auditor if number % 2 else None)
    account = gateway.by(gateway.house.service_account, gateway.house.service_secret)

    with django_assert_num_queries(3):  # who asks, the page with its total, the people in it
        assert len(account.history(query="limit=100").data) == count

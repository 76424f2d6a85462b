"""E3 and E4: one request, and the filtered list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.api.gateway import ORGANISATION, REQUESTS, Gateway, assert_refused
from tests.api.rows import NOON, request_of
from tests.factories import MembershipFactory, UserFactory
from tests.house import House, build_house
from tests.workflows.sandbox_client import running
from workflows import execution, services
from workflows.models import Decision, WorkflowRequest
from workflows.states import State


def _ids(answer: Any) -> list[UUID]:
    return [UUID(item["requestId"]) for item in answer.data]


def test_a_request_is_shown_as_it_was_made_with_its_credential_masked(gateway: Gateway) -> None:
    made = gateway.submit()

    shown = gateway.show(made.data["requestId"])

    assert shown.status == 200
    assert list(shown.json) == ["data"]
    expected = made.text.replace("Basic ZmFrZTpmYWtl", "***")
    assert shown.text == expected
    assert shown.headers["ETag"] == made.headers["ETag"]
    for answer in (shown, gateway.list(), gateway.history()):
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "request_id", ["x", "1", "ffcf19fb-a3fd-11ee-9fa7-4650f67465b8", "ffcf19fba3fd11ee9fa74650f67465b8", "%00",
                   "urn:uuid:ffcf19fb-a3fd-11ee-9fa7-4650f67465b8", "٣fcf19fb-a3fd-11ee-9fa7-4650f67465b8"],
)  # fmt: skip
def test_an_unknown_request_is_not_found(gateway: Gateway, request_id: str) -> None:
    assert_refused(gateway.show(request_id), 404, (2007, "requestId"))


def test_a_request_of_another_organisation_looks_like_an_unknown_one(gateway: Gateway) -> None:
    foreign = build_house(60000).submit()

    seen, unknown = gateway.show(foreign.pk), gateway.show("ffcf19fb-a3fd-11ee-9fa7-4650f67465b8")

    assert_refused(seen, 404, (2007, "requestId"))
    assert seen.text == unknown.text
    assert_refused(gateway.having(**{ORGANISATION: "60000"}).show(foreign.pk), 403, (2001, None))


def test_a_refused_call_ends_as_failed_with_intouchs_answer(gateway: Gateway) -> None:
    with running() as sandbox:
        gateway.house.target.base_url = f"http://127.0.0.1:{sandbox.server.server_port}"
        gateway.house.target.save()
        sandbox.order("400")
        request = gateway.house.approve(gateway.house.submit())
        execution.execute(request.pk)

    shown = gateway.show(request.pk).data
    assert shown["state"] == "failed"
    assert shown["endTime"]
    assert shown["details"]["IntouchAPITask_Output"]["status"] == 400
    assert shown["details"]["IntouchAPITask_Error"]
    row = gateway.history().data[0]
    assert row["goodwillStatus"] == "FAILURE"
    assert "approvedValue" not in row


def test_an_unknown_outcome_is_a_warning_and_no_end(gateway: Gateway) -> None:
    with running() as sandbox:
        gateway.house.target.base_url = f"http://127.0.0.1:{sandbox.server.server_port}"
        gateway.house.target.save()
        sandbox.order("500-after-credit")
        request = gateway.house.approve(gateway.house.submit())
        execution.execute(request.pk)

    shown = gateway.show(request.pk).json
    assert (shown["data"]["state"], shown["data"]["endTime"]) == ("IntouchAPITask", None)
    assert shown["data"]["details"]["IntouchAPITask_Warning"]
    assert len(shown["warnings"]) == 1
    assert gateway.history().data[0]["goodwillStatus"] == "PENDING"


def test_the_list_is_newest_first_and_ties_go_by_id(gateway: Gateway) -> None:
    older, first, second = (
        request_of(gateway.house, NOON - timedelta(days=1)), request_of(gateway.house), request_of(gateway.house),
    )  # fmt: skip

    found = _ids(gateway.list(f"endDate={NOON:%Y-%m-%d}"))

    assert first.pk < second.pk
    assert found == [second.pk, first.pk, older.pk]


def test_every_item_of_the_list_is_the_object_of_the_single_request(gateway: Gateway) -> None:
    requests = [gateway.house.submit() for _ in range(3)]
    gateway.house.approve(requests[1])

    listed = {item["requestId"]: item for item in gateway.list().data}

    assert listed == {str(item.pk): gateway.show(item.pk).data for item in requests}


def test_the_list_holds_nothing_of_another_organisation(gateway: Gateway) -> None:
    build_house(60000).submit()
    mine = gateway.house.submit()

    answer = gateway.list()

    assert _ids(answer) == [mine.pk]
    assert answer.json["pagination"] == {"totalElements": 1, "totalPages": 1, "numberOfElements": 1, "number": 0}


def test_an_empty_list_is_a_list(gateway: Gateway) -> None:
    assert gateway.list().json == {
        "data": [], "pagination": {"totalElements": 0, "totalPages": 0, "numberOfElements": 0, "number": 0},
    }  # fmt: skip


def _ended(house: House) -> dict[str, WorkflowRequest]:
    """Two that ended in the other order than they began, one that runs, and one that ended at the same time."""
    hours = timedelta(hours=1)
    return {
        "slow": request_of(house, NOON, ended_at=NOON + 9 * hours),
        "quick": request_of(house, NOON + hours, ended_at=NOON + 2 * hours),
        "open": request_of(house, NOON + 2 * hours),
        "tied": request_of(house, NOON + 3 * hours, ended_at=NOON + 9 * hours),
    }


ORDERS = [
    ("", ["tied", "open", "quick", "slow"]),
    ("sortBy=startDate", ["tied", "open", "quick", "slow"]),
    ("sortBy=startDate&sortOrder=asc", ["slow", "quick", "open", "tied"]),
    ("sortOrder=asc", ["slow", "quick", "open", "tied"]),
    ("sortBy=endDate", ["tied", "slow", "quick", "open"]),
    ("sortBy=endDate&sortOrder=desc", ["tied", "slow", "quick", "open"]),
    ("sortBy=endDate&sortOrder=asc", ["quick", "slow", "tied", "open"]),
]


@pytest.mark.parametrize(("query", "expected"), ORDERS)
def test_the_order_is_the_one_asked_for_with_what_has_no_end_last(
    gateway: Gateway, query: str, expected: list[str]
) -> None:
    rows = _ended(gateway.house)

    found = _ids(gateway.list(f"{query}&startDate={NOON:%Y-%m-%d}&endDate={NOON:%Y-%m-%d}".lstrip("&")))

    assert found == [rows[name].pk for name in expected]


def _varied(house: House) -> dict[str, WorkflowRequest]:
    colleague = UserFactory(id=900_001)
    MembershipFactory(user=colleague, organisation=house.organisation, is_maker=True)
    rejected = house.submit()
    house.approve(house.submit())
    services.decide(actor=house.actor(house.checker), request_id=rejected.pk, decision=Decision.REJECTED, message="no")
    return {
        "waiting": request_of(house),
        "rejected": WorkflowRequest.objects.get(pk=rejected.pk),
        "executing": WorkflowRequest.objects.get(state=State.EXECUTING),
        "withdrawn": request_of(house, NOON, ended_at=NOON),
        "colleague's": request_of(house, maker_id=colleague.pk, maker_name="c"),
        "elsewhere": request_of(house, till_id="t1", store_id="s1", zone_id="z1", concept_id="c1"),
        "another customer's": request_of(house, customer_id=7),
    }


FILTERS = [
    ("userId=900001", {"colleague's"}),
    ("userId=123456789", set()),
    ("userId=9223372036854775807", set()),
    ("customerId=7", {"another customer's"}),
    ("tillId=t1", {"elsewhere"}),
    ("storeId=s1", {"elsewhere"}),
    ("zoneId=z1", {"elsewhere"}),
    ("conceptId=c1", {"elsewhere"}),
    ("tillId=t1&storeId=s1&zoneId=z1&conceptId=c1", {"elsewhere"}),
    ("tillId=t1&storeId=50682288", set()),
    ("tillId=T1", set()),
    ("states=rejected", {"rejected", "withdrawn"}),
    ("states=IntouchAPITask", {"executing"}),
    ("states=approved", set()),
    ("states=failed,approved", set()),
    ("states=rejected,IntouchAPITask", {"rejected", "withdrawn", "executing"}),
    ("states=rejected,rejected", {"rejected", "withdrawn"}),
    ("states=AdminTask", {"waiting", "colleague's", "elsewhere", "another customer's"}),
    ("states=AdminTask&customerId=7&userId=900001", set()),
    ("requestType=GOODWILL-POINTS&customerId=7", {"another customer's"}),
]


@pytest.mark.parametrize(("query", "expected"), FILTERS)
def test_a_filter_lets_through_what_it_names(gateway: Gateway, query: str, expected: set[str]) -> None:
    rows = _varied(gateway.house)

    answer = gateway.list(f"{query}&limit=100")

    assert set(_ids(answer)) == {rows[name].pk for name in expected}
    assert answer.json["pagination"]["totalElements"] == len(expected)


DAYS = [
    ("UTC", "2026-03-10T00:00:00", True), ("UTC", "2026-03-10T23:59:59.999999", True),
    ("UTC", "2026-03-09T23:59:59.999999", False), ("UTC", "2026-03-11T00:00:00", False),
    # 5:30 before UTC: the day of Kolkata begins at 18:30 of the day before.
    ("Asia/Kolkata", "2026-03-09T18:30:00", True), ("Asia/Kolkata", "2026-03-09T18:29:59.999999", False),
    ("Asia/Kolkata", "2026-03-10T18:29:59.999999", True), ("Asia/Kolkata", "2026-03-10T18:30:00", False),
    # 7 hours behind UTC in summer time, which began two days earlier.
    ("America/Los_Angeles", "2026-03-10T07:00:00", True), ("America/Los_Angeles", "2026-03-10T06:59:59", False),
    ("America/Los_Angeles", "2026-03-11T06:59:59", True), ("America/Los_Angeles", "2026-03-11T07:00:00", False),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "moment", "inside"), DAYS)
def test_both_days_are_included_and_are_days_of_the_organisation(
    gateway: Gateway, zone: str, moment: str, inside: bool
) -> None:
    gateway.house.organisation.time_zone = zone
    gateway.house.organisation.save()
    row = request_of(gateway.house, datetime.fromisoformat(moment).replace(tzinfo=UTC))

    found = _ids(gateway.list("startDate=2026-03-10&endDate=2026-03-10"))

    assert found == ([row.pk] if inside else [])


def test_a_day_of_23_hours_is_a_whole_day(gateway: Gateway) -> None:
    gateway.house.organisation.time_zone = "Europe/Berlin"
    gateway.house.organisation.save()
    last = request_of(gateway.house, datetime(2026, 3, 29, 21, 59, 59, tzinfo=UTC))
    request_of(gateway.house, datetime(2026, 3, 29, 22, 0, tzinfo=UTC))

    assert _ids(gateway.list("startDate=2026-03-29&endDate=2026-03-29")) == [last.pk]


@pytest.mark.parametrize(("query", "count"), [("startDate=2026-03-10", 2), ("endDate=2026-03-10", 1),
                                              ("startDate=2026-03-11&endDate=2026-03-09", 0)])  # fmt: skip
def test_either_end_of_the_period_may_be_open(gateway: Gateway, query: str, count: int) -> None:
    request_of(gateway.house)  # and the request of today that it is a copy of

    assert len(gateway.list(query).data) == count


def test_pages_follow_each_other_without_gap_or_overlap(gateway: Gateway) -> None:
    rows = [request_of(gateway.house, NOON + timedelta(seconds=number)) for number in range(7)]
    period = f"startDate={NOON:%Y-%m-%d}&endDate={NOON:%Y-%m-%d}"

    pages = [gateway.list(f"{period}&limit=3&{name}={number}") for name in ("PageNo", "pageNo") for number in range(4)]

    assert [pk for page in pages[:4] for pk in _ids(page)] == [row.pk for row in reversed(rows)]
    assert [page.json["pagination"] for page in pages[:4]] == [page.json["pagination"] for page in pages[4:]]
    assert [page.json["pagination"] for page in pages[:4]] == [
        {"totalElements": 7, "totalPages": 3, "numberOfElements": count, "number": number}
        for number, count in enumerate([3, 3, 1, 0])
    ]


def test_a_page_has_ten_items_unless_told_and_a_hundred_at_most(gateway: Gateway) -> None:
    for number in range(101):
        request_of(gateway.house, NOON + timedelta(seconds=number))

    assert len(gateway.list().data) == 10
    assert len(gateway.list("limit=100").data) == 100
    assert gateway.list("limit=1").json["pagination"]["totalPages"] == 102
    assert gateway.list("PageNo=92233720368547758").data == []


@pytest.mark.parametrize("count", [3, 30])
def test_the_list_takes_the_same_few_queries_however_long_it_is(
    gateway: Gateway, django_assert_num_queries: Any, count: int
) -> None:
    for _ in range(count):
        gateway.house.approve(gateway.house.submit())
    account = gateway.by(gateway.house.service_account, gateway.house.service_secret)

    with django_assert_num_queries(4):  # who asks, the count, the requests, their tasks
        assert len(account.list("limit=100").data) == count


@pytest.mark.parametrize("query", ["", "sortOrder=asc", "states=AdminTask", "zoneId=50682286"])
def test_the_newest_requests_are_found_in_their_order_and_not_by_sorting_all(gateway: Gateway, query: str) -> None:
    for _ in range(3):
        gateway.house.submit()
    account = gateway.by(gateway.house.service_account, gateway.house.service_secret)
    with CaptureQueriesContext(connection) as asked:
        assert len(account.list(query).data) == 3
    (page,) = [one["sql"] for one in asked if "ORDER BY" in one["sql"] and "LIMIT" in one["sql"]]
    with transaction.atomic(), connection.cursor() as cursor:
        # Of three rows the planner would rather sort; it can do so only where no index has the order.
        cursor.execute("SET LOCAL enable_sort = off; SET LOCAL enable_incremental_sort = off")
        cursor.execute(f"EXPLAIN {page}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Sort" not in plan, plan


@pytest.mark.parametrize("role", ["maker", "checker", "auditor", "service_account"])
def test_any_member_reads(gateway: Gateway, role: str) -> None:
    request = gateway.house.submit()
    secret = {"secret": gateway.house.service_secret} if role == "service_account" else {}
    member = gateway.by(getattr(gateway.house, role), **secret)

    assert _ids(member.list()) == [request.pk]
    assert member.show(request.pk).status == member.history().status == 200


def test_an_empty_body_of_another_kind_does_not_disturb_reading(gateway: Gateway) -> None:
    assert gateway.call("GET", REQUESTS, content_type="text/plain").status == 200

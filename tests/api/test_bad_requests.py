"""What can be wrong around the body: the address, the query, the method."""

from __future__ import annotations

import pytest

from tests.api.gateway import PREFIX, REQUESTS, SUBMIT, Gateway, assert_refused, stored

HISTORY = "/v2/customers/382332518/goodwillRequest"

SUBMIT_QUERIES = [
    ("x=1", "x"), ("is_one_step=true", "is_one_step"), ("isOneStepChange=true", "isOneStepChange"),
    ("is_one_step_change=1", "is_one_step_change"), ("is_one_step_change=True", "is_one_step_change"),
    ("is_one_step_change=TRUE", "is_one_step_change"), ("is_one_step_change=yes", "is_one_step_change"),
    ("is_one_step_change=true&is_one_step_change=true", "is_one_step_change"),
    ("is_one_step_change=true&is_one_step_change=false", "is_one_step_change"),
    ("is_one_step_change=%00", "is_one_step_change"), ("is_one_step_change=true%20", "is_one_step_change"),
    ("IS_ONE_STEP_CHANGE=true", "IS_ONE_STEP_CHANGE"), ("points=999", "points"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "name"), SUBMIT_QUERIES)
def test_a_wrong_parameter_of_a_submission_is_named(gateway: Gateway, query: str, name: str) -> None:
    before = stored()

    assert_refused(gateway.submit(query=query), 400, (2008, name))
    assert stored() == before


@pytest.mark.parametrize("query", ["", "is_one_step_change=false", "is_one_step_change="])
def test_a_submission_that_is_not_in_one_step_needs_no_grant(gateway: Gateway, query: str) -> None:
    assert gateway.submit(query=query).data["state"] == "AdminTask"


NO_INTEGERS = (
    "-1", "abc", "1.0", "1e1", "+1", "0x1", "1_0", " 1", "1 ", "٢", "%D9%A2", "２", "true", "null",
    "9223372036854775808", "9" * 30, "%00", "1%00", "1,2", "%ff", "1%0a",
)  # fmt: skip
NO_DATES = ("2026-02-30", "2026-13-01", "2026-1-1", "26-01-01", "20260101", "2026-01-01T00:00:00", "01-01-2026",
            "٢٠٢٦-٠١-٠١", "today", "0000-01-01", "2026-01-01%00", " 2026-01-01", "2026-W01-1",
            "10000-01-01")  # fmt: skip
NO_BOOLEANS = ("1", "0", "True", "TRUE", "yes", "maybe", "t", "null", "true%20", "%00")

SORTS = ("id", "startdate", "-startDate", "created_at", "startDate,endDate")
STRANGE_TYPES = ("goodwill-points", "GOODWILL_POINTS", "EARN-BADGE", "x")
STRANGE_NAMES = ("customerid", "page", "offset", "ordering", "format", "tillId__gt", "state")
REPEATED = ("userId=1", "limit=5", "sortBy=endDate", "states=failed")
LIST_QUERIES = [
    *[(f"userId={value}", "userId", 2008) for value in NO_INTEGERS],
    *[(f"customerId={value}", "customerId", 2008) for value in ("-1", "abc", "٢")],
    *[(f"limit={value}", "limit", 2008) for value in (*NO_INTEGERS, "0", "101")],
    *[(f"PageNo={value}", "PageNo", 2008) for value in NO_INTEGERS],
    *[(f"pageNo={value}", "pageNo", 2008) for value in ("-1", "x")],
    *[(f"startDate={value}", "startDate", 2008) for value in NO_DATES],
    *[(f"endDate={value}", "endDate", 2008) for value in NO_DATES],
    *[(f"states={value}", "states", 2008) for value in ("waiting", "APPROVED", "failed,", ",", "failed;failed", "x")],
    *[(f"sortBy={value}", "sortBy", 2011) for value in SORTS],
    *[(f"sortOrder={value}", "sortOrder", 2012) for value in ("ASC", "up", "ascending", "1", "-")],
    *[(f"requestType={value}", "requestType", 2009) for value in STRANGE_TYPES],
    *[(f"{name}={value}", name, 2008)
      for name in ("tillId", "storeId", "zoneId", "conceptId") for value in ("%00", "x" * 65)],
    *[(f"{name}=1", name, 2008) for name in STRANGE_NAMES],
    *[(f"{pair}&{pair}", pair.partition("=")[0], 2008) for pair in REPEATED],
    ("limit=5&limit=6", "limit", 2008), ("userId=&userId=1", "userId", 2008),
]  # fmt: skip
HISTORY_QUERIES = [
    *[(f"requestId={value}", "requestId", 2008) for value in NO_INTEGERS],
    *[(f"programId={value}", "programId", 2008) for value in ("-1", "abc", "2739.0", "٢")],
    *[(f"is_one_step_change={value}", "is_one_step_change", 2008) for value in NO_BOOLEANS],
    *[(f"autoApprove={value}", "autoApprove", 2008) for value in NO_BOOLEANS],
    *[(f"limit={value}", "limit", 2008) for value in (*NO_INTEGERS, "0", "101")],
    *[(f"offset={value}", "offset", 2008) for value in NO_INTEGERS],
    *[(f"{name}=1", name, 2008) for name in ("customerid", "PageNo", "oneStep", "ordering", "status", "autoapprove")],
    *[(f"{pair}&{pair}", pair.partition("=")[0], 2008) for pair in ("requestId=1", "offset=0", "autoApprove=true")],
    ("customerId=1", "customerId", 2008), ("customerId=382332518&customerId=382332518", "customerId", 2008),
]  # fmt: skip


@pytest.mark.parametrize(("query", "name", "code"), LIST_QUERIES)
def test_a_wrong_parameter_of_the_list_is_named(gateway: Gateway, query: str, name: str, code: int) -> None:
    assert_refused(gateway.list(query), 400, (code, name))


@pytest.mark.parametrize(("query", "name", "code"), HISTORY_QUERIES)
def test_a_wrong_parameter_of_the_history_is_named(gateway: Gateway, query: str, name: str, code: int) -> None:
    assert_refused(gateway.history(query=query), 400, (code, name))


def test_every_wrong_parameter_is_reported_at_once(gateway: Gateway) -> None:
    listed = gateway.list("userId=x&startDate=x&sortBy=x&limit=0&PageNo=-1&nonsense=1&states=failed&states=failed")
    history = gateway.history(query="requestId=x&limit=0&offset=-1&nonsense=1&autoApprove=1")

    assert listed.status == history.status == 400
    assert sorted(str(name) for _, name in listed.problems) == [
        "PageNo", "limit", "nonsense", "sortBy", "startDate", "states", "userId",
    ]  # fmt: skip
    assert sorted(str(name) for _, name in history.problems) == [
        "autoApprove", "limit", "nonsense", "offset", "requestId",
    ]  # fmt: skip


def test_both_spellings_of_the_page_number_at_once_are_refused(gateway: Gateway) -> None:
    assert_refused(gateway.list("PageNo=0&pageNo=1"), 400, (2008, "pageNo"))


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_too_many_parameters_are_refused_in_json(gateway: Gateway, method: str) -> None:
    query = "&".join(f"a{number}=1" for number in range(1001))

    for path in (REQUESTS if method == "GET" else SUBMIT, HISTORY if method == "GET" else SUBMIT):
        assert_refused(gateway.call(method, path, {}, query=query), 400, (2008, None))


EMPTY = "userId=&customerId=&sortBy=&sortOrder=&tillId=&startDate=&endDate=&states=&requestType=&limit=&PageNo="


def test_an_empty_parameter_counts_as_absent(gateway: Gateway) -> None:
    gateway.house.submit()

    assert len(gateway.list(EMPTY).data) == 1
    assert len(gateway.history(query="requestId=&is_one_step_change=&programId=&autoApprove=&limit=&offset=").data) == 1


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/Los_Angeles"])
def test_the_first_and_the_last_day_of_the_calendar_are_days(gateway: Gateway, day: str, zone: str) -> None:
    gateway.house.organisation.time_zone = zone
    gateway.house.organisation.save()
    gateway.house.submit()

    found = {name: len(gateway.list(f"{name}={day}").data) for name in ("startDate", "endDate")}

    assert found == ({"startDate": 1, "endDate": 0} if day == "0001-01-01" else {"startDate": 0, "endDate": 1})


TYPES = (*STRANGE_TYPES, "Goodwill-Points", "GOODWILL-POINT", "GOODWILL-POINTS ", "%00", "..", "GOODWILL-POINTS%0a")


@pytest.mark.parametrize("slug", TYPES)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_another_request_type_is_not_supported(gateway: Gateway, slug: str, method: str) -> None:
    before = stored()
    caller = gateway if method == "POST" else gateway.by(gateway.house.checker)

    answer = caller.call(method, f"{PREFIX}/{slug}", gateway.house.body())

    assert_refused(answer, 400, (2009, None))
    assert stored() == before


NOWHERE = ("/nowhere", "/api_gateway/v2/request-workflow", f"{PREFIX}/", f"{SUBMIT}//", f"/{SUBMIT}", f"{SUBMIT}/x/y",
           "/v2/customers//goodwillRequest", f"{HISTORY}/x", "/v2/customers/1/2/goodwillRequest", "/v2/customers",
           f"{REQUESTS}/x/y", "/v3/oauth/token", "/%2e%2e/admin", "/%ff", "/%00",
           "/API_GATEWAY/v2/request-workflow/GOODWILL-POINTS")  # fmt: skip


@pytest.mark.parametrize("path", NOWHERE)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_address_is_told_so_in_json(gateway: Gateway, path: str, method: str) -> None:
    assert_refused(gateway.call(method, path, {}), 404, (404, None))


REFUSED_METHODS = [
    *[(method, SUBMIT) for method in ("GET", "DELETE", "PATCH", "TRACE", "PROPFIND", "get")],
    *[(method, path) for path in (REQUESTS, f"{REQUESTS}/x", HISTORY, "/v2/customers/goodwillRequest")
      for method in ("POST", "PUT", "DELETE", "PATCH")],
    *[(method, path) for path in ("/v3/oauth/token/generate", "/auth/ui-token") for method in ("GET", "PUT", "DELETE")],
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), REFUSED_METHODS)
def test_another_method_is_refused_in_json_and_told_which_are_allowed(gateway: Gateway, method: str, path: str) -> None:
    before = stored()

    answer = gateway.call(method, path, {})

    assert_refused(answer, 405, (405, None))
    assert "OPTIONS" in answer.headers["Allow"]
    assert method not in answer.headers["Allow"].split(", ")
    assert stored() == before


ADDRESSES = [
    ("POST", SUBMIT), ("GET", REQUESTS), ("GET", HISTORY), ("GET", "/v2/customers/goodwillRequest"),
    ("POST", "/v3/oauth/token/generate"), ("POST", "/auth/ui-token"), ("POST", "/oauth2/token"),
    ("POST", "/oauth2/revoke_token"), ("GET", f"{REQUESTS}/x"), ("GET", "/api/schema"),
    ("GET", "/healthz"), ("GET", "/readyz"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
def test_a_trailing_slash_makes_no_difference(gateway: Gateway, method: str, path: str) -> None:
    bare, slashed = gateway.call(method, path, {}), gateway.call(method, f"{path}/", {})

    assert (bare.status, bare.text) == (slashed.status, slashed.text)
    assert bare.status in (200, 400) or bare.problems[0][0] in (2007, 9050)


@pytest.mark.parametrize("path", [REQUESTS, HISTORY])
def test_head_is_get_without_a_body(gateway: Gateway, path: str) -> None:
    gateway.house.submit()

    head, get = gateway.call("HEAD", path), gateway.call("GET", path)

    assert (head.status, head.text) == (200, "")
    assert head.headers["Content-Length"] == get.headers["Content-Length"] == str(len(get.text.encode()))


@pytest.mark.parametrize("path", [SUBMIT, REQUESTS, HISTORY])
def test_options_tells_the_methods_to_members_only(gateway: Gateway, path: str) -> None:
    answer = gateway.call("OPTIONS", path)

    assert answer.status == 200
    assert "OPTIONS" in answer.headers["Allow"]
    assert_refused(gateway.having(Authorization=None).call("OPTIONS", path), 401, (2013, None))


def test_another_host_is_refused_in_json(gateway: Gateway) -> None:
    assert_refused(gateway.submit(environ={"HTTP_HOST": "evil.test"}), 400, (2008, None))

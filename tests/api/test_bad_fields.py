"""What a body may not hold: one wrong field each, refused with its code and its place, and nothing stored."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest

from tests.api.gateway import BODY, MISSING, TASK, Gateway, assert_refused, put, put_raw, stored
from tests.factories import OrganisationFactory, ProgramFactory, set_terms
from wire import strict_json
from workflows.models import WorkflowRequest

NO_NUMBERS = ('"20"', "true", "false", "null", "[]", "{}", "[20]", '""')
NO_TEXTS = ("20", "20.5", "true", "null", "[]", "{}", '["x"]')
NO_IDS = ('"2739"', "true", "null", "2739.0", "2.739e3", "0", "-1", "9223372036854775808", "[]", "{}", '""')
NO_OBJECTS = ("null", "[]", '""', "0", "true", '"{}"')
ENTITIES = ("tillId", "storeId", "zoneId", "conceptId")

POINTS = (*NO_NUMBERS, "0", "-0", "0.0", "-1", "-0.5", "0.5", "20.1", "1e-7", "10001", "10000.000001", "1e5",
          "9223372036854775808", "99999999999999999999999999")  # fmt: skip
HOSTNAMES = (
    "http://internal-intouch-api.default", "https://internal-intouch-api.default:1900",
    "http://internal-intouch-api.default:1901", "http://internal-intouch-api.default:80",
    "internal-intouch-api.default:1900", "internal-intouch-api.default",
    "http://user@internal-intouch-api.default:1900", "http://user:word@internal-intouch-api.default:1900",
    "http://internal-intouch-api.default:1900@evil.test", "http://evil.test#internal-intouch-api.default:1900",
    r"http://evil.test\@internal-intouch-api.default:1900", r"http://internal-intouch-api.default:1900\@evil.test",
    r"http:\\internal-intouch-api.default:1900", "http:/internal-intouch-api.default:1900",
    "http:internal-intouch-api.default:1900", "//internal-intouch-api.default:1900",
    "ftp://internal-intouch-api.default:1900", "file:///etc/passwd", "gopher://internal-intouch-api.default:1900",
    "http://internal-intouch-api.default:1900/x", "http://internal-intouch-api.default:1900//",
    "http://internal-intouch-api.default:1900?x", "http://internal-intouch-api.default:1900#x",
    "http://internal-intouch-api.default:1900/..", "http://internal-intouch-api.default:99999",
    "http://internal-intouch-api.default:0", "http://internal-intouch-api.default:01900",
    "http://internal-intouch-api.default:-1900", "http://internal-intouch-api.default:+1900",
    "http://internal-intouch-api.default: 1900", "http://internal-intouch-api.default:",
    "http://internal-intouch-api.default:١٩٠٠", "http://internal-intouch-api.default%00:1900",
    "http://internal-intouch-api%2edefault:1900", "http://internal-intouch-api。default:1900",
    "http://ınternal-intouch-api.default:1900", "http://xn--nternal-intouch-api-51b.default:1900",
    "http://internal-intouch-api.default.:1900", "http://.internal-intouch-api.default:1900",
    "http://internal-intouch-api..default:1900", " http://internal-intouch-api.default:1900",
    "http://internal-intouch-api.default:1900 ", "http://internal-intouch-api.default.evil.test:1900",
    "http://2130706433", "http://0x7f000001", "http://127.1", "http://127.0.0.1", "http://[::1]:1900",
    "http://169.254.169.254", "http://localhost", "http://*", "http://", "", ".", "http://" + "a" * 290,
)  # fmt: skip
PATHS = (
    "", "/", "internal/goodwill/", "/internal/goodwill//", "//internal/goodwill/", "/internal//goodwill/",
    "/internal/goodwill/../admin", "/internal/goodwill/../goodwill/", "/internal/./goodwill/",
    "/internal/goodwill/%2e%2e/admin", "/internal/goodwill/%2E%2E", "/internal%2fgoodwill/", "/internal/goodwill/;x",
    "/internal/goodwill/?x=1", "/internal/goodwill?", "/internal/goodwill/#x", "/INTERNAL/goodwill/",
    "/internal/goodwill/ ", " /internal/goodwill/", r"\internal\goodwill\\", "/internal/goodwill\\",
    "http://evil.test/internal/goodwill/", "@evil.test/internal/goodwill/", "/internal/goodwill/x",
)  # fmt: skip
METHODS = ("", "post", "Post", "GET", "PUT", "DELETE", "POST ", " POST", "POST /admin", "TRACE", "ＰＯＳＴ")


def _of(path: str, raws: tuple[str, ...], code: int = 2008) -> list[tuple[str, str, int]]:
    return [(path, raw, code) for raw in raws]


def _texts(path: str, values: tuple[str, ...], code: int) -> list[tuple[str, str, int]]:
    return [(path, strict_json.dumps(value), code) for value in values]


def _long(length: int) -> str:
    return '"' + "x" * length + '"'


WRONG = [
    *_of(f"{BODY}.points", POINTS, 2015),
    *_of(f"{BODY}.earningEntityId", NO_IDS, 2014),
    *_of(f"{BODY}.programId", NO_IDS),
    *_of(f"{BODY}.programId", ("1", "2740", "9223372036854775807"), 1101),
    *_of(f"{BODY}.awardingTillId", NO_IDS),
    *_of(f"{BODY}.referenceId", (*NO_TEXTS, '""', '"  "', _long(256))),
    *_of(f"{BODY}.reason", (*NO_TEXTS, '""', '" "', _long(1001))),
    *_of(f"{BODY}.comments", (*NO_TEXTS, _long(1001))),
    *_of(f"{BODY}.source", (*NO_TEXTS, '""', '" "', _long(65))),
    *_of(f"{BODY}.baseType", (*NO_TEXTS, '""', '"points"', '"POINTS "', '"COUPON"')),
    *_of(f"{BODY}.earningEntityType", (*NO_TEXTS, '""', '"customer"', '"CARD"')),
    *itertools.chain.from_iterable(
        _of(f"entityInfo.{name}", ("20.5", "-1", "true", "null", "[]", "{}", '""', '" "', _long(65)))
        for name in ENTITIES
    ),
    *_of("entityInfo", NO_OBJECTS),
    *_of("payload", NO_OBJECTS),
    *_of(TASK, NO_OBJECTS),
    *_of(BODY, NO_OBJECTS),
    *_of(f"{TASK}.pathParams", NO_OBJECTS),
    *_of(f"{TASK}.queryParams", NO_OBJECTS),
    *_of(f"{TASK}.headers", NO_OBJECTS, 2023),
    *_of(f"{TASK}.hostname", NO_TEXTS),
    *_of(f"{TASK}.path", NO_TEXTS),
    *_of(f"{TASK}.method", NO_TEXTS),
    *_texts(f"{TASK}.hostname", HOSTNAMES, 2022),
    *_texts(f"{TASK}.path", PATHS, 2022),
    *_texts(f"{TASK}.method", METHODS, 2022),
]


@pytest.mark.parametrize(("path", "raw", "code"), WRONG, ids=lambda value: str(value)[:60])
def test_a_wrong_field_is_refused_with_its_code_and_its_place(gateway: Gateway, path: str, raw: str, code: int) -> None:
    before = stored()

    answer = gateway.submit(put_raw(gateway.house.body(comments="yes"), path, raw))

    assert_refused(answer, 400, (code, path))
    assert stored() == before


NEEDED = [
    ("entityInfo", 2008), *[(f"entityInfo.{name}", 2008) for name in ENTITIES], ("payload", 2008), (TASK, 2008),
    (f"{TASK}.hostname", 2008), (f"{TASK}.path", 2008), (f"{TASK}.method", 2008), (BODY, 2008),
    (f"{BODY}.referenceId", 2008), (f"{BODY}.reason", 2008), (f"{BODY}.baseType", 2008), (f"{BODY}.programId", 2008),
    (f"{BODY}.awardingTillId", 2008), (f"{BODY}.earningEntityType", 2008), (f"{BODY}.earningEntityId", 2014),
    (f"{BODY}.points", 2015), (f"{BODY}.source", 2008),
]  # fmt: skip


@pytest.mark.parametrize(("path", "code"), NEEDED)
def test_a_missing_field_is_named(gateway: Gateway, path: str, code: int) -> None:
    before = stored()

    answer = gateway.submit(put(gateway.house.body(), path, MISSING))

    assert_refused(answer, 400, (code, path))
    assert "missing" in answer.json["errors"][0]["message"]
    assert stored() == before


PARENTS = ("", "entityInfo.", "payload.", f"{TASK}.", f"{TASK}.pathParams.", f"{TASK}.queryParams.", f"{BODY}.")


@pytest.mark.parametrize("parent", PARENTS)
@pytest.mark.parametrize("name", ["extra", "Points", "till_id", "state", "__proto__", "сomments"])
def test_an_unknown_key_is_refused_at_every_depth(gateway: Gateway, parent: str, name: str) -> None:
    before = stored()

    answer = gateway.submit(put(gateway.house.body(), f"{parent}{name}", "x"))

    assert_refused(answer, 400, (2008, f"{parent}{name}"))
    assert stored() == before


def test_a_program_of_another_organisation_is_not_known(gateway: Gateway) -> None:
    ProgramFactory(organisation=OrganisationFactory(), program_id=4711)

    answer = gateway.submit(gateway.house.body(programId=4711))

    assert_refused(answer, 400, (1101, f"{BODY}.programId"))


def test_a_reason_outside_the_catalogue_is_refused_and_one_of_it_taken(gateway: Gateway) -> None:
    set_terms(gateway.house.policy, reasons=("late parcel", "wrong bill"))

    assert_refused(gateway.submit(gateway.house.body(reason="just so")), 400, (2008, f"{BODY}.reason"))
    assert gateway.submit(gateway.house.body(reason="wrong bill")).status == 200


@pytest.mark.parametrize(("raw", "accepted"), [("0.5", True), ("1.25", True), ("1.250", True), ("1.255", False)])
def test_points_may_have_as_many_decimals_as_the_program_allows(gateway: Gateway, raw: str, accepted: bool) -> None:
    gateway.house.program.points_decimals = 2
    gateway.house.program.save()

    answer = gateway.submit(put_raw(gateway.house.body(), f"{BODY}.points", raw))

    if accepted:
        assert answer.status == 200
        assert f'"points":{raw},' in answer.text
    else:
        assert_refused(answer, 400, (2015, f"{BODY}.points"))


@pytest.mark.parametrize(
    "raw", ["99999999999999.9999991", "100000000000000", "100000000000000.0", "1e14", "9223372036854775807", "1e39"]
)
def test_without_a_cap_points_end_where_the_database_does(gateway: Gateway, raw: str) -> None:
    gateway.house.program.points_decimals = 6
    gateway.house.program.save()
    set_terms(gateway.house.policy, cap=None)
    before = stored()

    answer = gateway.submit(put_raw(gateway.house.body(), f"{BODY}.points", raw))

    assert_refused(answer, 400, (2015, f"{BODY}.points"))
    assert stored() == before


def test_the_largest_amount_that_is_allowed_is_stored_to_the_last_digit(gateway: Gateway) -> None:
    set_terms(gateway.house.policy, cap=None)

    gateway.house.program.points_decimals = 6
    gateway.house.program.save()

    answer = gateway.submit(put_raw(gateway.house.body(), f"{BODY}.points", "99999999999999.999999"))

    assert answer.status == 200
    request = WorkflowRequest.objects.get(pk=answer.data["requestId"])
    assert request.amount == request.goodwill.points == Decimal("99999999999999.999999")


def test_every_wrong_field_is_reported_at_once(gateway: Gateway) -> None:
    wrong = {
        "entityInfo.tillId": 2008, f"{TASK}.hostname": 2008, f"{TASK}.path": 2008, f"{TASK}.method": 2008,
        f"{BODY}.referenceId": 2008, f"{BODY}.programId": 2008, f"{BODY}.earningEntityId": 2014,
        f"{BODY}.points": 2015, f"{TASK}.headers.Authorization": 2023, f"{TASK}.headers.content-type": 2023,
    }  # fmt: skip
    body = gateway.house.body()
    for path in wrong:
        body = put(body, path, True)
    body = put(put(body, "extra", 1), f"{BODY}.more", 2)

    answer = gateway.submit(body)

    assert answer.status == 400
    assert {reference: code for code, reference in answer.problems} == {
        **wrong, "extra": 2008, f"{BODY}.more": 2008,
    }  # fmt: skip
    assert len(answer.problems) == len(wrong) + 2

"""What an answer means. Only a 2xx that says so itself, and nothing else in it, is a credit."""

from __future__ import annotations

import json
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from django.utils import timezone

from goodwill.request_type import GOODWILL_POINTS
from wire import strict_json
from workflows.intouch import outcomes
from workflows.intouch.client import Answer
from workflows.intouch.errors import OutcomeUnknown, Unavailable
from workflows.intouch.outcomes import Outcome
from workflows.models import CallOutcome

CREDITED, REFUSED, NOT_SENT, UNKNOWN = (
    CallOutcome.CREDITED, CallOutcome.REFUSED, CallOutcome.NOT_SENT, CallOutcome.UNKNOWN,
)  # fmt: skip
SECRET = "Basic ZmFrZTpmYWtl"
GOOD = {"createdId": 38, "warnings": []}


def classify(status: int, body: Any, **headers: str) -> Outcome:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): [value] for name, value in headers.items()}
    return outcomes.classify(Answer(status, named, raw), GOODWILL_POINTS, (SECRET, SECRET.partition(" ")[2]))


def v1(success: Any, *items: Any, **more: Any) -> dict[str, Any]:
    """A body in the style of v1.1."""
    status = {"success": success, "code": 200, "message": "said v1.1"}
    customers = [{"item_status": {"success": item, "message": "said an item"}} for item in items]
    return {"response": {"status": status, "customers": {"customer": customers}}, **more}


def errors(value: Any) -> dict[str, Any]:
    return {**GOOD, "errors": value}


ANSWERS: dict[str, tuple[int, Any, CallOutcome]] = {
    "the incumbent's success": (201, GOOD, CREDITED),
    "another 2xx with the confirmation": (200, GOOD, CREDITED),
    "the least confirmation": (201, {"createdId": 1}, CREDITED),
    "the largest id": (201, {"createdId": 2**63}, CREDITED),
    "warnings are no errors": (201, {"createdId": 1, "warnings": [{"message": "the tier is near its end"}]}, CREDITED),
    "errors null": (201, errors(None), CREDITED),
    "errors empty": (201, errors([]), CREDITED),
    "errors an empty object": (201, errors({}), CREDITED),
    "errors an empty text": (201, errors(""), CREDITED),
    "v1.1 success text with confirmation": (200, v1("true", "true", **GOOD), CREDITED),
    "v1.1 success boolean with confirmation": (200, v1(True, True, **GOOD), CREDITED),
    "v1.1 success in capitals": (200, v1("TRUE", **GOOD), CREDITED),
    "error outside of 2xx's errors": (201, {**GOOD, "error": "ignored"}, CREDITED),
    "no confirmation": (200, {}, UNKNOWN),
    "confirmation null": (201, {"createdId": None}, UNKNOWN),
    "confirmation a text": (201, {"createdId": "38"}, UNKNOWN),
    "confirmation a boolean": (201, {"createdId": True}, UNKNOWN),
    "confirmation a fraction": (201, b'{"createdId": 38.0}', UNKNOWN),
    "confirmation elsewhere": (201, {"data": GOOD}, UNKNOWN),
    "v1.1 success without confirmation": (200, v1("true", "true"), UNKNOWN),
    "a list": (201, [GOOD], UNKNOWN),
    "null": (201, None, UNKNOWN),
    "a number": (201, 38, UNKNOWN),
    "a text": (201, "createdId", UNKNOWN),
    "true": (201, True, UNKNOWN),
    "empty": (201, b"", UNKNOWN),
    "blank": (201, b" \r\n", UNKNOWN),
    "HTML": (200, b"<html>It works!</html>", UNKNOWN),
    "cut JSON": (201, b'{"createdId": 38, "warn', UNKNOWN),
    "JSON twice": (201, b'{"createdId": 38}{"createdId": 38}', UNKNOWN),
    "not UTF-8": (201, b'{"createdId": 38, "x": "\xff"}', UNKNOWN),
    "UTF-16": (201, json.dumps(GOOD).encode("utf-16"), UNKNOWN),
    "a number that no machine can hold": (201, b'{"createdId": ' + b"9" * 5000 + b"}", UNKNOWN),
    "an exponent that no machine can hold": (201, b'{"createdId": 1, "x": 1e99999999999999999999}', UNKNOWN),
    "very deep": (201, b'{"createdId": 1, "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", UNKNOWN),
    "very deep and unclosed": (201, b"[" * 100_000, UNKNOWN),
    "v1.1 failure text": (200, v1("false", **GOOD), REFUSED),
    "v1.1 failure boolean": (200, v1(False, **GOOD), REFUSED),
    "v1.1 failure in capitals": (200, v1("False", **GOOD), REFUSED),
    "v1.1 failure with blanks": (200, v1(" FALSE ", **GOOD), REFUSED),
    "v1.1 failure without a message": (200, {"response": {"status": {"success": False}}, **GOOD}, REFUSED),
    "v1.1 one item of two failed": (200, v1("true", "true", "false", **GOOD), REFUSED),
    "v1.1 item failed as boolean": (200, v1("true", False, **GOOD), REFUSED),
    "an item that failed elsewhere": (200, {**GOOD, "items": [{"item_status": {"success": "false"}}]}, REFUSED),
    "an item that failed at the top": (200, {**GOOD, "item_status": {"success": "false"}}, REFUSED),
    "errors of objects": (200, errors([{"code": 1234, "message": "no"}]), REFUSED),
    "errors of texts": (200, errors(["no"]), REFUSED),
    "errors an object": (200, errors({"code": 1, "message": "no"}), REFUSED),
    "errors a text": (200, errors("no"), REFUSED),
    "errors a number": (200, errors(7), REFUSED),
    "errors of null": (200, errors([None]), REFUSED),
    "errors of an empty object": (200, errors([{}]), REFUSED),
    "errors with a message that is no text": (200, errors([{"message": {"a": [1]}}]), REFUSED),
    "400": (400, errors([{"message": "Invalid customer"}]), REFUSED),
    "400 with a success body": (400, GOOD, REFUSED),
    "400 without a body": (400, b"", REFUSED),
    "401": (401, b"<html>", REFUSED),
    "403": (403, {}, REFUSED),
    "404": (404, b"not found", REFUSED),
    "409": (409, errors([{"message": "conflict"}]), REFUSED),
    "422": (422, {}, REFUSED),
    "499": (499, {}, REFUSED),
    "408 says nothing about the server's work": (408, {}, UNKNOWN),
    "425 was not processed": (425, {}, NOT_SENT),
    "429 was not processed": (429, {}, NOT_SENT),
    "429 with a success body": (429, GOOD, NOT_SENT),
    "500": (500, {}, UNKNOWN),
    "500 with a success body": (500, GOOD, UNKNOWN),
    "500 with errors": (500, errors([{"message": "no"}]), UNKNOWN),
    "502": (502, b"<html>bad gateway</html>", UNKNOWN),
    "503": (503, b"", UNKNOWN),
    "504": (504, b"", UNKNOWN),
    "599": (599, b"", UNKNOWN),
    "301": (301, b"", UNKNOWN),
    "304": (304, GOOD, UNKNOWN),
    "101": (101, b"", UNKNOWN),
    "600": (600, GOOD, UNKNOWN),
    "999": (999, GOOD, UNKNOWN),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_read_as_what_it_proves(name: str) -> None:
    status, body, expected = ANSWERS[name]
    outcome = classify(status, body)
    assert outcome.kind == expected
    assert outcome.http_status == status
    assert bool(outcome.error) == (expected != CREDITED)
    assert not outcome.already_known


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_can_be_kept_and_shown(name: str) -> None:
    status, body, _ = ANSWERS[name]
    outcome = classify(status, body)
    kept = strict_json.loads(strict_json.dumps(outcome.shown))
    assert kept["status"] == status
    assert len(outcome.error) <= 500


@pytest.mark.parametrize(
    "message",
    ["Reference number already exists", "reference id already exists", "REFERENCE ALREADY EXISTS",
     "Reference no. already used",
     "referenceId was already known", "The reference already exists for this org"],
)  # fmt: skip
@pytest.mark.parametrize("status", [200, 400, 409])
def test_a_known_reference_is_a_refusal_that_says_so(message: str, status: int) -> None:
    outcome = classify(status, errors([{"code": 9045, "message": message}]))
    assert (outcome.kind, outcome.already_known) == (REFUSED, True)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, errors([{"message": "Reference number already exists"}])),
        (429, errors([{"message": "Reference number already exists"}])),
        (400, errors([{"message": "Invalid customer reference"}])),
        (400, b"Reference number already exists"),
        (400, {"hint": "Reference number already exists"}),
        (201, {**GOOD, "warnings": [{"message": "Reference number already exists"}]}),
    ],
)
def test_only_a_refusal_in_the_errors_tells_that_a_reference_is_known(status: int, body: Any) -> None:
    assert not classify(status, body).already_known


@pytest.mark.parametrize(
    "own", ["the reference already exists", "REFERENCE ALREADY EXISTS", "already exists", "reference"]
)
def test_words_of_the_maker_in_an_error_are_not_intouch_s(own: str) -> None:
    body = json.dumps(errors([{"message": "rejected: 'the reference already exists'"}])).encode()
    answer = Answer(400, {}, body)
    assert outcomes.classify(answer, GOODWILL_POINTS, ()).already_known
    assert not outcomes.classify(answer, GOODWILL_POINTS, (), [own]).already_known
    assert outcomes.classify(answer, GOODWILL_POINTS, (), ["API", "a (reason) with [signs]"]).already_known


@pytest.mark.parametrize("depth", [50, 150, 300, 450, 600, 900, 990, 3000])
@pytest.mark.parametrize("status", [201, 400])
def test_no_depth_of_nesting_raises(depth: int, status: int) -> None:
    for opening, closing in [(b"[", b"]"), (b'{"a":', b"}")]:
        body = b'{"createdId": 1, "errors": [], "x": ' + opening * depth + b"1" + closing * depth + b"}"
        outcome = classify(status, body)
        assert outcome.kind in ((CREDITED, UNKNOWN) if status == 201 else (REFUSED,))
        strict_json.loads(strict_json.dumps(outcome.shown))


@pytest.mark.parametrize(
    "body", [b'{"createdId": 1, "x": NaN}', b'{"createdId": 1, "x": -Infinity}', b'{"createdId": NaN}']
)
def test_constants_that_are_no_json_are_kept_as_text(body: bytes) -> None:
    outcome = classify(201, body)
    assert outcome.kind == (UNKNOWN if b'"createdId": NaN' in body else CREDITED)
    assert "NaN" not in strict_json.dumps(outcome.shown).replace('"NaN"', "")


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800", "\\udfff\\ud800"])
def test_what_postgresql_cannot_hold_is_replaced(text: str) -> None:
    body = f'{{"errors": [{{"message": "a{text}b", "k{text}": 1}}]}}'.encode()
    outcome = classify(400, body, x_odd="a\x00b")
    assert outcome.kind == REFUSED
    kept = strict_json.dumps([outcome.shown, outcome.error])
    assert "\x00" not in kept
    assert kept.encode().decode() == kept
    assert "\ufffd" in outcome.error


def test_a_long_complaint_is_cut_and_its_body_kept() -> None:
    outcome = classify(400, errors([{"message": "x" * 5000}] * 3))
    assert len(outcome.error) == 300
    assert outcome.shown is not None
    assert outcome.shown["body"]["errors"][0]["message"] == "x" * 5000


def test_an_unreadable_body_is_shown_in_part() -> None:
    outcome = classify(200, b"<html>" + b"y" * 10_000 + b"\xff")
    assert outcome.shown is not None
    assert outcome.shown["body"].startswith("<html>y")
    assert len(outcome.shown["body"]) == 2000


def test_points_keep_every_digit() -> None:
    outcome = classify(201, b'{"createdId": 1, "points": 0.10000000000000000000001}')
    assert '"points":0.10000000000000000000001' in strict_json.dumps(outcome.shown)


@pytest.mark.parametrize("status", [200, 400, 503])
def test_an_echoed_credential_is_masked_everywhere(status: int) -> None:
    body = {
        "errors": [{"message": f"bad credential {SECRET}"}],
        "seen": {"raw": "ZmFrZTpmYWtl"},
        "authorization": SECRET,
    }
    for raw in (json.dumps(body).encode(), f"<html>{SECRET} ZmFrZTpmYWtl</html>".encode()):
        outcome = classify(status, raw, x_echo=SECRET, set_cookie="a=b")
        assert "ZmFrZTpmYWtl" not in strict_json.dumps([outcome.shown, outcome.error])
        assert "a=b" not in strict_json.dumps(outcome.shown)


RETRY_AFTER = {
    "5": 5, "0": 1, "1": 1, "3600": 3600, "3601": 3600, "99999999": 3600, "9" * 300: 3600, " 7 ": 7,
    "-5": None, "1.5": None, "soon": None, "": None, "٥": None, "1e3": None, "5, 6": None, "\x00": None,
    "Wed, 21 Oct 2015 07:28:00 GMT": 1, "Wed, 21 Oct 2515 07:28:00 GMT": 3600,
}  # fmt: skip


@pytest.mark.parametrize("text", RETRY_AFTER)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_clamped_to_a_second_and_an_hour(text: str, status: int) -> None:
    assert classify(status, {}, Retry_After=text).retry_after == RETRY_AFTER[text]


def test_retry_after_may_be_a_date() -> None:
    after = classify(
        503, {}, retry_after=format_datetime(timezone.now() + timedelta(seconds=100), usegmt=False)
    ).retry_after
    assert after is not None
    assert 60 < after <= 100


def test_a_date_without_a_zone_does_not_raise() -> None:
    assert classify(503, {}, retry_after="Wed, 21 Oct 2515 07:28:00").retry_after in (None, 3600)
    assert classify(503, {}, retry_after="Wed, 21 Oct 2515 07:28:00 -0000").retry_after in (None, 3600)


def test_without_an_answer_nothing_sent_and_unknown_are_told_apart() -> None:
    assert outcomes.of_error(Unavailable("not sent: X")).kind == NOT_SENT
    assert outcomes.of_error(OutcomeUnknown("sent: X")).kind == UNKNOWN


@pytest.mark.parametrize(
    ("status", "is_outage"), [(503, True), (500, True), (429, False), (400, False), (201, False), (302, False)]
)
def test_the_breaker_counts_what_shows_that_the_target_is_away(status: int, is_outage: bool) -> None:
    assert classify(status, GOOD).is_outage == is_outage
    assert outcomes.of_error(Unavailable("x")).is_outage
    assert outcomes.of_error(OutcomeUnknown("x")).is_outage

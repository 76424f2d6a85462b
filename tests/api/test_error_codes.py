"""Every code that docs/api.md lists, seen on the wire; and nothing of an error's inside."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from accounts import attempts
from tests.api.gateway import (
    BODY,
    MISSING,
    ORGANISATION,
    PREFIX,
    SUBMIT,
    TASK,
    Answer,
    Gateway,
    assert_refused,
    decision_body,
    put,
    stored,
)
from tests.factories import set_terms

CORRELATION = "X-CAP-REQUEST-ID"
TABLE = Path(__file__).parents[2] / "docs" / "api.md"
# What clients of the incumbent know: each must be listed, whatever else is.
INCUMBENT = {2001, 2002, 2005, 2007, 2008, 2009, 2011, 2012, 2013, 2014, 2015, 2021, 2022, 2023, 2026, 4290, 5000, 9050,
             9051, 1101}  # fmt: skip


@pytest.fixture(autouse=True)
def _no_waiting(settings: Any) -> None:
    settings.DECISION_WAIT_SECONDS = 0


def _changed(path: str, value: Any) -> Callable[[Gateway], Answer]:
    return lambda gateway: gateway.submit(put(gateway.house.body(), path, value))


def _twice(gateway: Gateway) -> Answer:
    checker, request = gateway.by(gateway.house.checker), gateway.house.submit()
    checker.decide(request.pk)
    return checker.decide(request.pk)


def _other_content(gateway: Gateway) -> Answer:
    body = gateway.house.body()
    gateway.submit(body)
    return gateway.submit(put(body, f"{BODY}.points", 1))


def _other_digest(gateway: Gateway) -> Answer:
    return gateway.by(gateway.house.checker).having(If_Match='"x"').decide(gateway.house.submit().pk)


def _wrong_action(gateway: Gateway) -> Answer:
    body = put(decision_body(gateway.house.submit().pk), "actionName", "IntouchAPITask")
    return gateway.by(gateway.house.checker).call("PUT", SUBMIT, body)


def _switched_off(gateway: Gateway) -> Answer:
    set_terms(gateway.house.policy, is_enabled=False)
    return gateway.submit()


def _own(gateway: Gateway) -> Answer:
    return gateway.decide(gateway.house.submit().pk)


def _too_often(gateway: Gateway) -> Answer:
    guesser = gateway.by(gateway.house.maker, "wrong")
    for _ in range(attempts.PAIR_LIMIT):
        assert guesser.list().status == 401
    return guesser.list()


def _broken(gateway: Gateway) -> Answer:
    """The table of the history has lost what numbers it: a fault that nobody foresees."""
    with connection.cursor() as cursor:
        cursor.execute("DROP SEQUENCE goodwill_request_number CASCADE")
    return gateway.submit()


def _without_database(gateway: Gateway) -> Answer:
    def refuse(*_: Any) -> Any:
        raise OperationalError("connection to 10.1.2.3 as goodwill_owner failed")

    with connection.execute_wrapper(refuse):
        return gateway.submit()


def _broken_outside_the_api(gateway: Gateway) -> Answer:
    def refuse(*_: Any) -> Any:
        raise RuntimeError("goodwill_request_number of 10.1.2.3")

    with connection.execute_wrapper(refuse):
        return gateway.call("GET", "/readyz")


CASES: dict[tuple[int, int], Callable[[Gateway], Answer]] = {
    (1101, 400): _changed(f"{BODY}.programId", 1),
    (2001, 403): lambda gateway: gateway.by(gateway.house.auditor).submit(),
    (2002, 409): _twice,
    (2002, 412): _other_digest,
    (2005, 400): lambda gateway: gateway.having(**{ORGANISATION: "0"}).submit(),
    (2007, 404): lambda gateway: gateway.show("x"),
    (2007, 400): _wrong_action,
    (2008, 400): _changed(f"{BODY}.reason", ""),
    (2008, 409): _other_content,
    (2008, 415): lambda gateway: gateway.submit(content_type="text/plain"),
    (2009, 400): lambda gateway: gateway.submit(path=f"{PREFIX}/EARN-BADGE"),
    (2011, 400): lambda gateway: gateway.list("sortBy=x"),
    (2012, 400): lambda gateway: gateway.list("sortOrder=x"),
    (2013, 401): lambda gateway: gateway.having(Authorization=None).submit(),
    (2014, 400): _changed(f"{BODY}.earningEntityId", MISSING),
    (2015, 400): _changed(f"{BODY}.points", 0),
    (2021, 503): _switched_off,
    (2022, 400): _changed(f"{TASK}.hostname", "http://evil.test"),
    (2023, 400): _changed(f"{TASK}.headers.Host", "evil.test"),
    (2026, 400): lambda gateway: gateway.having(**{ORGANISATION: None}).submit(),
    (4290, 429): _too_often,
    (5000, 500): _broken,
    (5000, 503): _without_database,
    (9050, 404): lambda gateway: gateway.history(1),
    (9051, 403): _own,
}


@pytest.mark.parametrize(("code", "status"), CASES)
def test_a_refusal_has_its_code_and_its_status(gateway: Gateway, code: int, status: int) -> None:
    answer = CASES[code, status](gateway)

    assert answer.status == status, answer.text
    assert [item["code"] for item in answer.json["errors"]] == [code]
    assert answer.headers[CORRELATION]
    assert answer.headers["Content-Type"] == "application/json"


def test_every_documented_code_has_a_case_and_every_case_is_documented() -> None:
    rows = re.findall(r"^\| (\d{4}) \| (\d{3}) \|", TABLE.read_text(), re.MULTILINE)

    documented = {(int(code), int(status)) for code, status in rows}

    assert documented == set(CASES)
    assert {code for code, _ in documented} == INCUMBENT


def test_credentials_that_are_missing_are_asked_for(gateway: Gateway) -> None:
    answer = CASES[2013, 401](gateway)

    assert answer.headers["WWW-Authenticate"] == 'Basic realm="goodwill", charset="UTF-8"'


def test_too_many_attempts_are_told_how_long_to_wait(gateway: Gateway) -> None:
    answer = _too_often(gateway)

    assert int(answer.headers["Retry-After"]) == attempts.WINDOW_SECONDS
    assert gateway.by(gateway.house.checker).list().status == 200


@pytest.mark.parametrize("case", [(5000, 500), (5000, 503)])
def test_an_unforeseen_error_tells_the_correlation_id_and_nothing_else(
    gateway: Gateway, case: tuple[int, int], caplog: pytest.LogCaptureFixture
) -> None:
    answer = CASES[case](gateway.having(X_CAP_REQUEST_ID="unforeseen-0001"))

    assert_refused(answer, case[1], (5000, None))
    message = answer.json["errors"][0]["message"]
    assert "unforeseen-0001" in message
    for inside in ("goodwill_request_number", "relation", "Error", "Traceback", "10.1.2.3", "goodwill_owner", "SELECT"):
        assert inside not in answer.text
    assert "ZmFrZTpmYWtl" not in caplog.text


def test_an_unforeseen_error_outside_the_api_is_told_in_the_same_way(gateway: Gateway) -> None:
    answer = _broken_outside_the_api(gateway.having(X_CAP_REQUEST_ID="unforeseen-0002"))

    assert_refused(answer, 500, (5000, None))
    assert "unforeseen-0002" in answer.json["errors"][0]["message"]
    assert "10.1.2.3" not in answer.text


def test_an_unforeseen_error_leaves_nothing_half_stored(gateway: Gateway) -> None:
    before = stored()

    _broken(gateway)

    assert stored() == before


def test_an_unavailable_database_is_told_with_the_time_to_wait(gateway: Gateway) -> None:
    assert _without_database(gateway).headers["Retry-After"] == "5"


WELL_FORMED = ("12345678", "a" * 64, "0198f0c2-6f5e-7b3a-9c41-2f1d7a6be0aa", "A.b_c:d-9")
ILL_FORMED = ("", "1234567", "a" * 65, "with blank", "a/b/c/d/e", "<script>", "äöüäöüäö", "12345678\r\nX: 1",
              "12345678\n", "12345678\x00", "a,b,c,d,e,f")  # fmt: skip

ANSWERS: dict[str, Callable[[Gateway], Answer]] = {
    "200": lambda gateway: gateway.submit(),
    "400": lambda gateway: gateway.submit(b"{"),
    "401": CASES[2013, 401],
    "403": CASES[2001, 403],
    "404": CASES[2007, 404],
    "404 of no address": lambda gateway: gateway.call("GET", "/nowhere"),
    "405": lambda gateway: gateway.call("DELETE", SUBMIT),
    "409": _twice,
    "415": CASES[2008, 415],
    "500": _broken,
    "503": _without_database,
    "500 outside the API": _broken_outside_the_api,
    "a wrong host": lambda gateway: gateway.submit(environ={"HTTP_HOST": "evil.test"}),
    "the standard token endpoint": lambda gateway: gateway.call("POST", "/oauth2/token"),
    "the token endpoint": lambda gateway: gateway.call("POST", "/v3/oauth/token/generate", {}),
    "health": lambda gateway: gateway.call("GET", "/healthz"),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_every_answer_carries_the_correlation_id_that_was_sent(gateway: Gateway, kind: str) -> None:
    answer = ANSWERS[kind](gateway.having(X_CAP_REQUEST_ID="my-request-0001"))

    assert answer.headers[CORRELATION] == "my-request-0001"


@pytest.mark.parametrize("sent", WELL_FORMED)
def test_a_well_formed_correlation_id_is_taken(gateway: Gateway, sent: str) -> None:
    assert gateway.having(X_CAP_REQUEST_ID=sent).list().headers[CORRELATION] == sent


@pytest.mark.parametrize("sent", ILL_FORMED)
def test_an_ill_formed_correlation_id_is_replaced(gateway: Gateway, sent: str) -> None:
    made = {
        gateway.submit(environ={"HTTP_X_CAP_REQUEST_ID": sent.encode().decode("latin-1")}).headers[CORRELATION]
        for _ in range(2)
    }

    assert sent not in made
    assert len(made) == 2
    assert all(re.fullmatch(r"[0-9a-f-]{36}", correlation_id) for correlation_id in made)

"""The headers inside the payload, and those of the request itself."""

from __future__ import annotations

import io
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser
from gunicorn.http.wsgi import create

from tests.api.gateway import (
    MISSING,
    ORGANISATION,
    REQUESTS,
    SUBMIT,
    TASK,
    Gateway,
    assert_refused,
    basic,
    put,
    put_raw,
    stored,
)
from tests.factories import PASSWORD, MembershipFactory, OrganisationFactory
from wire import secrets, strict_json
from wire.secrets import Secret
from workflows.bindings import secret_binding
from workflows.models import WorkflowRequest
from workflows.set_up import allow_target

HEADERS = f"{TASK}.headers"
HISTORY = "/v2/customers/382332518/goodwillRequest"

WRONG: list[tuple[str, str]] = [
    *[("Authorization", raw) for raw in ("1", "true", "null", "[]", "{}", '""', '" "', '"***"', '"Basic ä"',
                                         '"Basic  x"', '" Basic eA=="', '"Basic eA== "', '"' + "x" * 4097 + '"')],
    *[("content-type", raw) for raw in ('"text/plain"', '"application/json; charset=utf-8"', '""', "null", "1",
                                        '" application/json"', '"application/x-www-form-urlencoded"')],
    *[("X-CAP-API-AUTH-ORG-ID", raw) for raw in ('"51251"', "51251", "51250.0", "true", "null", '""', '" 51250"',
                                                 '"051250"', '"51250,51250"', '"٥١٢٥٠"', "[51250]")],
    *[(name, '"x"') for name in ("Host", "Cookie", "Transfer-Encoding", "Content-Length", "Connection",
                                 "Idempotency-Key", "X-Forwarded-For", "X_CAP_API_AUTH_ORG_ID", "",
                                 "authorization ", "AUTHORIZATION",
                                 "Content-Type")],
]  # fmt: skip


@pytest.mark.parametrize(("name", "raw"), WRONG, ids=lambda value: str(value)[:50])
def test_a_header_that_cannot_be_used_is_named(gateway: Gateway, name: str, raw: str) -> None:
    before = stored()

    answer = gateway.submit(put_raw(gateway.house.body(), f"{HEADERS}.{name}", raw))

    assert_refused(answer, 400, (2023, f"{HEADERS}.{name}" if name else HEADERS))
    assert stored() == before


@pytest.mark.parametrize(
    "raw", [r'"Basic eA==\r\nX-Injected: 1"', r'"Basic eA==\nX: 1"', r'"Basic\u0000x"', r'"\u007f"']
)
def test_a_line_break_in_a_header_is_refused_before_anything_else(gateway: Gateway, raw: str) -> None:
    before = stored()

    assert_refused(gateway.submit(put_raw(gateway.house.body(), f"{HEADERS}.Authorization", raw)), 400, (2008, None))
    assert stored() == before


@pytest.mark.parametrize("path", [HEADERS, f"{HEADERS}.Authorization"])
def test_the_credential_is_needed_unless_the_target_has_its_own(gateway: Gateway, path: str) -> None:
    body = put(gateway.house.body(), path, MISSING)

    assert_refused(gateway.submit(body), 400, (2023, f"{HEADERS}.Authorization"))

    target = gateway.house.target
    allow_target(
        organisation=target.organisation,
        origin=target.origin,
        base_url=target.base_url,
        credential="Basic b3duOm93bg==",
    )
    answer = gateway.submit(body)
    assert answer.status == 200
    assert "b3duOm93bg" not in answer.text
    assert WorkflowRequest.objects.get(pk=answer.data["requestId"]).secret is None


@pytest.mark.parametrize("names", [("authorization", "Content-Type"), ("AUTHORIZATION", "CONTENT-TYPE")])
def test_header_names_are_taken_in_any_case_and_shown_as_sent(gateway: Gateway, names: tuple[str, str]) -> None:
    headers = {names[0]: "Bearer abc.def", names[1]: "Application/JSON", "x-cap-api-auth-org-id": 51250}

    answer = gateway.submit(put(gateway.house.body(), HEADERS, headers))

    assert answer.status == 200
    assert answer.data["details"]["IntouchAPITask-Payload"]["headers"] == headers
    shown = gateway.show(answer.data["requestId"]).data["details"]["IntouchAPITask-Payload"]["headers"]
    assert shown == headers | {names[0]: "***"}


def test_the_credential_is_kept_encrypted_and_opens_for_its_own_request_only(gateway: Gateway) -> None:
    first, second = (
        WorkflowRequest.objects.get(pk=gateway.submit(gateway.house.body()).data["requestId"]) for _ in range(2)
    )

    assert b"ZmFrZTpmYWtl" not in bytes(first.secret)
    assert "ZmFrZTpmYWtl" not in first.payload
    assert secrets.decrypt(first.secret, secret_binding(first.pk)) == Secret("Basic ZmFrZTpmYWtl")
    with pytest.raises(secrets.SecretUnreadable):
        secrets.decrypt(first.secret, secret_binding(second.pk))


INVALID_ORGANISATIONS = (
    "", " ", "1,2", "51250,51250", " 51250", "51250 ", "٥١٢٥٠", "５１２５０", "0", "-1", "+51250", "1e3", "51250.0",
    "0x1", "51_250", "abc", "9223372036854775808", "9" * 40, "51250;", "None",
)  # fmt: skip


@pytest.mark.parametrize("value", INVALID_ORGANISATIONS)
def test_a_malformed_organisation_header_is_refused(gateway: Gateway, value: str) -> None:
    before = stored()
    # What a server hands on is latin-1 text of the bytes that were sent.
    environ = {"HTTP_X_CAP_API_AUTH_ORG_ID": value.encode().decode("latin-1")}

    for method, path in (("POST", SUBMIT), ("PUT", SUBMIT), ("GET", REQUESTS), ("GET", HISTORY)):
        assert_refused(gateway.call(method, path, {}, environ=environ), 400, (2005, ORGANISATION))
    assert stored() == before


def test_the_organisation_header_is_needed_to_submit_and_to_decide(gateway: Gateway) -> None:
    bare = gateway.having(**{ORGANISATION: None})
    request = gateway.house.submit()

    assert_refused(bare.submit(), 400, (2026, ORGANISATION))
    assert_refused(bare.by(gateway.house.checker).decide(request.pk), 400, (2026, ORGANISATION))


def test_a_member_of_one_organisation_may_leave_the_header_out_when_reading(gateway: Gateway) -> None:
    request = gateway.house.submit()
    bare = gateway.having(**{ORGANISATION: None})

    assert [bare.show(request.pk).status, bare.list().status, bare.history().status] == [200, 200, 200]


def test_a_member_of_two_organisations_must_say_which(gateway: Gateway) -> None:
    request = gateway.house.submit()
    MembershipFactory(user=gateway.house.maker, is_maker=True)
    bare = gateway.having(**{ORGANISATION: None})

    for answer in (bare.show(request.pk), bare.list(), bare.history()):
        assert_refused(answer, 400, (2026, ORGANISATION))


@pytest.mark.parametrize("organisation_id", ["99999", "9223372036854775807"])
def test_a_foreign_organisation_looks_like_one_that_does_not_exist(gateway: Gateway, organisation_id: str) -> None:
    foreign = OrganisationFactory()
    before = stored()

    refused = [gateway.having(**{ORGANISATION: number}).submit() for number in (organisation_id, str(foreign.pk))]

    for answer in refused:
        assert_refused(answer, 403, (2001, None))
    assert refused[0].text == refused[1].text
    assert stored() == before


@pytest.mark.parametrize(
    "lines",
    [["X_CAP_API_AUTH_ORG_ID: 70001"], ["X-CAP-API-AUTH-ORG-ID: 51250", "X_CAP_API_AUTH_ORG_ID: 70001"],
     ["X_CAP_API_AUTH_ORG_ID: 70001", "X-CAP-API-AUTH-ORG-ID: 51250"]],
)  # fmt: skip
def test_an_underscore_cannot_pose_as_the_organisation_header(gateway: Gateway, lines: list[str]) -> None:
    """As gunicorn reads the bytes: with the hyphen it counts, with underscores it is dropped."""
    environ = _environ_of(lines, basic(gateway.house.maker.username, PASSWORD))

    expected = "51250" if any("-CAP-" in line for line in lines) else None
    assert environ.get("HTTP_X_CAP_API_AUTH_ORG_ID") == expected


def test_two_organisation_headers_are_joined_and_refused(gateway: Gateway) -> None:
    environ = _environ_of([f"{ORGANISATION}: 51250", f"{ORGANISATION}: 51250"], "")

    assert environ["HTTP_X_CAP_API_AUTH_ORG_ID"] == "51250,51250"
    answer = gateway.submit(environ={"HTTP_X_CAP_API_AUTH_ORG_ID": environ["HTTP_X_CAP_API_AUTH_ORG_ID"]})
    assert_refused(answer, 400, (2005, ORGANISATION))


def _environ_of(lines: list[str], authorization: str) -> dict[str, Any]:
    """The WSGI environment that gunicorn makes of a request with these header lines."""
    text = "\r\n".join(["GET /readyz HTTP/1.1", "Host: localhost", f"Authorization: {authorization}", *lines, "", ""])
    config = Config()
    request = next(RequestParser(config, iter([text.encode()]), ("127.0.0.1", 1)))
    _, environ = create(request, io.BytesIO(), ("127.0.0.1", 1), ("127.0.0.1", 80), config)
    return dict(environ)


KEYS = ("", "x" * 256, "ä", "a\tb", "a\nb", "a\x7f", "\x00")


@pytest.mark.parametrize("key", KEYS)
def test_an_odd_idempotency_key_is_refused(gateway: Gateway, key: str) -> None:
    before = stored()

    assert_refused(gateway.submit(environ={"HTTP_IDEMPOTENCY_KEY": key}), 400, (2008, "Idempotency-Key"))
    assert stored() == before


@pytest.mark.parametrize("key", ["x", "x" * 255, "0198f0c2-1111", "a b", '"quoted"', "a,b", "~!@#$%^&*()"])
def test_any_printable_idempotency_key_is_taken(gateway: Gateway, key: str) -> None:
    assert gateway.submit(environ={"HTTP_IDEMPOTENCY_KEY": key}).status == 200


TYPES = ("", "text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
         "application/xml", "application/json+x", "application/problem+json", "*/*", "json")  # fmt: skip


@pytest.mark.parametrize("content_type", TYPES)
def test_a_body_of_another_type_is_refused(gateway: Gateway, content_type: str) -> None:
    before = stored()

    assert_refused(gateway.submit(content_type=content_type), 415, (2008, "Content-Type"))
    assert stored() == before


@pytest.mark.parametrize("charset", ["utf-7", "utf-16", "latin-1", "UTF-16LE", "x"])
def test_another_charset_is_refused(gateway: Gateway, charset: str) -> None:
    before = stored()

    answer = gateway.submit(content_type=f"application/json; charset={charset}")

    assert_refused(answer, 400, (2008, "Content-Type"))
    assert stored() == before


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", 'APPLICATION/JSON;Charset="UTF-8"',
                     "application/json;version=1", "application/json ;charset=utf8"],
)  # fmt: skip
def test_json_in_utf_8_is_taken_however_it_is_announced(gateway: Gateway, content_type: str) -> None:
    assert gateway.submit(content_type=content_type).status == 200


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*;q=0", "", "nonsense"])
def test_the_answer_is_json_whatever_is_accepted(gateway: Gateway, accept: str) -> None:
    asking = gateway.having(Accept=accept)

    assert asking.submit().headers["Content-Type"] == "application/json"
    assert_refused(asking.submit(b"{"), 400, (2008, None))
    assert strict_json.loads(asking.call("GET", "/nowhere").text)["errors"][0]["code"] == 404


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-Method-Override"])
def test_a_method_cannot_be_overridden(gateway: Gateway, header: str) -> None:
    answer = gateway.having(**{header: "PUT"}).submit()

    assert answer.status == 200
    assert answer.data["state"] == "AdminTask"

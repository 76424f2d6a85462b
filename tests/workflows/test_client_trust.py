"""Where a call goes and what it carries: one address, one header list, no detour, and a secret that stays a secret."""

from __future__ import annotations

import logging
import socket
import traceback
from pathlib import Path
from typing import Any

import certifi
import pytest

from tests.workflows.calling import BODY, CREDENTIAL, caller_of, credit, outcome_of, target_at
from tests.workflows.certificates import self_signed
from tests.workflows.raw_servers import HTTP_OK, Conversation, answering, good_answers, raw_server
from workflows.intouch import client
from workflows.intouch.errors import IntouchError, OutcomeUnknown, Unavailable
from workflows.models import CallOutcome

METADATA = "169.254.169.254"


@pytest.fixture(autouse=True)
def _short_bounds(settings: Any) -> None:
    settings.INTOUCH_CONNECT_SECONDS = 1
    settings.INTOUCH_READ_SECONDS = 1
    settings.INTOUCH_TOTAL_SECONDS = 2


def resolve_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """The name service answers these addresses, one list per look-up; returns the names that were asked for."""
    asked: list[str] = []

    def look_up(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        addresses = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def test_the_call_on_the_wire_is_built_from_our_own_parts_only() -> None:
    with raw_server(answering(HTTP_OK)) as server:
        credit(target_at(server.url))
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    first, *headers = head.decode().split("\r\n")
    assert first == "POST /internal/goodwill/ HTTP/1.1"
    assert body == BODY
    assert {line.split(": ")[0].lower(): line.split(": ")[1] for line in headers} == {
        "host": f"127.0.0.1:{server.port}",
        "authorization": CREDENTIAL,
        "content-type": "application/json",
        "content-length": str(len(BODY)),
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "goodwill",
        "x-cap-api-auth-org-id": "51250",
        "x-cap-request-id": "correlation-1",
    }


def test_a_look_up_is_a_get_without_a_body() -> None:
    with raw_server(answering(HTTP_OK)) as server:
        client.call(caller_of(target_at(server.url)), method="GET", path="/look", query="referenceId=a%20b")
    assert server.requests[0].startswith(b"GET /look?referenceId=a%20b HTTP/1.1\r\n")
    assert server.requests[0].endswith(b"\r\n\r\n")


def test_the_connection_is_kept_for_the_next_call() -> None:
    with raw_server(good_answers) as server:
        target = target_at(server.url)
        assert [credit(target).status for _ in range(3)] == [201] * 3
    assert (server.connections, len(server.requests)) == (1, 3)


def test_after_a_broken_call_the_next_one_connects_anew() -> None:
    def break_the_first(conversation: Conversation) -> None:
        conversation.read_request()
        if conversation.server.connections > 1:
            conversation.send(HTTP_OK)

    with raw_server(break_the_first) as server:
        target = target_at(server.url)
        with pytest.raises(OutcomeUnknown):
            credit(target)
        assert credit(target).status == 201


def test_cookies_are_not_kept() -> None:
    answer = HTTP_OK.replace(b"content-type", b"set-cookie: a=b\r\ncontent-type")
    with raw_server(answering(answer, HTTP_OK)) as server:
        target = target_at(server.url)
        credit(target)
        credit(target)
    assert b"cookie" not in server.requests[1].lower()


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"303 See", b"307 Temporary", b"308 Permanent"])
def test_a_redirect_is_not_followed(status: bytes) -> None:
    with raw_server(good_answers) as canary:
        answer = b"HTTP/1.1 %s\r\nlocation: %s/internal/goodwill/\r\ncontent-length: 0\r\n\r\n"
        with raw_server(answering(answer % (status, canary.url.encode()))) as server:
            assert outcome_of(target_at(server.url)).kind == CallOutcome.UNKNOWN
    assert (len(server.requests), canary.connections) == (1, 0)


@pytest.mark.parametrize("location", [b"", b"\xff\xfe", b"http://[", b"//", b"http://a\\@b/", b"http://x:99999/"])
def test_a_location_that_makes_no_sense_makes_no_difference(location: bytes) -> None:
    answer = b"HTTP/1.1 302 Found\r\nlocation: %s\r\ncontent-length: 0\r\n\r\n" % location
    with raw_server(answering(answer)) as server:
        outcome = outcome_of(target_at(server.url))
    assert (outcome.kind, outcome.http_status) == (CallOutcome.UNKNOWN, 302)


def test_proxies_in_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(good_answers) as proxy, raw_server(answering(HTTP_OK)) as server:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        credit(target_at(server.url))
    assert (proxy.connections, len(server.requests)) == (0, 1)


def test_netrc_does_not_replace_the_credential(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    with raw_server(answering(HTTP_OK)) as server:
        credit(target_at(server.url))
    assert f"Authorization: {CREDENTIAL}\r\n".encode() in server.requests[0]


def test_a_trusted_certificate_of_the_right_name_is_accepted(monkeypatch: Any, tmp_path: Path) -> None:
    context, authority = self_signed(tmp_path, "localhost")
    monkeypatch.setattr(certifi, "where", lambda: str(authority))
    with raw_server(answering(HTTP_OK), context) as server:
        assert credit(target_at(f"https://localhost:{server.port}")).status == 201


@pytest.mark.parametrize(("trusted", "host", "days"),
                         [(False, "localhost", 1), (True, "other", 1), (True, "localhost", -1)],
                         ids=["self-signed", "another name", "expired"])  # fmt: skip
def test_a_certificate_that_does_not_hold_means_nothing_was_sent(
    monkeypatch: Any, tmp_path: Path, trusted: bool, host: str, days: int
) -> None:
    context, authority = self_signed(tmp_path, host, days=days)
    if trusted:
        monkeypatch.setattr(certifi, "where", lambda: str(authority))
    with raw_server(answering(HTTP_OK), context) as server, pytest.raises(Unavailable, match="SSL"):
        credit(target_at(f"https://localhost:{server.port}"))
    assert (server.connections, server.requests) == (1, [])


def test_a_handshake_that_drips_is_cut(settings: Any) -> None:
    settings.INTOUCH_CONNECT_SECONDS = 0.6
    greeting = b"\x16\x03\x03\x40\x00" + b"\x02\x00\x3f\xfc" + b"\0" * 200

    def drip(conversation: Conversation) -> None:
        conversation.drip(greeting, 0.2)

    with raw_server(drip) as server, pytest.raises(Unavailable):
        credit(target_at(f"https://127.0.0.1:{server.port}"))
    assert server.sent < 50


def test_the_name_is_resolved_once_and_the_checked_address_is_the_one_called(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolve_to(monkeypatch, ["127.0.0.1"], [METADATA])
    with raw_server(answering(HTTP_OK)) as server:
        assert credit(target_at(f"http://rebinding.test:{server.port}")).status == 201
    assert asked == ["rebinding.test"]
    assert f"Host: rebinding.test:{server.port}\r\n".encode() in server.requests[0]


def test_a_name_that_turns_to_a_forbidden_address_is_not_called_again(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, ["127.0.0.1"], [METADATA])
    with raw_server(answering(HTTP_OK)) as server:
        target = target_at(f"http://rebinding.test:{server.port}")
        assert credit(target).status == 201
        with pytest.raises((Unavailable, OutcomeUnknown)):
            credit(target)
    assert len(server.requests) == 1


def test_of_several_addresses_only_the_allowed_ones_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, [METADATA, "0.0.0.0", "127.0.0.1"])
    with raw_server(answering(HTTP_OK)) as server:
        assert credit(target_at(f"http://several.test:{server.port}")).status == 201


def test_the_next_address_is_tried_where_the_first_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, ["127.0.0.2", "127.0.0.1"])
    with raw_server(answering(HTTP_OK)) as server:
        assert credit(target_at(f"http://several.test:{server.port}")).status == 201


@pytest.mark.parametrize("addresses", [[METADATA], ["0.0.0.0", "224.0.0.1"], ["100.100.100.200"]])
def test_a_name_that_leads_nowhere_allowed_is_unavailable(monkeypatch: Any, addresses: list[str]) -> None:
    resolve_to(monkeypatch, addresses)
    with pytest.raises(Unavailable, match="NewConnection"):
        credit(target_at("http://forbidden.test"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "127.1", "0x7f000001"])
def test_this_very_host_is_not_called_in_production(settings: Any, host: str) -> None:
    settings.INTOUCH_ALLOW_LOOPBACK = False
    with raw_server(good_answers) as server, pytest.raises(Unavailable):
        credit(target_at(f"http://{host}:{server.port}"))
    assert server.connections == 0


@pytest.mark.parametrize("host", ["10.0.0.1", "172.16.0.1", "192.168.0.1", "127.0.0.1"])
def test_internal_addresses_need_the_word_of_an_administrator(host: str) -> None:
    with pytest.raises(Unavailable, match="NewConnection"):
        credit(target_at(f"http://{host}", allows_internal=False))


def test_the_credential_is_in_no_exception_and_in_no_log_line(caplog: Any, monkeypatch: Any, tmp_path: Path) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="urllib3")
    context, _ = self_signed(tmp_path, "localhost")
    told = []
    for behave, tls in [(answering(b""), None), (answering(b"HTTP/1.1 20"), None), (answering(HTTP_OK), context)]:
        with raw_server(behave, tls) as server, pytest.raises(IntouchError) as caught:
            credit(target_at(server.url))
        told += ["".join(traceback.format_exception(caught.value)), repr(caught.value), repr(vars(caught.value))]
    written = "\n".join([*told, *(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)])
    assert caplog.records, "something was logged, so that there was something to look at"
    assert "ZmFrZTpmYWtl" not in written
    assert server.url.removeprefix("https://") not in "".join(told), "nor does a reason name the address"


def test_a_caller_cannot_be_printed_with_its_credential() -> None:
    assert "ZmFrZTpmYWtl" not in repr(caller_of(target_at("http://a.test")))

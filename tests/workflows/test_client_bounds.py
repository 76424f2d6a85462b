"""The client's bounds: whatever the other side does, a call ends in time, takes little memory, and believes nothing."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tests.workflows.calling import credit, outcome_of, target_at
from tests.workflows.raw_servers import CHUNK, HTTP_OK, Conversation, answering, raw_server
from workflows.intouch.errors import OutcomeUnknown, Unavailable
from workflows.models import CallOutcome

MEBIBYTE = 1024 * 1024
HUGE = 100 * MEBIBYTE
# What the kernel's own buffers may swallow before the server notices that nobody reads.
SWALLOWED = 24 * MEBIBYTE


@pytest.fixture(autouse=True)
def _short_bounds(settings: Any) -> None:
    settings.INTOUCH_CONNECT_SECONDS = 0.5
    settings.INTOUCH_READ_SECONDS = 0.7
    settings.INTOUCH_TOTAL_SECONDS = 1.2


def test_a_good_answer_is_read_whole() -> None:
    with raw_server(answering(HTTP_OK)) as server:
        answer = credit(target_at(server.url))
    assert (answer.status, answer.body) == (201, b'{"createdId":38,"warnings":[ ]}')
    assert answer.headers["content-type"] == ["application/json"]


def test_repeated_headers_are_all_kept() -> None:
    head = b"HTTP/1.1 201 Created\r\nsuccess: 0\r\nSuccess: 1\r\ncontent-length: 2\r\n\r\n{}"
    with raw_server(answering(head)) as server:
        answer = credit(target_at(server.url))
    assert [values for name, values in answer.headers.items() if name.lower() == "success"] == [["0", "1"]]


def test_dripping_headers_are_cut_at_the_deadline() -> None:
    def drip(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.drip(HTTP_OK, 0.5)

    with raw_server(drip) as server, pytest.raises(OutcomeUnknown, match="within the time"):
        credit(target_at(server.url))
    assert 0 < server.sent < len(HTTP_OK)


def test_a_dripping_body_is_cut_at_the_deadline() -> None:
    head, _, body = HTTP_OK.partition(b"\r\n\r\n")

    def drip(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.send(head + b"\r\n\r\n")
        conversation.drip(body, 0.5)

    with raw_server(drip) as server, pytest.raises(OutcomeUnknown, match="within the time"):
        credit(target_at(server.url))
    assert 0 < server.sent - len(head) - 4 < len(body)


def test_interim_answers_without_end_are_cut_at_the_deadline() -> None:
    def flood(conversation: Conversation) -> None:
        conversation.read_request()
        while not conversation.server.stopping.is_set():
            conversation.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)

    with raw_server(flood) as server, pytest.raises(OutcomeUnknown):
        credit(target_at(server.url))


@pytest.mark.parametrize(
    "interim", [b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n", b"HTTP/1.1 102 Processing\r\n\r\n"]
)
def test_the_answer_behind_an_interim_one_is_read_as_nobody_else_s(interim: bytes) -> None:
    def answer_late(conversation: Conversation) -> None:
        conversation.read_request()
        if conversation.server.connections > 1:
            conversation.send(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}")
            return
        conversation.send(interim)
        conversation.read_request()
        conversation.send(HTTP_OK)

    with raw_server(answer_late) as server:
        target = target_at(server.url)
        first, second = outcome_of(target), outcome_of(target)
    assert (first.kind, second.kind) == (CallOutcome.UNKNOWN, CallOutcome.REFUSED)
    assert server.connections == 2


def test_silence_after_the_request_is_unknown() -> None:
    def keep_quiet(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.wait(30)

    with raw_server(keep_quiet) as server, pytest.raises(OutcomeUnknown):
        credit(target_at(server.url))
    assert len(server.requests) == 1


def flood(head: bytes) -> Any:
    def behave(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.send(head)
        for _ in range(HUGE // CHUNK):
            conversation.send(b" " * CHUNK)

    return behave


def test_a_body_of_a_hundred_mebibytes_is_not_read() -> None:
    head = b"HTTP/1.1 201 Created\r\ncontent-length: %d\r\n\r\n" % HUGE
    with raw_server(flood(head)) as server, pytest.raises(OutcomeUnknown, match="larger than"):
        credit(target_at(server.url))
    assert server.sent < SWALLOWED


def test_the_body_of_a_redirect_is_not_read_either() -> None:
    head = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: %d\r\n\r\n" % HUGE
    with raw_server(flood(head)) as server:
        assert outcome_of(target_at(server.url)).kind == CallOutcome.UNKNOWN
    assert server.sent < SWALLOWED


def test_a_body_without_announced_length_is_bounded_too() -> None:
    with raw_server(flood(b"HTTP/1.1 201 Created\r\n\r\n")) as server, pytest.raises(OutcomeUnknown, match="larger"):
        credit(target_at(server.url))
    assert server.sent < SWALLOWED


@pytest.mark.parametrize("coding", [b"gzip", b"br", b"identity, gzip", b"x-new"])
def test_a_compressed_answer_is_not_opened(coding: bytes) -> None:
    answer = HTTP_OK.replace(b"content-type: application/json", b"content-encoding: " + coding)
    with raw_server(answering(answer)) as server, pytest.raises(OutcomeUnknown, match="compressed"):
        credit(target_at(server.url))


NO_ANSWERS = {
    "closed at once": b"",
    "cut in the status line": b"HTTP/1.1 20",
    "no HTTP": b"hello\r\n\r\n",
    "another version": b"HTTP/9.9 200 OK\r\n\r\n{}",
    "a status that is no number": b"HTTP/1.1 abc OK\r\n\r\n",
    "a status out of range": b"HTTP/1.1 99999 OK\r\n\r\n",
    "cut in the body": HTTP_OK[:-5],
    "a length that is no number": b"HTTP/1.1 201 Created\r\ncontent-length: abc\r\n\r\n",
    "two lengths": b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\ncontent-length: 31\r\n\r\n{}",
    "a chunk size that is no number": b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "cut between chunks": b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
    "a header line without end": b"HTTP/1.1 201 Created\r\nx: " + b"a" * 70_000 + b"\r\n\r\n",
    "more headers than anybody needs": b"HTTP/1.1 201 Created\r\n" + b"x: y\r\n" * 200 + b"\r\n",
    "switching protocols": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    # urllib3 reports this one as a clean and empty 200.
    "closed after the status line": b"HTTP/1.1 200 OK\r\n",
    "closed in the headers": b"HTTP/1.1 201 Created\r\ncontent-type: appl",
    "an empty body": b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
}


@pytest.mark.parametrize("answer", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_what_is_no_whole_answer_is_unknown_and_never_a_success(answer: bytes) -> None:
    with raw_server(answering(answer)) as server:
        outcome = outcome_of(target_at(server.url))
    assert outcome.kind == CallOutcome.UNKNOWN
    assert len(server.requests) == 1, "it was sent once, and not again"


def test_a_reset_after_the_request_is_unknown() -> None:
    def reset(conversation: Conversation) -> None:
        conversation.read_request()
        conversation.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    with raw_server(reset) as server, pytest.raises(OutcomeUnknown):
        credit(target_at(server.url))


def test_a_refused_connection_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(Unavailable):
        credit(target_at(f"http://127.0.0.1:{port}"))


def test_a_connection_that_is_never_accepted_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        with pytest.raises(Unavailable, match="ConnectTimeout"):
            credit(target_at(f"http://127.0.0.1:{address[1]}"))
        for filler in fillers:
            filler.close()


def test_a_name_that_does_not_resolve_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(Unavailable, match="NameResolution"):
        credit(target_at("http://no-such-name.test"))


def test_the_time_for_the_call_includes_looking_the_name_up(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.INTOUCH_TOTAL_SECONDS = 0.2
    look_up = socket.getaddrinfo

    def slow(*arguments: Any, **options: Any) -> Any:
        conversation_over.wait(0.4)
        return look_up(*arguments, **options)

    with raw_server(answering(HTTP_OK)) as server:
        conversation_over = server.stopping
        monkeypatch.setattr(socket, "getaddrinfo", slow)
        with pytest.raises(Unavailable):
            credit(target_at(server.url))
    assert server.requests == []

"""Everything that Intouch can do wrong, done to a real worker: each request ends as promised, credited as promised.

All faults befall requests of their own, side by side, in one go of one worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.faults.killable import wait_until
from tests.faults.proxy import Fault, proxy
from tests.faults.service import Service
from tests.workflows.certificates import self_signed
from tests.workflows.raw_servers import RawServer, good_answers, raw_server

pytestmark = [pytest.mark.xdist_group("processes"), pytest.mark.timeout(300)]

ASKS_AGAIN, LOOKS_UP = 0, 1
METADATA = "http://169.254.169.254/latest/meta-data/"
CREDITED, FAILED = ("credited", 1), ("failed", 0)
# Fault: its options, the outcome of the first call, and how the request ends with how many credits.
ONCE_EACH: dict[str, tuple[dict[str, Any], str, tuple[str, int]]] = {
    "500": ({}, "unknown", CREDITED),
    "503": ({"retryAfter": 1}, "unknown", CREDITED),
    "429": ({"retryAfter": 1}, "not_sent", CREDITED),
    "500-after-credit": ({}, "unknown", CREDITED),
    "503-after-credit": ({}, "unknown", CREDITED),
    "drop-before-credit": ({}, "unknown", CREDITED),
    "drop-after-credit": ({}, "unknown", CREDITED),
    "late-answer": ({"delay": 2.5}, "unknown", CREDITED),
    "late-credit": ({"delay": 1}, "unknown", CREDITED),
    "drip": ({"delay": 1}, "unknown", CREDITED),
    "drip-body": ({"delay": 1}, "unknown", CREDITED),
    "huge": ({}, "unknown", CREDITED),
    "garbage": ({}, "unknown", CREDITED),
    "empty": ({}, "unknown", CREDITED),
    "wrong-body": ({}, "unknown", CREDITED),
    "cut-status-line": ({}, "unknown", CREDITED),
    "cut-body": ({}, "unknown", CREDITED),
    "redirect": ({"location": METADATA}, "unknown", CREDITED),
    "400": ({}, "refused", FAILED),
    "401": ({}, "refused", FAILED),
    "404": ({}, "refused", FAILED),
    "409": ({}, "refused", FAILED),
    "failure-body": ({}, "refused", FAILED),
    "item-failure-body": ({}, "refused", FAILED),
    "errors-body": ({}, "refused", FAILED),
}
LOOKED_UP = [
    "503",
    "503-after-credit",
    "drop-before-credit",
    "drop-after-credit",
    "late-answer",
    "late-credit",
    "garbage",
]
CUTS = {
    "nothing-answered": Fault(swallows=True),
    "request-cut-in-its-head": Fault(request_bytes=60),
    "request-cut-in-its-body": Fault(request_bytes=450),
    "answer-cut-at-once": Fault(answer_bytes=0),
    "answer-cut-in-its-status-line": Fault(answer_bytes=12),
    "answer-cut-in-its-headers": Fault(answer_bytes=60),
}


def reference(fault: str, organisation: int = ASKS_AGAIN) -> str:
    return f"intouch-{fault}-{organisation}"


@pytest.fixture(scope="module")
def canary() -> Iterator[RawServer]:
    """An address to which only a followed redirect leads."""
    with raw_server(good_answers) as server:
        yield server


@pytest.fixture(scope="module")
def impostor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawServer]:
    """A server with a certificate for another name, that nobody has signed."""
    folder: Path = tmp_path_factory.mktemp("impostor")
    with raw_server(good_answers, self_signed(folder, "somebody-else.example")[0]) as server:
        yield server


@pytest.fixture(scope="module")
def repeated_calls(service: Service, canary: RawServer, impostor: RawServer) -> Iterator[int]:
    """All requests of this module, carried out; how many calls the organisation that looks up has repeated."""
    before = service.sandboxes[LOOKS_UP].counted()["duplicates"]
    for fault, (options, _, _) in ONCE_EACH.items():
        submit(service, fault, options)
    submit(service, "redirect-to-canary", {"location": f"{canary.url}/", "status": 302}, fault="redirect")
    for fault in LOOKED_UP:
        submit(service, fault, ONCE_EACH[fault][0], organisation=LOOKS_UP)
    service.sandboxes[LOOKS_UP].order("503", referenceId=reference("503-after-credit", LOOKS_UP), lookup=True, times=2)
    with ExitStack() as stack:
        port = urlsplit(service.sandboxes[ASKS_AGAIN].url).port
        assert port is not None
        for name, fault in CUTS.items():
            url = stack.enter_context(proxy(port, fault)).url
            service.approved(reference(name), hostname=service.add_target(name, url))
        service.approved(reference("impostor"), hostname=service.add_target("impostor", impostor.url))
        stack.enter_context(service.running(service.worker(concurrency=16), service.beat()))
        wait_for_all(service)
        # The worker stays for the last test, which puts a target right.
        yield service.sandboxes[LOOKS_UP].counted()["duplicates"] - before


def submit(
    service: Service, name: str, options: dict[str, Any], *, fault: str | None = None, organisation: int = ASKS_AGAIN
) -> None:
    own = reference(name, organisation)
    service.sandboxes[organisation].order(fault or name, referenceId=own, **options)
    service.approved(own, organisation=organisation)


def wait_for_all(service: Service) -> None:
    credited = [reference(fault) for fault, (_, _, end) in ONCE_EACH.items() if end == CREDITED]
    credited += [reference(name) for name in (*CUTS, "redirect-to-canary")]
    credited += [reference(fault, LOOKS_UP) for fault in LOOKED_UP]
    service.wait_for_state("credited", *credited)
    service.wait_for_state("failed", *(reference(fault) for fault, (_, _, end) in ONCE_EACH.items() if end == FAILED))
    wait_until(lambda: len(service.calls(reference("impostor"))) > 1, "the impostor was tried more than once")


@pytest.mark.usefixtures("repeated_calls")
@pytest.mark.parametrize("fault", ONCE_EACH)
def test_after_this_fault_the_request_ends_as_promised(service, fault):
    _, first, end = ONCE_EACH[fault]
    own = reference(fault)
    outcomes = [outcome for _, outcome in service.calls(own)]
    assert (service.state(own), service.credits(own)) == end
    assert outcomes == ([first] if end == FAILED else [first, *outcomes[1:-1], "credited"])


@pytest.mark.parametrize("fault", LOOKED_UP)
def test_where_the_policy_looks_up_no_credited_reference_is_sent_again(service, repeated_calls, fault):
    own = reference(fault, LOOKS_UP)
    assert (service.state(own), service.credits(own)) == CREDITED
    assert service.calls(own)[:2] != [("credit", "unknown"), ("credit", "credited")]
    assert repeated_calls == 0


@pytest.mark.usefixtures("repeated_calls")
@pytest.mark.parametrize("name", CUTS)
def test_a_connection_cut_here_costs_no_credit_and_makes_no_second(service, name):
    own = reference(name)
    assert (service.state(own), service.credits(own)) == CREDITED
    assert service.calls(own)[0] == ("credit", "unknown")


@pytest.mark.usefixtures("repeated_calls")
def test_a_redirect_is_not_followed_and_takes_no_secret_along(service, canary):
    assert (service.state(reference("redirect-to-canary")), canary.connections) == ("credited", 0)


@pytest.mark.usefixtures("repeated_calls")
def test_an_impostor_is_sent_nothing_and_the_request_is_credited_once_the_target_is_put_right(service, impostor):
    own = reference("impostor")
    assert {outcome for _, outcome in service.calls(own) if outcome} == {"not_sent"}
    assert (service.state(own), service.credits(own), impostor.requests) == ("executing", 0, [])
    right = service.sandboxes[ASKS_AGAIN].url
    service.sql("UPDATE workflows_intouchtarget SET base_url = %s WHERE base_url = %s", right, impostor.url)
    service.wait_for_state("credited", own)
    assert service.credits(own) == 1

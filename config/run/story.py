"""`make demo`: the seed's request from submission to credit, and the proof that it was credited exactly once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import requests

from config.run.children import Children
from config.run.demo_data import DemoData
from config.run.gateway import Gateway, json_of
from config.run.place import Place
from config.run.trouble import Trouble

CREDIT_SECONDS = 60
OWN_REQUEST = 9051


def tell(children: Children, place: Place, demo: DemoData, show: Callable[[str], None]) -> str:
    """Tell the story, call by call.

    Returns:
        The sentence that it ends with.

    Raises:
        Trouble: it went another way; the points were not credited exactly once, or nobody can be sure.
    """
    gateway = Gateway(place, demo, show)
    show("\n1. The maker submits the seed's request; it waits for a checker.")
    submitted = _expect(gateway.submit(demo["seed_request"]), "submitted", state="AdminTask")
    request_id = submitted["requestId"]
    show("\n2. The maker cannot approve it: four eyes.")
    _expect_refusal(gateway.decide("maker", request_id, "approved", "approving my own request"))
    show("\n3. The checker approves it; a worker calls Intouch, which here is the sandbox.")
    _expect(gateway.decide("checker", request_id, "approved", "approving the request"), "approved")
    show("\n4. The request, as everybody in the organisation can read it.")
    _wait_for_credit(children, gateway, request_id)
    show("\n5. The customer's goodwill history.")
    _check_history(json_of(gateway.history(demo.customer_id)), request_id)
    show("\n6. The ledger of the sandbox, which knows nothing of our database.")
    return _check_ledger(json_of(gateway.ledger(demo.reference_id)), demo)


def _expect(answer: requests.Response, done: str, state: str | None = None) -> dict[str, Any]:
    data: dict[str, Any] = json_of(answer).get("data") or {}
    if answer.status_code != 200 or (state is not None and data.get("state") != state):
        raise Trouble(f"The request could not be {done}: HTTP {answer.status_code}, state {data.get('state')}.")
    return data


def _expect_refusal(answer: requests.Response) -> None:
    codes = [error.get("code") for error in json_of(answer).get("errors") or []]
    if answer.status_code != 403 or codes != [OWN_REQUEST]:
        raise Trouble(f"The maker's own approval was not refused: HTTP {answer.status_code}, codes {codes}.")


def _wait_for_credit(children: Children, gateway: Gateway, request_id: str) -> None:
    """Read the request until it is approved, which it is only when the points were credited."""
    deadline = time.monotonic() + CREDIT_SECONDS
    while (state := _expect(gateway.read(request_id), "read")["state"]) != "approved":
        if state != "IntouchAPITask":
            raise Trouble(f"The request ended as {state!r}: the customer was not credited.")
        if time.monotonic() > deadline:
            raise Trouble(f"The request is not approved after {CREDIT_SECONDS} s: nobody knows of a credit.")
        children.watch(1.0)


def _check_history(history: dict[str, Any], request_id: str) -> None:
    statuses = [
        row["goodwillStatus"] for row in history.get("data") or [] if row.get("workflowRequestId") == request_id
    ]
    if statuses != ["APPROVED"]:
        raise Trouble(f"The history does not show the request as APPROVED once: {statuses}.")


def _check_ledger(ledger: dict[str, Any], demo: DemoData) -> str:
    found = ledger.get("credits") or []
    if len(found) != 1:
        raise Trouble(f"The customer was credited {len(found)} times instead of once.")
    credit = found[0]
    if credit["customerId"] != demo.customer_id or credit["points"] != demo.body["points"]:
        raise Trouble("The customer or the points of the credit are not those of the request.")
    return f"Customer {credit['customerId']} was credited {credit['points']} points, exactly once."

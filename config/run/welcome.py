"""What `make run` prints once everything answers."""

from __future__ import annotations

import json
import shlex
from typing import Any
from uuid import uuid4

from config.run.demo_data import DemoData
from config.run.gateway import TYPE, Gateway, json_of
from config.run.place import Place


def submit_seed(gateway: Gateway, demo: DemoData) -> tuple[str, str | None]:
    """Submit the seed's request.

    Returns:
        What became of it, in words, and the id of a request that waits for a checker. A refusal is no reason not to
        serve: whoever has switched the workflow off in the admin can switch it on only there.
    """
    answer = gateway.submit(demo["seed_request"])
    if answer.status_code != 200:
        return f"The seed's request was refused with HTTP {answer.status_code}: {answer.text[:500]}", None
    data = answer.json()["data"]
    name = f"The seed's request ({demo.reference_id}, {data['requestId']})"
    if answer.headers.get("Idempotent-Replay") == "true":
        said = (
            f"{name} was submitted again and created nothing (Idempotent-Replay: true); its state is {data['state']}."
        )
    else:
        said = f"{name} was submitted by {data['userName']}; its state is {data['state']}."
    return said, data["requestId"] if data["state"] == "AdminTask" else _another_to_approve(gateway, demo)


def _another_to_approve(gateway: Gateway, demo: DemoData) -> str | None:
    """A request that waits, as the seed's does no more; submitted if there is none."""
    found = json_of(gateway.waiting()).get("data") or [
        json_of(gateway.submit(new_request(demo, f"demo-{uuid4()}"))).get("data") or {}
    ]
    request_id: str | None = found[0].get("requestId")
    return request_id


def new_request(demo: DemoData, reference_id: str) -> dict[str, Any]:
    """The seed's request under another reference."""
    copy: dict[str, Any] = json.loads(json.dumps(demo["seed_request"]))
    copy["payload"]["IntouchAPITask-Payload"]["body"]["referenceId"] = reference_id
    return copy


def welcome(place: Place, demo: DemoData, said: str, to_approve: str | None) -> str:
    """Everything that a person needs next."""
    rule = "=" * 100
    return "\n".join(
        [rule, f"Goodwill is served at {place.base_url}.", _found(demo), said, ""]
        + _addresses(place)
        + ["", "Log in to the admin as:"]
        + _accounts(demo)
        + ["", "Or paste, as they are:"]
        + [f"\n  # {title}\n  {line}" for title, line in curl_lines(place, demo, to_approve)]
        + ["", f"Addresses and credentials stand in {place.summary} too. Ctrl-C ends everything and keeps the data."]
        + [rule]
    )


def _found(demo: DemoData) -> str:
    organisation = f"The demo organisation (DocDemo, {demo['org_id']})"
    if demo["is_new"]:
        return f"{organisation} was created, with {demo['requests_made']} requests of a contact centre."
    return f"{organisation} of an earlier start was found, and is used again."


def _addresses(place: Place) -> list[str]:
    return [
        f"  admin     {place.base_url}/admin/",
        f"  API docs  {place.base_url}/api/docs/",
        f"  sandbox   {place.sandbox_url}/ledger   what the stand-in for Intouch has credited",
        f"  logs      {place.logs}/",
    ]


def _accounts(demo: DemoData) -> list[str]:
    people = [(person["username"], person["password"], person["what"]) for person in demo["people"]]
    width = max(len(username) for username, _, _ in people)
    return [f"  {username:{width}}  {password}  {what}" for username, password, what in people]


def curl_lines(place: Place, demo: DemoData, to_approve: str | None) -> list[tuple[str, str]]:
    """Five calls with their titles; four if nothing waits for a checker."""
    gateway = f"{place.base_url}/api_gateway/v2/request-workflow"
    account, checker, auditor = demo["service_account"], demo["checker"], demo["auditor"]
    task = {"AdminTask-Payload": {"actionDecision": "approved", "actionMessage": "approving the request"}}
    decision = {"requestId": to_approve, "actionName": "AdminTask", "payload": task}
    request = new_request(demo, f"curl-{uuid4()}")
    org = f"X-CAP-API-AUTH-ORG-ID: {demo['org_id']}"
    as_account = ["-u", f"{account['username']}:{account['secret']}", "-H", org]
    as_checker = ["-u", f"{checker['username']}:{checker['password']}", "-H", org]
    as_auditor = ["-u", f"{auditor['username']}:{auditor['password']}"]
    lines = [
        ("submit a request as the service account, a maker (E1)",
         _curl(f"{gateway}/{TYPE}", *as_account, body=request)),
        ("list what waits for a checker (E4)",
         _curl(f"{gateway}/requests?states=AdminTask&limit=3", *as_account)),
        ("approve one as the checker (E2)",
         _curl(f"{gateway}/{TYPE}", "-X", "PUT", *as_checker, body=decision)),
        ("read the goodwill history of the seed's customer (E5)",
         _curl(f"{place.base_url}/v2/customers/{demo['history_customer_id']}/goodwillRequest", *as_auditor)),
        ("exchange an OAuth key and secret for a token (E6)",
         _curl(f"{place.base_url}/v3/oauth/token/generate", body=demo["oauth"])),
    ]  # fmt: skip
    return lines if to_approve else [line for line in lines if "-X PUT" not in line[1]]


def _curl(url: str, *options: str, body: Any = None) -> str:
    words = ["curl", "-s", *options]
    if body is not None:
        words += ["-H", "Content-Type: application/json", "-d", json.dumps(body, separators=(",", ":"))]
    return shlex.join([*words, url])

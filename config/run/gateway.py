"""Calling the service as its clients do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import requests

from config.run.demo_data import DemoData
from config.run.place import Place
from wire.redaction import redact

SECONDS = 20
TYPE = "GOODWILL-POINTS"


class Gateway:
    """E1 to E5 as a person with a UI token, and the sandbox's ledger. `show` gets every call, secrets masked."""

    def __init__(self, place: Place, demo: DemoData, show: Callable[[str], None] | None = None) -> None:
        self._place = place
        self._demo = demo
        self._show = show
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy and no ~/.netrc for this machine's own ports

    def submit(self, body: dict[str, Any]) -> requests.Response:
        """E1, as the maker."""
        return self._call("maker", "POST", self._requests(f"/{TYPE}"), body)

    def decide(self, role: str, request_id: str, decision: str, message: str) -> requests.Response:
        """E2, as `role`."""
        task = {"AdminTask-Payload": {"actionDecision": decision, "actionMessage": message}}
        body = {"requestId": request_id, "actionName": "AdminTask", "payload": task}
        return self._call(role, "PUT", self._requests(f"/{TYPE}"), body)

    def read(self, request_id: str) -> requests.Response:
        """E3."""
        return self._call("checker", "GET", self._requests(f"/requests/{request_id}"))

    def waiting(self) -> requests.Response:
        """E4: the newest request that waits for a checker."""
        return self._call("checker", "GET", self._requests("/requests?states=AdminTask&limit=1"))

    def history(self, customer_id: int) -> requests.Response:
        """E5."""
        return self._call("checker", "GET", f"{self._place.base_url}/v2/customers/{customer_id}/goodwillRequest")

    def ledger(self, reference_id: str) -> requests.Response:
        """What the sandbox credited under a reference."""
        url = f"{self._place.sandbox_url}/ledger?referenceId={reference_id}&orgId={self._demo['org_id']}"
        return self._call(None, "GET", url)

    def _requests(self, path: str) -> str:
        return f"{self._place.base_url}/api_gateway/v2/request-workflow{path}"

    def _call(self, role: str | None, method: str, url: str, body: Any = None) -> requests.Response:
        headers = {}
        if role is not None:
            token = self._demo[role]["ui_token"]
            headers = {"X-CAP-API-AUTH-ORG-ID": str(self._demo["org_id"]), "X-CAP-UI-AUTH-TOKEN": token}
        answer = self._session.request(method, url, headers=headers, json=body, timeout=SECONDS)
        if self._show is not None:
            self._show(_exchange(method, url, headers, body, answer))
        return answer


def _exchange(method: str, url: str, headers: dict[str, str], body: Any, answer: requests.Response) -> str:
    asked = [f"> {method} {url}", *(f"> {name}: {value}" for name, value in redact(headers).items())]
    if body is not None:
        asked += _pretty(body, "> ")
    return "\n".join([*asked, f"< {answer.status_code} {answer.reason}", *_pretty(json_of(answer), "< ")])


def _pretty(value: Any, mark: str) -> list[str]:
    return [mark + line for line in json.dumps(redact(value), indent=2, ensure_ascii=False).splitlines()]


def json_of(answer: requests.Response) -> Any:
    """The body of an answer; an empty object where it is none, so that whoever looks into it finds nothing."""
    try:
        return answer.json()
    except requests.JSONDecodeError:
        return {}

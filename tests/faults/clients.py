"""A maker or a checker over real HTTP, as a till or a contact centre's tool is one."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import requests

SEED: dict[str, Any] = json.loads((Path(__file__).parents[1] / "seeds" / "submit_request.json").read_text())
PATH = "/api_gateway/v2/request-workflow"
ANSWER_SECONDS = 30.0


class Client:
    """Speaks for one service account; each call goes to the next web process in turn."""

    def __init__(self, ports: Sequence[int], organisation: int, program: int, name: str, secret: str) -> None:
        self._ports, self._turn = ports, itertools.count()
        self._program = program
        self.name = name
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = (name, secret)
        self.session.headers["X-CAP-API-AUTH-ORG-ID"] = str(organisation)
        self._organisation = organisation

    def submit(self, reference: str, **fields: Any) -> requests.Response:
        """Submit the seed's request with this reference; `fields` go into the innermost body."""
        return self.call("POST", f"{PATH}/GOODWILL-POINTS", self.body(reference, **fields))

    def body(self, reference: str, *, hostname: str | None = None, **fields: Any) -> dict[str, Any]:
        body = copy.deepcopy(SEED)
        task = body["payload"]["IntouchAPITask-Payload"]
        task["hostname"] = hostname or task["hostname"]
        task["headers"]["X-CAP-API-AUTH-ORG-ID"] = str(self._organisation)
        task["body"] |= {"referenceId": reference, "programId": self._program, **fields}
        return body

    def decide(
        self, request_id: str, decision: str = "approved", *, prefer: str = "respond-async"
    ) -> requests.Response:
        body = {
            "requestId": request_id,
            "actionName": "AdminTask",
            "payload": {"AdminTask-Payload": {"actionDecision": decision, "actionMessage": "decided in a test"}},
        }
        return self.call("PUT", f"{PATH}/GOODWILL-POINTS", body, Prefer=prefer)

    def show(self, request_id: str) -> requests.Response:
        return self.call("GET", f"{PATH}/requests/{request_id}")

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        port = self._ports[next(self._turn) % len(self._ports)]
        url = f"http://127.0.0.1:{port}{path}"
        return self.session.request(method, url, json=body, headers=headers, timeout=ANSWER_SECONDS)

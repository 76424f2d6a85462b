"""A client that sends to the API exactly what a test says, and what is common to every refusal."""

from __future__ import annotations

import base64
import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest
from django.http.request import HttpHeaders
from django.test import Client

from accounts.models import User
from goodwill.models import GoodwillRequest
from tests.factories import PASSWORD
from tests.house import FAKE_CREDENTIAL, House
from wire import strict_json
from workflows.models import AdminTask, AuditEvent, WorkflowRequest

PREFIX = "/api_gateway/v2/request-workflow"
SUBMIT = f"{PREFIX}/GOODWILL-POINTS"
REQUESTS = f"{PREFIX}/requests"
TASK = "payload.IntouchAPITask-Payload"
BODY = f"{TASK}.body"
ORGANISATION = "X-CAP-API-AUTH-ORG-ID"
MISSING: Any = type("Missing", (), {"__repr__": lambda _: "MISSING"})()
STORED = (WorkflowRequest, AdminTask, GoodwillRequest, AuditEvent)


@cache
def _client() -> Client:
    """One for all calls: each new one would load the middleware again, which looks at every static file."""
    return Client(raise_request_exception=False)


def basic(username: str, secret: str) -> str:
    return f"Basic {base64.b64encode(f'{username}:{secret}'.encode()).decode()}"


def put(body: Any, path: str, value: Any) -> Any:
    """A copy of a body with one value set, by dotted path, or taken out where the value is MISSING."""
    changed = copy.deepcopy(body)
    *parents, last = path.split(".")
    node = changed
    for parent in parents:
        node = node[parent]
    if value is MISSING:
        del node[last]
    else:
        node[last] = value
    return changed


def put_raw(body: Any, path: str, raw: str) -> bytes:
    """The JSON text of a body with one value written just so: what no Python value would be written as."""
    return strict_json.dumps(put(body, path, "@here@")).replace('"@here@"', raw).encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Answer:
    """What the API answered."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return strict_json.loads(self.text)

    @property
    def data(self) -> Any:
        return self.json["data"]

    @property
    def problems(self) -> list[tuple[int, str | None]]:
        """Code and reference of every error."""
        return [(item["code"], item.get("reference")) for item in self.json["errors"]]


@dataclass(frozen=True)
class Gateway:
    """The API as one caller sees it; `headers` go out with every call."""

    house: House
    headers: Mapping[str, str]

    def having(self, **headers: str | None) -> Gateway:
        """The same caller with other headers (underscores for hyphens); None takes one out."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {name: value for name, value in self.headers.items() if name not in named}
        return replace(self, headers=kept | {name: value for name, value in named.items() if value is not None})

    def by(self, user: User, secret: str = PASSWORD) -> Gateway:
        return self.having(Authorization=basic(user.username, secret))

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: str = "",
        content_type: str = "application/json",
        environ: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Bytes go out as they are, anything else as JSON; `environ` is what a server makes of headers."""
        raw = body if isinstance(body, bytes) else b"" if body is None else strict_json.dumps(body).encode()
        wire_query = query.encode().decode("latin-1")  # as a server hands on the bytes that came
        extra = {**HttpHeaders.to_wsgi_names(self.headers), "QUERY_STRING": wire_query, **(environ or {})}
        response = _client().generic(method, path, raw, content_type, **extra)
        return Answer(response.status_code, response.headers, response.content.decode())

    def submit(self, body: Any = None, *, query: str = "", path: str = SUBMIT, **options: Any) -> Answer:
        return self.call("POST", path, self.house.body() if body is None else body, query=query, **options)

    def decide(self, request_id: Any, decision: str = "approved", message: str = "fine", path: str = SUBMIT) -> Answer:
        return self.call("PUT", path, decision_body(request_id, decision, message))

    def show(self, request_id: Any) -> Answer:
        return self.call("GET", f"{REQUESTS}/{request_id}")

    def list(self, query: str = "") -> Answer:
        return self.call("GET", REQUESTS, query=query)

    def history(self, customer_id: Any = 382332518, query: str = "") -> Answer:
        return self.call("GET", f"/v2/customers/{customer_id}/goodwillRequest", query=query)


def decision_body(request_id: Any, decision: str = "approved", message: str = "fine") -> dict[str, Any]:
    return {
        "requestId": str(request_id),
        "actionName": "AdminTask",
        "payload": {"AdminTask-Payload": {"actionDecision": decision, "actionMessage": message}},
    }


@pytest.fixture
def gateway(house: House) -> Gateway:
    """The API as the house's maker sees it."""
    return gateway_of(house)


def gateway_of(house: House, user: User | None = None) -> Gateway:
    return Gateway(house, {ORGANISATION: str(house.organisation.pk)}).by(user or house.maker)


def stored() -> dict[str, int]:
    """How many rows there are of everything that a submission or a decision writes."""
    return {model.__name__: model.objects.count() for model in STORED}


def assert_refused(answer: Answer, status: int, *problems: tuple[int, str | None]) -> None:
    """The gateway's envelope with exactly these problems, in JSON, with a correlation id and without a credential."""
    assert (answer.status, answer.problems) == (status, list(problems)), answer.text
    assert list(answer.json) == ["data", "errors", "warnings"]
    assert answer.json["data"] is None
    assert answer.json["warnings"] == []
    for item in answer.json["errors"]:
        assert item["status"] is False
        assert len(item["message"]) > 10
        assert set(item) <= {"status", "code", "message", "reference"}
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-CAP-REQUEST-ID"]
    assert FAKE_CREDENTIAL.partition(" ")[2] not in answer.text

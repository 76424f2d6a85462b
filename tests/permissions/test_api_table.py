"""Who may do what over the API: a table of every address, every method and every kind of caller.

An address that is not in the table fails the last test. The admin has a table of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from accounts.services import ensure_oauth_client
from tests.api.addresses import api_addresses
from tests.api.gateway import PREFIX, REQUESTS, SUBMIT, Gateway, decision_body
from tests.factories import PASSWORD, MembershipFactory, UserFactory
from tests.house import build_house
from workflows.models import WorkflowRequest

FORM = "application/x-www-form-urlencoded"
CALLERS = (
    "nobody", "maker", "checker", "auditor", "operator", "service account", "stranger", "superuser", "inactive member",
)  # fmt: skip


def _nobody(gateway: Gateway) -> Gateway:
    return gateway.having(Authorization=None)


def _stranger(gateway: Gateway) -> Gateway:
    """A maker and checker of another organisation, who names this one."""
    house = build_house(60000)
    membership = house.membership(house.maker)
    membership.is_checker = True
    membership.save()
    return gateway.by(house.maker)


def _operator(gateway: Gateway) -> Gateway:
    person = UserFactory()
    MembershipFactory(user=person, organisation=gateway.house.organisation, is_operator=True)
    return gateway.by(person)


def _superuser(gateway: Gateway) -> Gateway:
    return gateway.by(UserFactory(is_superuser=True))


def _inactive(gateway: Gateway) -> Gateway:
    person = UserFactory()
    MembershipFactory(
        user=person, organisation=gateway.house.organisation, is_maker=True, is_checker=True, is_active=False
    )
    return gateway.by(person)


AS: dict[str, Callable[[Gateway], Gateway]] = {
    "nobody": _nobody,
    "maker": lambda gateway: gateway,
    "checker": lambda gateway: gateway.by(gateway.house.checker),
    "auditor": lambda gateway: gateway.by(gateway.house.auditor),
    "operator": _operator,
    "service account": lambda gateway: gateway.by(gateway.house.service_account, gateway.house.service_secret),
    "stranger": _stranger,
    "superuser": _superuser,
    "inactive member": _inactive,
}


@dataclass(frozen=True)
class Act:
    """One thing that can be asked for, with the content that makes it right but for who asks."""

    method: str
    path: Callable[[WorkflowRequest], str]
    body: Callable[[Gateway, WorkflowRequest], Any] = lambda *_: None
    content_type: str = "application/json"


def _at(path: str) -> Callable[[WorkflowRequest], str]:
    return lambda _: path


def _client_fields(gateway: Gateway, **more: str) -> bytes:
    client = ensure_oauth_client(gateway.house.service_account, name="CRM", rotate=True)
    return urlencode({"client_id": client.key, "client_secret": client.secret, **more}).encode()


def _key_and_secret(gateway: Gateway, _: WorkflowRequest) -> Any:
    client = ensure_oauth_client(gateway.house.service_account, name="CRM", rotate=True)
    return {"key": client.key, "secret": client.secret}


def _password(gateway: Gateway, _: WorkflowRequest) -> Any:
    return {"username": gateway.house.maker.username, "password": PASSWORD, "orgId": gateway.house.organisation.pk}


#                             nobody maker checker auditor operator account stranger superuser inactive
EVERYBODY = dict(zip(CALLERS, (200, 200, 200, 200, 200, 200, 200, 200, 200), strict=True))
MEMBERS = dict(zip(CALLERS, (401, 200, 200, 200, 200, 200, 403, 403, 403), strict=True))
MAKERS = dict(zip(CALLERS, (401, 200, 403, 403, 403, 200, 403, 403, 403), strict=True))
# The maker meets 403 too, for another reason: the request is their own.
CHECKERS = dict(zip(CALLERS, (401, 403, 200, 403, 403, 403, 403, 403, 403), strict=True))
AUTHENTICATED = dict(zip(CALLERS, (401, 200, 200, 200, 200, 200, 200, 200, 200), strict=True))


def _nobody_at_all(status: int) -> dict[str, int]:
    return dict.fromkeys(CALLERS, status)


def _no_method(status: int) -> dict[str, int]:
    """A method that the address does not have; who has not proved anything is not even told so."""
    return dict.fromkeys(CALLERS, status) | {"nobody": 401}


TABLE: dict[str, list[tuple[Act, dict[str, int]]]] = {
    "request-workflow": [
        (Act("POST", _at(SUBMIT), lambda gateway, _: gateway.house.body()), MAKERS),
        (Act("PUT", _at(SUBMIT), lambda _, request: decision_body(request.pk)), CHECKERS),
        (Act("GET", _at(SUBMIT)), _no_method(405)),
        (Act("DELETE", _at(SUBMIT)), _no_method(405)),
        (Act("PATCH", _at(SUBMIT), lambda *_: {}), _no_method(405)),
        (Act("POST", _at(f"{PREFIX}/EARN-BADGE"), lambda gateway, _: gateway.house.body()),
         MAKERS | {"maker": 400, "service account": 400}),
    ],
    "request-preview": [
        (Act("POST", _at(f"{SUBMIT}/preview"), lambda gateway, _: gateway.house.body()), MAKERS),
        (Act("GET", _at(f"{SUBMIT}/preview")), _no_method(405)),
        (Act("PUT", _at(f"{SUBMIT}/preview"), lambda _, request: decision_body(request.pk)), _no_method(405)),
    ],
    "request-list": [
        (Act("GET", _at(REQUESTS)), MEMBERS),
        (Act("HEAD", _at(REQUESTS)), MEMBERS),
        (Act("POST", _at(REQUESTS), lambda *_: {}), _no_method(405)),
        (Act("PUT", _at(REQUESTS), lambda *_: {}), _no_method(405)),
    ],
    "request-detail": [
        (Act("GET", lambda request: f"{REQUESTS}/{request.pk}"), MEMBERS),
        (Act("PUT", lambda request: f"{REQUESTS}/{request.pk}", lambda *_: {}), _no_method(405)),
        (Act("DELETE", lambda request: f"{REQUESTS}/{request.pk}"), _no_method(405)),
    ],
    "goodwill-history": [
        (Act("GET", _at("/v2/customers/goodwillRequest?customerId=382332518")), MEMBERS),
        (Act("POST", _at("/v2/customers/goodwillRequest"), lambda *_: {}), _no_method(405)),
    ],
    "goodwill-history-of-customer": [
        (Act("GET", _at("/v2/customers/382332518/goodwillRequest")), MEMBERS),
        (Act("DELETE", _at("/v2/customers/382332518/goodwillRequest")), _no_method(405)),
    ],
    "oauth-token-generate": [
        (Act("POST", _at("/v3/oauth/token/generate"), _key_and_secret), EVERYBODY),
        (Act("GET", _at("/v3/oauth/token/generate")), _nobody_at_all(405)),
    ],
    "ui-token": [
        (Act("POST", _at("/auth/ui-token"), _password), EVERYBODY),
        (Act("GET", _at("/auth/ui-token")), _nobody_at_all(405)),
    ],
    "ui-token-revoke": [
        (Act("POST", _at("/auth/ui-token/revoke")), AUTHENTICATED),
        (Act("GET", _at("/auth/ui-token/revoke")), _no_method(405)),
    ],
    "oauth2-token": [
        (Act("POST", _at("/oauth2/token"), lambda gateway, _: _client_fields(gateway, grant_type="client_credentials"),
             FORM), EVERYBODY),
        (Act("GET", _at("/oauth2/token")), _nobody_at_all(405)),
    ],
    "oauth2-revoke-token": [
        (Act("POST", _at("/oauth2/revoke_token"), lambda gateway, _: _client_fields(gateway, token="x"), FORM),
         EVERYBODY),
        (Act("GET", _at("/oauth2/revoke_token")), _nobody_at_all(405)),
    ],
    "schema": [
        (Act("GET", _at("/api/schema")), EVERYBODY),
        (Act("POST", _at("/api/schema"), lambda *_: {}), _nobody_at_all(405)),
    ],
    "docs": [(Act("GET", _at("/api/docs")), EVERYBODY)],
    "healthz": [(Act("GET", _at("/healthz")), EVERYBODY)],
    "readyz": [(Act("GET", _at("/readyz")), EVERYBODY)],
    "metrics": [(Act("GET", _at("/metrics")), _nobody_at_all(404))],
    "home": [(Act("GET", _at("/")), _nobody_at_all(302))],
}  # fmt: skip
ROWS = [(name, act, expected) for name, acts in TABLE.items() for act, expected in acts]


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(
    ("name", "act", "expected"),
    ROWS,
    ids=[f"{act.method}-{name}-{number}" for number, (name, act, _) in enumerate(ROWS)],
)
def test_an_address_answers_each_caller_as_the_table_says(
    gateway: Gateway, settings: Any, caller: str, name: str, act: Act, expected: dict[str, int]
) -> None:
    settings.DECISION_WAIT_SECONDS = 0
    settings.METRICS_TOKEN = "a-token-that-no-caller-of-the-api-has"
    request = gateway.house.submit()
    requests = WorkflowRequest.objects.count()
    path, _, query = act.path(request).partition("?")

    answer = AS[caller](gateway).call(
        act.method, path, act.body(gateway, request), query=query, content_type=act.content_type
    )

    assert answer.status == expected[caller], answer.text
    if answer.status >= 400:
        request.refresh_from_db()
        assert (request.state, WorkflowRequest.objects.count()) == ("waiting", requests)


def test_every_address_is_in_the_table() -> None:
    assert set(api_addresses()) == set(TABLE)


def test_every_method_of_an_address_is_in_the_table() -> None:
    for name, pattern in api_addresses().items():
        actions = getattr(pattern.callback, "actions", None) or {}
        walked = {act.method.lower() for act, _ in TABLE[name]}
        assert set(actions) - {"head"} <= walked, name


def test_every_caller_has_a_way_in() -> None:
    assert set(AS) == set(CALLERS)

"""Issuing UI tokens, ending them, and the keys that sign them."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from accounts import ui_tokens
from accounts.models import User
from accounts.services import revoke_ui_tokens
from tests.accounts.test_basic import assert_unauthenticated
from tests.accounts.tokens import holding, key_of_the_house, private_key
from tests.api.gateway import Gateway, assert_refused
from tests.factories import PASSWORD
from tests.house import House, build_house

ISSUE = "/auth/ui-token"


def _issue(outside: Gateway, username: str, password: str = PASSWORD, **changes: Any) -> Any:
    body = {"username": username, "password": password, "orgId": outside.house.organisation.pk, **changes}
    return outside.call("POST", ISSUE, body)


def test_tokens_may_be_signed_with_rsa(outside: Gateway, settings: Any) -> None:
    settings.UI_TOKEN_KEYS = {"rsa1": private_key()}
    settings.UI_TOKEN_ALGORITHM = "RS256"

    token = _issue(outside, outside.house.maker.username).data["accessToken"]

    assert jwt.get_unverified_header(token) == {"alg": "RS256", "kid": "rsa1", "typ": "JWT"}
    assert holding(outside, token).submit().status == 200
    settings.UI_TOKEN_KEYS = {"rsa1": private_key()}
    assert_unauthenticated(holding(outside, token).list())


def test_a_token_of_an_older_key_of_the_ring_is_believed_until_the_key_is_taken_out(
    outside: Gateway, settings: Any
) -> None:
    token = _issue(outside, outside.house.maker.username).data["accessToken"]
    old = dict(settings.UI_TOKEN_KEYS)

    settings.UI_TOKEN_KEYS = {"new": b"n" * 32, **old}
    assert holding(outside, token).list().status == 200
    assert jwt.get_unverified_header(_issue(outside, outside.house.maker.username).data["accessToken"])["kid"] == "new"

    settings.UI_TOKEN_KEYS = {"new": b"n" * 32}
    assert_unauthenticated(holding(outside, token).list())


def test_an_issued_token_names_its_person_and_never_lives_longer_than_said(outside: Gateway, settings: Any) -> None:
    answer = _issue(outside, outside.house.maker.username)

    assert list(answer.json) == ["data", "errors"]
    assert answer.json["errors"] is None
    assert answer.headers["Cache-Control"] == "no-store"
    claims = jwt.decode(
        answer.data["accessToken"], key_of_the_house()[1], algorithms=["HS256"], audience=settings.UI_TOKEN_AUDIENCE
    )
    house = outside.house
    assert (claims["sub"], claims["email"]) == (str(house.maker.pk), house.maker.email)
    assert (claims["org_id"], claims["perms"]) == (house.organisation.pk, ["CanMakeRequest"])
    assert claims["exp"] - claims["iat"] == answer.data["ttlSeconds"] == settings.UI_TOKEN_TTL_SECONDS
    assert claims["jti"]


@pytest.mark.parametrize(("role", "permissions"), [("maker", ["CanMakeRequest"]), ("checker", ["CanCheckRequest"])])
def test_a_token_names_the_permissions_of_its_person(outside: Gateway, role: str, permissions: list[str]) -> None:
    token = _issue(outside, getattr(outside.house, role).username).data["accessToken"]

    assert jwt.decode(token, options={"verify_signature": False})["perms"] == permissions


def test_an_auditor_gets_no_token(outside: Gateway) -> None:
    assert_refused(_issue(outside, outside.house.auditor.username), 403, (2001, None))


@pytest.mark.parametrize(
    ("username", "password"),
    [("maker-51250", "wrong"), ("nobody", PASSWORD), ("maker-51250 ", PASSWORD), ("MAKER-51250", PASSWORD),
     ("crm-51250", PASSWORD)],
)  # fmt: skip
def test_a_wrong_password_gets_no_token(outside: Gateway, username: str, password: str) -> None:
    assert_unauthenticated(_issue(outside, username, password))


def test_a_service_accounts_secret_gets_no_token(outside: Gateway) -> None:
    house = outside.house

    assert_unauthenticated(_issue(outside, house.service_account.username, house.service_secret))


@pytest.mark.parametrize("organisation_id", [60000, 99999, 2**63 - 1])
def test_a_token_for_an_organisation_of_others_is_refused_as_if_there_were_none(
    outside: Gateway, organisation_id: int
) -> None:
    build_house(60000)

    assert_refused(_issue(outside, outside.house.maker.username, orgId=organisation_id), 403, (2001, None))


BAD_BODIES = [
    ({}, ["username", "password", "orgId"]), ({"orgId": "51250"}, ["orgId"]), ({"orgId": 51250.0}, ["orgId"]),
    ({"orgId": True}, ["orgId"]), ({"orgId": 0}, ["orgId"]), ({"orgId": 2**63}, ["orgId"]),
    ({"username": 1}, ["username"]), ({"username": ""}, ["username"]), ({"username": "x" * 151}, ["username"]),
    ({"password": None}, ["password"]),
    ({"password": "x" * 256}, ["password"]), ({"org_id": 51250}, ["org_id"]),
    ({"perms": ["CanCheckRequest"]}, ["perms"]),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "references"), BAD_BODIES, ids=str)
def test_a_wrong_body_is_explained_field_by_field(
    outside: Gateway, changes: dict[str, Any], references: list[str]
) -> None:
    right = {"username": outside.house.maker.username, "password": PASSWORD, "orgId": 51250}

    answer = outside.call("POST", ISSUE, right | changes if changes else {})

    assert_refused(answer, 400, *[(2008, reference) for reference in references])
    assert PASSWORD not in answer.text


def test_a_token_grants_nothing_that_its_person_has_lost(outside: Gateway) -> None:
    caller = holding(outside, _issue(outside, outside.house.maker.username).data["accessToken"])
    membership = outside.house.membership(outside.house.maker)

    membership.is_maker = False
    membership.save()
    assert_refused(caller.submit(), 403, (2001, None))
    assert caller.list().status == 200

    membership.is_active = False
    membership.save()
    assert_refused(caller.list(), 403, (2001, None))

    User.objects.filter(pk=outside.house.maker.pk).update(is_active=False)
    assert_unauthenticated(caller.list())


def test_revoked_tokens_prove_nothing_and_new_ones_do(outside: Gateway) -> None:
    caller = holding(outside, _issue(outside, outside.house.maker.username).data["accessToken"])

    answer = caller.call("POST", f"{ISSUE}/revoke")

    assert answer.json == {"data": {"revoked": True}, "errors": None}
    assert_unauthenticated(caller.list())
    again = _issue(outside, outside.house.maker.username).data["accessToken"]
    assert holding(outside, again).list().status == 200


def test_revoking_ends_the_tokens_of_nobody_else(outside: Gateway) -> None:
    token = _issue(outside, outside.house.checker.username).data["accessToken"]

    revoke_ui_tokens(outside.house.maker)

    assert holding(outside, token).list().status == 200


def test_what_verify_returns_is_what_was_issued(house: House) -> None:
    token, _ = ui_tokens.issue(house.actor(house.checker))

    verified = ui_tokens.verify(token)
    assert (verified.user_id, verified.organisation_id, verified.version) == (
        house.checker.pk,
        house.organisation.pk,
        0,
    )

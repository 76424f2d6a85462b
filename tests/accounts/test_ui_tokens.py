"""UI tokens: which are believed, and what they never grant."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from accounts import ui_tokens
from accounts.models import User
from accounts.services import revoke_ui_tokens
from tests.accounts.test_basic import assert_unauthenticated
from tests.accounts.tokens import DROPPED, claims_of, key_of_the_house, raw, signed
from tests.api.gateway import ORGANISATION, Gateway, assert_refused, basic
from tests.factories import PASSWORD, MembershipFactory, OrganisationFactory
from tests.house import House, build_house

ISSUE = "/auth/ui-token"
NOW = int(time.time())


@pytest.fixture
def outside(gateway: Gateway) -> Gateway:
    """Somebody with an organisation header and nothing else."""
    return gateway.having(Authorization=None)


def _holding(outside: Gateway, token: str) -> Gateway:
    return outside.having(X_CAP_UI_AUTH_TOKEN=token)


def _issue(outside: Gateway, username: str, password: str = PASSWORD, **changes: Any) -> Any:
    body = {"username": username, "password": password, "orgId": outside.house.organisation.pk, **changes}
    return outside.call("POST", ISSUE, body)


def test_a_token_alone_lets_its_person_act(outside: Gateway) -> None:
    caller = _holding(outside, signed(claims_of(outside.house)))

    assert caller.submit().data["userId"] == outside.house.maker.pk


Bad = Callable[[House], str]


def _changed(**changes: Any) -> Bad:
    return lambda house: signed(claims_of(house, **changes))


def _headed(**header: Any) -> Bad:
    return lambda house: signed(claims_of(house), **header)


def _unsigned(algorithm: Any) -> Bad:
    def make(house: House) -> str:
        token = signed(claims_of(house), alg=algorithm)
        return token.rpartition(".")[0] + "."

    return make


def _without_signature(house: House) -> str:
    return signed(claims_of(house)).rpartition(".")[0] + "."


def _tampered(house: House) -> str:
    head, _, signature = signed(claims_of(house)).split(".")
    return f"{head}.{signed(claims_of(house, sub='1')).split('.')[1]}.{signature}"


def _padded(house: House) -> str:
    return signed(claims_of(house)) + "="


def _as_bytes(house: House) -> str:
    return "b'" + signed(claims_of(house)) + "'"


def _of_a_stranger(house: House) -> str:
    return raw(claims_of(house), {"alg": "HS256", "typ": "JWT", "kid": key_of_the_house()[0]}, b"x" * 32)


def _of_an_empty_key(house: House) -> str:
    return raw(claims_of(house), {"alg": "HS256", "typ": "JWT", "kid": key_of_the_house()[0]}, b"")


def _twice(house: House) -> str:
    token = signed(claims_of(house))
    return f"{token},{token}"


BAD: dict[str, Bad] = {
    "empty": lambda _: "",
    "no token": lambda _: "x",
    "three dots": lambda _: "...",
    "three empty parts": lambda _: "..",
    "a null header": lambda _: "bnVsbA.bnVsbA.bnVsbA",
    "a header that is a list": lambda _: "W10.W10.W10",
    "no base64": lambda _: "!.!.!",
    "letters of another script": lambda _: "é.é.é",
    "deep brackets": lambda _: base64.urlsafe_b64encode(b"[" * 2900).decode().rstrip("=") + ".e30.e30",
    "a JWE": lambda _: "e30.e30.e30.e30.e30",
    "a Bearer": lambda house: "Bearer " + signed(claims_of(house)),
    "alg none": _unsigned("none"),
    "alg None": _unsigned("None"),
    "alg nOnE": _unsigned("nOnE"),
    "alg NONE": _unsigned("NONE"),
    "alg empty": _headed(alg=""),
    "alg null": _headed(alg=None),
    "alg missing": _headed(alg=DROPPED),
    "alg a list": _headed(alg=["HS256"]),
    "alg HS512": _headed(alg="HS512"),
    "alg RS256": _headed(alg="RS256"),
    "alg ES256": _headed(alg="ES256"),
    "alg hs256": _headed(alg="hs256"),
    "no signature": _without_signature,
    "claims of another token": _tampered,
    "a stranger's key": _of_a_stranger,
    "an empty key": _of_an_empty_key,
    "kid missing": _headed(kid=DROPPED),
    "kid unknown": _headed(kid="other"),
    "kid null": _headed(kid=None),
    "kid a number": _headed(kid=1),
    "kid a list": _headed(kid=["dev1"]),
    "kid a path": _headed(kid="../../../../dev/null"),
    "kid SQL": _headed(kid="' UNION SELECT 'x"),
    "jwk": _headed(jwk={"kty": "oct", "k": "eHg"}),
    "jku": _headed(jku="https://evil.test/keys"),
    "x5u": _headed(x5u="https://evil.test/cert"),
    "x5c": _headed(x5c=["x"]),
    "crit": _headed(crit=["exp"]),
    "b64": _headed(b64=False, crit=["b64"]),
    "cty": _headed(cty="JWT"),
    "another typ": _headed(typ="at+jwt"),
    "padding": _padded,
    "a repr": _as_bytes,
    "two tokens": _twice,
    "oversize": _changed(note="x" * 4096),
    "a megabyte": lambda _: "e30." + "A" * 1_000_000 + ".e30",
    **{f"{name} missing": _changed(**{name: DROPPED})
       for name in ("sub", "email", "org_id", "perms", "iat", "exp", "jti", "iss", "aud", "ver")},
    **{f"{name} null": _changed(**{name: None}) for name in ("sub", "org_id", "iat", "exp", "iss", "aud", "ver")},
    "another issuer": _changed(iss="evil"),
    "an issuer in a list": _changed(iss=["goodwill"]),
    "another audience": _changed(aud="other"),
    "an audience in a list": _changed(aud=["goodwill"]),
    "an audience among others": _changed(aud=["other", "goodwill"]),
    "expired": _changed(iat=NOW - 3000, exp=NOW - 600),
    "long expired": _changed(iat=1, exp=2),
    "issued in the future": _changed(iat=NOW + 600, exp=NOW + 1200),
    "not yet valid": _changed(nbf=NOW + 600),
    "exp as a text": _changed(exp=str(NOW + 600)),
    "exp as a fraction": _changed(exp=NOW + 600.5),
    "exp true": _changed(exp=True),
    "exp a list": _changed(exp=[NOW + 600]),
    "exp infinite": _changed(exp=float("inf")),
    "exp not a number": _changed(exp=float("nan")),
    "exp in 10^30 seconds": _changed(exp=10**30),
    "a second too long a life": _changed(iat=NOW, exp=NOW + 3601),
    "iat as a text": _changed(iat=str(NOW)),
    "iat as a fraction": _changed(iat=NOW - 0.5),
    "sub as a number": _changed(sub=1),
    "sub no number": _changed(sub="maker-51250"),
    "sub negative": _changed(sub="-1"),
    "sub with a blank": _changed(sub=" 1"),
    "sub in other digits": _changed(sub="١"),
    "sub empty": _changed(sub=""),
    "sub too large": _changed(sub="9" * 30),
    "sub unknown": _changed(sub="123456789"),
    "sub a list": _changed(sub=["1"]),
    "org_id as a text": _changed(org_id="51250"),
    "org_id as a fraction": _changed(org_id=51250.0),
    "org_id true": _changed(org_id=True),
    "org_id a list": _changed(org_id=[51250]),
    "an older version": _changed(ver=-1),
    "a later version": _changed(ver=7),
    "ver as a text": _changed(ver="0"),
    "a service account": lambda house: signed(claims_of(house, sub=str(house.service_account.pk))),
}  # fmt: skip


@pytest.mark.parametrize("how", BAD)
def test_a_token_that_is_not_exactly_right_proves_nothing(outside: Gateway, how: str) -> None:
    caller = outside.call(
        "GET", "/api_gateway/v2/request-workflow/requests",
        environ={"HTTP_X_CAP_UI_AUTH_TOKEN": BAD[how](outside.house).encode().decode("latin-1")},
    )  # fmt: skip

    assert_unauthenticated(caller)
    assert caller.json == outside.list().json


@pytest.mark.parametrize("organisation_id", [0, -1, 2**63, 10**30])
def test_an_organisation_that_cannot_be_proves_nothing(outside: Gateway, organisation_id: int) -> None:
    token = signed(claims_of(outside.house, org_id=organisation_id))

    for caller in (_holding(outside, token), _holding(outside, token).having(**{ORGANISATION: None})):
        assert caller.list().status in (401, 403)


def test_a_wrong_token_is_not_made_good_by_other_credentials(gateway: Gateway) -> None:
    assert_unauthenticated(_holding(gateway, signed(claims_of(gateway.house, exp=1))).list())


def test_a_token_of_the_algorithm_that_is_not_configured_is_refused(outside: Gateway, settings: Any) -> None:
    """The classic confusion: the public key, which everybody may know, as the secret of an HMAC."""
    pem = _private_key()
    settings.UI_TOKEN_KEYS = {"rsa1": pem}
    settings.UI_TOKEN_ALGORITHM = "RS256"
    public = serialization.load_pem_private_key(pem, None).public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )  # fmt: skip

    for key in (public, pem):
        token = raw(claims_of(outside.house), {"alg": "HS256", "typ": "JWT", "kid": "rsa1"}, key)
        assert_unauthenticated(_holding(outside, token).list())
        assert_unauthenticated(_holding(outside, raw(claims_of(outside.house), {"alg": "RS256", "kid": "rsa1"}, key)).list())


def _private_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_tokens_may_be_signed_with_rsa(outside: Gateway, settings: Any) -> None:
    settings.UI_TOKEN_KEYS = {"rsa1": _private_key()}
    settings.UI_TOKEN_ALGORITHM = "RS256"

    token = _issue(outside, outside.house.maker.username).data["accessToken"]

    assert jwt.get_unverified_header(token) == {"alg": "RS256", "kid": "rsa1", "typ": "JWT"}
    assert _holding(outside, token).submit().status == 200
    settings.UI_TOKEN_KEYS = {"rsa1": _private_key()}
    assert_unauthenticated(_holding(outside, token).list())


def test_a_token_of_an_older_key_of_the_ring_is_believed_until_the_key_is_taken_out(
    outside: Gateway, settings: Any
) -> None:
    token = _issue(outside, outside.house.maker.username).data["accessToken"]
    old = dict(settings.UI_TOKEN_KEYS)

    settings.UI_TOKEN_KEYS = {"new": b"n" * 32, **old}
    assert _holding(outside, token).list().status == 200
    assert jwt.get_unverified_header(_issue(outside, outside.house.maker.username).data["accessToken"])["kid"] == "new"

    settings.UI_TOKEN_KEYS = {"new": b"n" * 32}
    assert_unauthenticated(_holding(outside, token).list())


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
    ({"orgId": True}, ["orgId"]), ({"orgId": 0}, ["orgId"]), ({"orgId": 2**63}, ["orgId"]), ({"username": 1}, ["username"]),
    ({"username": ""}, ["username"]), ({"username": "x" * 151}, ["username"]), ({"password": None}, ["password"]),
    ({"password": "x" * 256}, ["password"]), ({"org_id": 51250}, ["org_id"]), ({"perms": ["CanCheckRequest"]}, ["perms"]),
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
    caller = _holding(outside, _issue(outside, outside.house.maker.username).data["accessToken"])
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


def test_a_token_grants_nothing_that_it_claims_but_its_person_never_had(outside: Gateway) -> None:
    request = outside.house.submit(maker=outside.house.service_account)
    token = signed(claims_of(outside.house, perms=["CanMakeRequest", "CanCheckRequest"]))

    assert_refused(_holding(outside, token).decide(request.pk), 403, (2001, None))


def test_revoked_tokens_prove_nothing_and_new_ones_do(outside: Gateway) -> None:
    caller = _holding(outside, _issue(outside, outside.house.maker.username).data["accessToken"])

    answer = caller.call("POST", f"{ISSUE}/revoke")

    assert answer.json == {"data": {"revoked": True}, "errors": None}
    assert_unauthenticated(caller.list())
    again = _issue(outside, outside.house.maker.username).data["accessToken"]
    assert _holding(outside, again).list().status == 200


def test_revoking_ends_the_tokens_of_nobody_else(outside: Gateway) -> None:
    token = _issue(outside, outside.house.checker.username).data["accessToken"]

    revoke_ui_tokens(outside.house.maker)

    assert _holding(outside, token).list().status == 200


def test_a_token_is_for_the_organisation_of_the_header(outside: Gateway) -> None:
    other = OrganisationFactory()
    MembershipFactory(user=outside.house.maker, organisation=other, is_maker=True)
    caller = _holding(outside, signed(claims_of(outside.house)))

    assert_refused(caller.having(**{ORGANISATION: str(other.pk)}).list(), 403, (2001, None))
    assert caller.having(**{ORGANISATION: None}).list().status == 200
    assert_refused(caller.having(**{ORGANISATION: None}).submit(), 400, (2026, ORGANISATION))


def test_with_credentials_of_the_same_organisation_the_person_of_the_token_acts(gateway: Gateway) -> None:
    house = gateway.house
    token = signed(claims_of(house))

    account = _holding(gateway.by(house.service_account, house.service_secret), token)
    colleague = _holding(gateway.by(house.checker), token)

    for caller in (account, colleague):
        assert caller.submit().data["userId"] == house.maker.pk


def test_with_credentials_of_another_organisation_nobody_acts(gateway: Gateway) -> None:
    other = build_house(60000)
    token = signed(claims_of(gateway.house))

    for user, secret in ((other.maker, PASSWORD), (other.service_account, other.service_secret)):
        caller = _holding(gateway.by(user, secret), token)
        assert_unauthenticated(caller.list())
        assert_unauthenticated(caller.having(**{ORGANISATION: "60000"}).list())


def test_both_credentials_must_hold(gateway: Gateway) -> None:
    house = gateway.house
    wrong_basic = gateway.having(Authorization=basic(house.service_account.username, "gws_" + "a" * 43))

    assert_unauthenticated(_holding(wrong_basic, signed(claims_of(house))).list())
    assert_unauthenticated(_holding(gateway, signed(claims_of(house, aud="other"))).list())


def test_what_verify_returns_is_what_was_issued(house: House) -> None:
    token, _ = ui_tokens.issue(house.actor(house.checker))

    assert ui_tokens.verify(token) == ui_tokens.UIToken(house.checker.pk, house.organisation.pk, 0)

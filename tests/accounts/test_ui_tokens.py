"""UI tokens: which are believed, and what they never grant."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from django.contrib.auth.hashers import make_password
from django.contrib.auth.signals import user_logged_in

from accounts import access, second_factor, services
from accounts.models import User
from tests.accounts.test_basic import assert_unauthenticated
from tests.accounts.test_second_factor import code_of
from tests.accounts.tokens import DROPPED, claims_of, holding, key_of_the_house, private_key, raw, signed
from tests.api.gateway import ORGANISATION, REQUESTS, Gateway, stored
from tests.house import House


def test_a_token_alone_lets_its_person_act(outside: Gateway) -> None:
    caller = holding(outside, signed(claims_of(outside.house)))

    assert caller.submit().data["userId"] == outside.house.maker.pk


Bad = Callable[[House], str]


def _changed(**changes: Any) -> Bad:
    return lambda house: signed(claims_of(house, **changes))


def _at(times: Callable[[int], dict[str, Any]]) -> Bad:
    """Claims changed to what `times` says of the present second: that of the test, which may come long after import."""
    return lambda house: signed(claims_of(house, **times(int(time.time()))))


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
    "alg HS384": _headed(alg="HS384"),
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
    "expired": _at(lambda now: {"iat": now - 3000, "exp": now - 600}),
    "long expired": _changed(iat=1, exp=2),
    "issued in the future": _at(lambda now: {"iat": now + 600, "exp": now + 1200}),
    "not yet valid": _at(lambda now: {"nbf": now + 600}),
    "exp as a text": _at(lambda now: {"exp": str(now + 600)}),
    "exp as a fraction": _at(lambda now: {"exp": now + 600.5}),
    "exp true": _changed(exp=True),
    "exp a list": _at(lambda now: {"exp": [now + 600]}),
    "exp infinite": _changed(exp=float("inf")),
    "exp not a number": _changed(exp=float("nan")),
    "exp in 10^30 seconds": _changed(exp=10**30),
    "a second too long a life": _at(lambda now: {"iat": now, "exp": now + 3601}),
    "iat as a text": _at(lambda now: {"iat": str(now)}),
    "iat as a fraction": _at(lambda now: {"iat": now - 0.5}),
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
    before = stored()
    environ = {"HTTP_X_CAP_UI_AUTH_TOKEN": BAD[how](outside.house).encode().decode("latin-1")}

    listed = outside.call("GET", REQUESTS, environ=environ)
    submitted = outside.submit(environ=environ)

    for answer in (listed, submitted):
        assert_unauthenticated(answer)
        assert answer.json == outside.list().json
    assert stored() == before


@pytest.mark.parametrize("organisation_id", [0, -1, 2**63, 10**30])
def test_an_organisation_that_cannot_be_proves_nothing(outside: Gateway, organisation_id: int) -> None:
    token = signed(claims_of(outside.house, org_id=organisation_id))

    for caller in (holding(outside, token), holding(outside, token).having(**{ORGANISATION: None})):
        assert caller.list().status in (401, 403)


def test_a_token_of_the_algorithm_that_is_not_configured_is_refused(outside: Gateway, settings: Any) -> None:
    """The classic confusion: the public key, which everybody may know, as the secret of an HMAC."""
    pem = private_key()
    settings.UI_TOKEN_KEYS = {"rsa1": pem}
    settings.UI_TOKEN_ALGORITHM = "RS256"
    public = serialization.load_pem_private_key(pem, None).public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )  # fmt: skip

    for key in (public, pem):
        token = raw(claims_of(outside.house), {"alg": "HS256", "typ": "JWT", "kid": "rsa1"}, key)
        assert_unauthenticated(holding(outside, token).list())
        assert_unauthenticated(
            holding(outside, raw(claims_of(outside.house), {"alg": "RS256", "kid": "rsa1"}, key)).list()
        )


NEW = "another-password-of-a-test"
NEW_PASSWORDS: dict[str, Callable[[House], Any]] = {
    "saved whole": lambda house: (house.maker.set_password(NEW), house.maker.save()),
    "saved alone": lambda house: (house.maker.set_password(NEW), house.maker.save(update_fields=["password"])),
    "written past the model": lambda house: User.objects.filter(pk=house.maker.pk).update(password=make_password(NEW)),
    "by a command": lambda house: services.set_password(house.maker, NEW),
    "taken away": lambda house: (house.maker.set_unusable_password(), house.maker.save()),
}


@pytest.mark.parametrize("how", NEW_PASSWORDS)
def test_a_new_password_ends_every_token_of_before(outside: Gateway, how: str) -> None:
    caller = holding(outside, signed(claims_of(outside.house)))
    assert caller.list().status == 200

    NEW_PASSWORDS[how](outside.house)

    assert_unauthenticated(caller.list())
    person = User.objects.get(pk=outside.house.maker.pk)
    assert holding(outside, signed(claims_of(outside.house, ver=person.ui_token_version))).list().status == 200


def test_a_log_in_and_any_other_change_end_none(outside: Gateway) -> None:
    caller = holding(outside, signed(claims_of(outside.house)))
    user_logged_in.send(sender=User, request=None, user=outside.house.maker)
    outside.house.maker.name = "Renamed"
    outside.house.maker.save()

    assert caller.list().status == 200


def test_a_row_that_was_read_earlier_takes_no_end_back(outside: Gateway) -> None:
    caller = holding(outside, signed(claims_of(outside.house)))
    early = User.objects.get(pk=outside.house.maker.pk)
    services.revoke_ui_tokens(outside.house.maker)
    access.end_sessions(outside.house.maker, by=outside.house.auditor)

    early.save()

    assert_unauthenticated(caller.list())
    assert User.objects.get(pk=early.pk).session_version == 1


def test_setting_up_and_removing_a_second_factor_end_every_token_of_before(outside: Gateway) -> None:
    person = outside.house.maker
    before = holding(outside, signed(claims_of(outside.house)))
    device = second_factor.begin_set_up(person)
    assert before.list().status == 200, "it is only begun"

    assert second_factor.confirm_set_up(person, code_of(device))
    assert_unauthenticated(before.list())
    person.refresh_from_db()
    between = holding(outside, signed(claims_of(outside.house, ver=person.ui_token_version)))
    assert between.list().status == 200
    second_factor.remove(person)
    assert_unauthenticated(between.list())

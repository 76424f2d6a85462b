"""Basic credentials: of a person by password, of a service account by a generated secret."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from django.utils import timezone

from accounts.hashers import digest
from accounts.models import ServiceAccountSecret, User
from accounts.services import ensure_service_secret
from tests.api.gateway import Answer, Gateway, assert_refused, basic
from tests.factories import PASSWORD, MembershipFactory, OrganisationFactory, ServiceAccountFactory
from tests.house import House


def assert_unauthenticated(answer: Answer) -> None:
    """401 with its code and the header that names the scheme; the same sentence for every cause."""
    assert_refused(answer, 401, (2013, None))
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _with(gateway: Gateway, authorization: str) -> Answer:
    return gateway.having(Authorization=None).call(
        "GET", "/api_gateway/v2/request-workflow/requests",
        environ={"HTTP_AUTHORIZATION": authorization.encode().decode("latin-1")},
    )  # fmt: skip


def test_a_person_and_a_service_account_prove_themselves(gateway: Gateway) -> None:
    house = gateway.house

    assert gateway.by(house.maker).list().status == 200
    assert gateway.by(house.service_account, house.service_secret).list().status == 200


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC", "bAsIc"])
def test_the_scheme_is_read_in_any_case(gateway: Gateway, scheme: str) -> None:
    pair = _encoded(f"{gateway.house.maker.username}:{PASSWORD}")

    assert _with(gateway, f"{scheme} {pair}").status == 200


def test_a_password_may_hold_colons_and_any_character(gateway: Gateway) -> None:
    password = "a:b:ü 😀 – long enough"
    gateway.house.maker.set_password(password)
    gateway.house.maker.save()

    assert gateway.by(gateway.house.maker, password).list().status == 200


def test_without_credentials_nothing_is_shown(gateway: Gateway) -> None:
    nobody = gateway.having(Authorization=None)

    for answer in (nobody.submit(), nobody.decide("x"), nobody.show("x"), nobody.list(), nobody.history()):
        assert_unauthenticated(answer)


WRONG: dict[str, Callable[[House], str]] = {
    "empty": lambda _: "",
    "the scheme alone": lambda _: "Basic",
    "the scheme and a blank": lambda _: "Basic ",
    "another scheme": lambda house: "Digest " + _encoded(f"{house.maker.username}:{PASSWORD}"),
    "no scheme": lambda house: _encoded(f"{house.maker.username}:{PASSWORD}"),
    "no base64": lambda house: f"Basic {house.maker.username}:{PASSWORD}",
    "base64 with a stranger in it": lambda house: "Basic " + _encoded(f"{house.maker.username}:{PASSWORD}") + "!",
    "base64 without its padding": lambda house: basic(house.maker.username, PASSWORD + "x").rstrip("=")[:-1],
    "base64 of the URL kind": lambda _: "Basic " + base64.urlsafe_b64encode(b"\xfb\xff:\xfe").decode(),
    "two values": lambda house: "Basic " + _encoded(f"{house.maker.username}:{PASSWORD}") + " x",
    "no colon": lambda house: "Basic " + _encoded(house.maker.username),
    "no UTF-8": lambda _: "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
    "no user": lambda _: "Basic " + _encoded(f":{PASSWORD}"),
    "no password": lambda house: "Basic " + _encoded(f"{house.maker.username}:"),
    "nothing on either side": lambda _: "Basic " + _encoded(":"),
    "an unknown user": lambda _: basic("nobody", PASSWORD),
    "a wrong password": lambda house: basic(house.maker.username, PASSWORD + "x"),
    "a password in another case": lambda house: basic(house.maker.username, PASSWORD.upper()),
    "a user in another case": lambda house: basic(house.maker.username.upper(), PASSWORD),
    "a user with a blank": lambda house: basic(house.maker.username + " ", PASSWORD),
    "the e-mail address": lambda house: basic(house.maker.email, PASSWORD),
    "the id": lambda house: basic(str(house.maker.pk), PASSWORD),
    "the stored hash": lambda house: basic(house.maker.username, house.maker.password),
    "a NUL in the user": lambda house: basic(house.maker.username + "\0", PASSWORD),
    "a NUL in the password": lambda house: basic(house.maker.username, PASSWORD + "\0"),
    "a NUL in a secret": lambda house: basic(house.service_account.username, house.service_secret + "\0"),
    "a line break": lambda house: basic(house.maker.username + "\r\n", PASSWORD),
    "an oversized value": lambda house: basic(house.maker.username, "x" * 2000),
    "a megabyte": lambda _: "Basic " + "A" * 1_000_000,
    "a wrong secret": lambda house: basic(house.service_account.username, house.service_secret[:-1] + "~"),
    "a secret of nobody": lambda house: basic(house.service_account.username, "gws_" + "a" * 43),
    "the prefix alone": lambda house: basic(house.service_account.username, "gws_"),
    "a password for a service account": lambda house: basic(house.service_account.username, PASSWORD),
    "an empty password for a service account": lambda house: basic(house.service_account.username, ""),
    "a secret for a person": lambda house: basic(house.maker.username, house.service_secret),
    "the digest of a secret": lambda house: basic(house.service_account.username, digest(house.service_secret)),
    "letters of another script": lambda house: "Basic " + _encoded(f"{house.maker.username}:{PASSWORD}") + "é",
    "the value twice": lambda house: ",".join([basic(house.maker.username, PASSWORD)] * 2),
    "two credentials in one header": lambda house: basic(house.maker.username, PASSWORD) + ", Bearer x",
}  # fmt: skip


@pytest.mark.parametrize("how", WRONG)
def test_wrong_credentials_are_refused_with_one_sentence_for_every_cause(gateway: Gateway, how: str) -> None:
    answer = _with(gateway, WRONG[how](gateway.house))

    assert_unauthenticated(answer)
    assert PASSWORD not in answer.text
    if "," in WRONG[how](gateway.house):
        assert "contradict" in answer.text
    else:
        assert answer.json == gateway.having(Authorization=None).list().json


def _revoke_secret(house: House) -> None:
    ServiceAccountSecret.objects.filter(user=house.service_account).update(revoked_at=timezone.now())


def _deactivate_account(house: House) -> None:
    User.objects.filter(pk=house.service_account.pk).update(is_active=False)


def _rotate_secret(house: House) -> None:
    ensure_service_secret(house.service_account, rotate=True)


@pytest.mark.parametrize("change", [_revoke_secret, _deactivate_account, _rotate_secret])
def test_a_service_account_is_shut_out_at_once(gateway: Gateway, change: Callable[[House], None]) -> None:
    account = gateway.by(gateway.house.service_account, gateway.house.service_secret)
    assert account.list().status == 200

    change(gateway.house)

    assert_unauthenticated(account.list())


def test_two_secrets_may_live_side_by_side(gateway: Gateway) -> None:
    ServiceAccountSecret.objects.create(user=gateway.house.service_account, digest=digest("gws_" + "b" * 43))

    for secret in (gateway.house.service_secret, "gws_" + "b" * 43):
        assert gateway.by(gateway.house.service_account, secret).list().status == 200


def test_a_secret_is_good_for_its_own_account_only(gateway: Gateway) -> None:
    other = ServiceAccountFactory()
    MembershipFactory(user=other, organisation=gateway.house.organisation, is_maker=True)
    ensure_service_secret(other)

    assert_unauthenticated(gateway.by(other, gateway.house.service_secret).list())


def test_a_secret_is_not_stored_in_clear(gateway: Gateway) -> None:
    stored = ServiceAccountSecret.objects.get()

    assert gateway.house.service_secret not in str(vars(stored))
    assert len(stored.digest) == 64


def _inactive_user(house: House) -> int:
    return User.objects.filter(pk=house.maker.pk).update(is_active=False)


def _new_password(house: House) -> None:
    house.maker.set_password("another-password-of-a-test")
    house.maker.save()


def _no_password(house: House) -> None:
    house.maker.set_unusable_password()
    house.maker.save()


@pytest.mark.parametrize("change", [_inactive_user, _new_password, _no_password])
def test_a_person_is_shut_out_at_once(gateway: Gateway, change: Callable[[House], object]) -> None:
    assert gateway.list().status == 200

    change(gateway.house)

    assert_unauthenticated(gateway.list())


def _inactive_membership(house: House) -> None:
    membership = house.membership(house.maker)
    membership.is_active = False
    membership.save()


def _inactive_organisation(house: House) -> None:
    house.organisation.is_active = False
    house.organisation.save()


@pytest.mark.parametrize("change", [_inactive_membership, _inactive_organisation])
def test_who_has_no_live_membership_has_no_permission_and_cannot_tell_why(
    gateway: Gateway, change: Callable[[House], None]
) -> None:
    change(gateway.house)

    answers = [gateway.submit(), gateway.list(), gateway.history()]

    for answer in answers:
        assert_refused(answer, 403, (2001, None))
    unknown = gateway.having(**{"X-CAP-API-AUTH-ORG-ID": str(OrganisationFactory().pk)})
    assert answers[1].text == unknown.list().text


def test_a_superuser_without_membership_has_no_permission(gateway: Gateway) -> None:
    User.objects.filter(pk=gateway.house.auditor.pk).update(is_superuser=True)
    gateway.house.membership(gateway.house.auditor).delete()

    assert_refused(gateway.by(gateway.house.auditor).list(), 403, (2001, None))

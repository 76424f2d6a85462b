"""A UI token beside other credentials, and beside the organisation header."""

from __future__ import annotations

from tests.accounts.test_basic import assert_unauthenticated
from tests.accounts.tokens import claims_of, holding, signed
from tests.api.gateway import ORGANISATION, Gateway, assert_refused, basic
from tests.factories import PASSWORD, MembershipFactory, OrganisationFactory
from tests.house import build_house


def test_a_token_is_for_the_organisation_of_the_header(outside: Gateway) -> None:
    other = OrganisationFactory()
    MembershipFactory(user=outside.house.maker, organisation=other, is_maker=True)
    caller = holding(outside, signed(claims_of(outside.house)))

    assert_refused(caller.having(**{ORGANISATION: str(other.pk)}).list(), 403, (2001, None))
    assert caller.having(**{ORGANISATION: None}).list().status == 200
    assert_refused(caller.having(**{ORGANISATION: None}).submit(), 400, (2026, ORGANISATION))


def test_with_credentials_of_the_same_organisation_the_person_of_the_token_acts(gateway: Gateway) -> None:
    house = gateway.house
    token = signed(claims_of(house))

    account = holding(gateway.by(house.service_account, house.service_secret), token)
    colleague = holding(gateway.by(house.checker), token)

    for caller in (account, colleague):
        assert caller.submit().data["userId"] == house.maker.pk


def test_with_credentials_of_another_organisation_nobody_acts(gateway: Gateway) -> None:
    other = build_house(60000)
    token = signed(claims_of(gateway.house))

    for user, secret in ((other.maker, PASSWORD), (other.service_account, other.service_secret)):
        caller = holding(gateway.by(user, secret), token)
        assert_unauthenticated(caller.list())
        assert_unauthenticated(caller.having(**{ORGANISATION: "60000"}).list())


def test_both_credentials_must_hold(gateway: Gateway) -> None:
    house = gateway.house
    wrong_basic = gateway.having(Authorization=basic(house.service_account.username, "gws_" + "a" * 43))

    assert_unauthenticated(holding(wrong_basic, signed(claims_of(house))).list())
    assert_unauthenticated(holding(gateway, signed(claims_of(house, aud="other"))).list())


def test_a_wrong_token_is_not_made_good_by_other_credentials(gateway: Gateway) -> None:
    assert_unauthenticated(holding(gateway, signed(claims_of(gateway.house, exp=1))).list())


def test_a_token_grants_nothing_that_it_claims_but_its_person_never_had(outside: Gateway) -> None:
    request = outside.house.submit(maker=outside.house.service_account)
    token = signed(claims_of(outside.house, perms=["CanMakeRequest", "CanCheckRequest"]))

    assert_refused(holding(outside, token).decide(request.pk), 403, (2001, None))

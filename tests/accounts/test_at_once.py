"""Who sends a credential and names the organisation is found by one statement, and only as long as both are good."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from oauth2_provider.models import AccessToken

from accounts import at_once, oauth, ui_tokens
from accounts.actors import Actor
from accounts.credentials import person_by_password
from accounts.models import Membership, Organisation, ServiceAccountSecret, User
from accounts.services import ensure_oauth_client, revoke_ui_tokens
from tests.factories import PASSWORD, OrganisationFactory
from tests.house import House

Found = Callable[[], Actor | None]


@pytest.fixture
def ways(house: House) -> dict[str, Found]:
    """Each way for somebody to be found; the password was given correctly just now."""
    assert person_by_password(house.checker.username, PASSWORD, "127.0.0.1") == house.checker
    client = ensure_oauth_client(house.service_account, name="CRM")
    token, _ = oauth.issue_token(key=client.key, secret=client.secret or "", address="127.0.0.1")
    claimed = ui_tokens.verify(ui_tokens.issue(house.actor(house.checker))[0])
    number = house.organisation.pk
    return {
        "secret": lambda: at_once.by_basic(house.service_account.username, house.service_secret, number),
        "password": lambda: at_once.by_basic(house.checker.username, PASSWORD, number),
        "OAuth": lambda: at_once.by_oauth(token, number),
        "UI token": lambda: at_once.by_ui_token(claimed),
    }


WHO = {"secret": "service_account", "password": "checker", "OAuth": "service_account", "UI token": "checker"}


@pytest.mark.parametrize("way", WHO)
def test_one_statement_tells_who_asks_and_what_they_may(
    house: House, ways: dict[str, Found], way: str, django_assert_num_queries: Any
) -> None:
    ways[way]()  # its query is compiled the first time
    with django_assert_num_queries(1):
        actor = ways[way]()
    user = getattr(house, WHO[way])
    assert actor == house.actor(user)
    assert actor is not None
    assert (actor.user, actor.membership.user) == (user, user)


EVERYBODY = {
    "the user is switched off": lambda: User.objects.update(is_active=False),
    "the membership is switched off": lambda: Membership.objects.update(is_active=False),
    "the organisation is switched off": lambda: Organisation.objects.update(is_active=False),
}
OF_ONE_WAY: dict[str, tuple[str, Callable[[], object]]] = {
    "the secret is revoked": ("secret", lambda: ServiceAccountSecret.objects.update(revoked_at=timezone.now())),
    "the password is another one": ("password", lambda: User.objects.update(password="!")),
    "a second factor is asked for": ("password", lambda: Organisation.objects.update(requires_second_factor=True)),
    "the token has expired": ("OAuth", lambda: AccessToken.objects.update(expires=timezone.now())),
    "the token is unknown": ("OAuth", lambda: AccessToken.objects.update(token_checksum="0" * 64)),
    "the account is a person by now": ("OAuth", lambda: User.objects.update(kind="person")),
    "the person is an account by now": ("UI token", lambda: User.objects.update(kind="service", is_staff=False)),
    "UI tokens are revoked": ("UI token", lambda: [revoke_ui_tokens(user) for user in User.objects.all()]),
}


@pytest.mark.parametrize("way", WHO)
@pytest.mark.parametrize("change", EVERYBODY)
def test_what_is_switched_off_is_off_at_the_next_request(ways: dict[str, Found], way: str, change: str) -> None:
    assert ways[way]() is not None
    EVERYBODY[change]()
    assert ways[way]() is None


@pytest.mark.parametrize("case", OF_ONE_WAY)
def test_a_credential_that_is_no_longer_good_finds_nobody(ways: dict[str, Found], case: str) -> None:
    way, change = OF_ONE_WAY[case]
    assert ways[way]() is not None
    change()
    assert ways[way]() is None


def test_nobody_is_found_in_an_organisation_that_they_do_not_belong_to(house: House, ways: dict[str, Found]) -> None:
    other = OrganisationFactory().pk
    assert at_once.by_basic(house.service_account.username, house.service_secret, other) is None
    assert at_once.by_basic(house.checker.username, PASSWORD, other) is None


def test_the_secret_of_one_is_not_that_of_another(house: House, ways: dict[str, Found]) -> None:
    assert at_once.by_basic(house.checker.username, house.service_secret, house.organisation.pk) is None
    assert at_once.by_basic(house.maker.username, PASSWORD, house.organisation.pk) is None, "not looked at just now"

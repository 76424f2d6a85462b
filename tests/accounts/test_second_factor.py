"""Whoever has a second factor needs it everywhere that a password would do."""

from __future__ import annotations

import base64
import time

import pytest
from django.conf import settings
from django_otp.oath import TOTP

from accounts import second_factor
from tests.factories import PASSWORD
from tests.workflows.journeys import whole_database
from wire.secrets import SecretUnreadable

LISTING = "/api_gateway/v2/request-workflow/requests"


def code_of(device, steps: int = 0) -> str:
    """The code that the device shows now, or some steps of half a minute later."""
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift)
    totp.time = time.time() + steps * device.step
    return str(totp.token()).zfill(device.digits)


def ask_for_token(client, user, **more: str):
    body = {"username": user.username, "password": PASSWORD, "orgId": 51250, **more}
    return client.post("/auth/ui-token", body, content_type="application/json")


@pytest.fixture
def device(house):
    device = second_factor.begin_set_up(house.checker)
    assert second_factor.confirm_set_up(house.checker, code_of(device)) is not None
    device.refresh_from_db()
    return device


def test_a_wrong_first_code_sets_nothing_up(house):
    second_factor.begin_set_up(house.checker)
    assert second_factor.confirm_set_up(house.checker, "000000") is None
    assert not second_factor.is_set_up_by(house.checker)


def test_the_password_alone_gets_no_ui_token_any_more(client, house, device):
    refused = ask_for_token(client, house.checker)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (401, 2013)
    assert ask_for_token(client, house.checker, otp=code_of(device, steps=1)).status_code == 200


def test_a_code_is_good_once(client, house, device):
    code = code_of(device, steps=1)
    assert [ask_for_token(client, house.checker, otp=code).status_code for _ in range(2)] == [200, 401]


def test_a_recovery_code_is_good_once(client, house):
    device = second_factor.begin_set_up(house.checker)
    codes = second_factor.confirm_set_up(house.checker, code_of(device))
    assert codes is not None
    assert len(set(codes)) == second_factor.RECOVERY_CODES
    assert [ask_for_token(client, house.checker, otp=codes[0]).status_code for _ in range(2)] == [200, 401]


def test_codes_are_taken_as_they_are_shown_and_as_they_are_typed(house):
    codes = second_factor.confirm_set_up(house.checker, code_of(second_factor.begin_set_up(house.checker)))
    assert codes is not None
    assert " " in codes[0]
    typed = (codes[0], codes[1].replace(" ", ""), f" {codes[2].upper()}\n")
    assert all(second_factor.verify(house.checker, code) for code in typed)


def test_neither_seeds_nor_codes_can_be_read_in_the_database(house):
    device = second_factor.begin_set_up(house.checker)
    codes = second_factor.confirm_set_up(house.checker, code_of(device))
    assert codes is not None
    text, seed = whole_database(), device.bin_key
    assert f"v1:{next(iter(settings.FIELD_ENCRYPTION_KEYS))}:" in text
    for trace in (seed.hex(), base64.b64encode(seed).decode(), base64.b32encode(seed).decode()):
        assert trace not in text
    assert not [code for code in codes if code in text or code.replace(" ", "") in text]


def test_a_seed_that_is_moved_to_somebody_elses_device_does_not_open(house, device):
    theirs = second_factor.begin_set_up(house.maker)
    theirs.key = device.key
    with pytest.raises(SecretUnreadable):
        second_factor.secret_text(theirs)


def test_basic_with_the_password_is_refused_once_a_second_factor_exists(client, house):
    assert client.get(LISTING, headers=basic(house.checker)).status_code == 200
    second_factor.confirm_set_up(house.checker, code_of(second_factor.begin_set_up(house.checker)))
    assert client.get(LISTING, headers=basic(house.checker)).status_code == 401


def basic(user) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user.username}:{PASSWORD}".encode()).decode()}


def test_an_organisation_can_require_it_of_its_checkers_and_of_nobody_else(client, house):
    house.organisation.requires_second_factor = True
    house.organisation.save()
    assert ask_for_token(client, house.checker).status_code == 403
    assert ask_for_token(client, house.maker).status_code == 200
    assert client.get(LISTING, headers=basic(house.checker)).status_code == 401
    assert client.get(LISTING, headers=basic(house.maker)).status_code == 200


def test_wrong_codes_make_the_device_refuse_for_a_while(house, device):
    for _ in range(3):
        assert second_factor.verify(house.checker, "000000") is None
    assert second_factor.verify(house.checker, code_of(device, steps=1)) is None


def test_removing_it_gives_the_password_back_its_force(client, house, device):
    second_factor.remove(house.checker)
    assert ask_for_token(client, house.checker).status_code == 200

"""What platform administrators set up: people, rights, secrets, targets, policies; and what not for themselves."""

from __future__ import annotations

import re

import pytest
from django.contrib.admin.models import LogEntry

from accounts import second_factor
from accounts.credentials import user_by_basic
from accounts.models import Membership, Organisation, ServiceAccountSecret, User
from goodwill.models import Program
from tests.factories import MembershipFactory, UserFactory
from tests.house import FAKE_CREDENTIAL
from wire.secrets import decrypt
from workflows.bindings import target_binding
from workflows.models import IntouchTarget, WorkflowPolicy
from workflows.set_up import keep_credential

USERS, MEMBERSHIPS = "/admin/accounts/user/", "/admin/accounts/membership/"
TARGETS, POLICIES = "/admin/workflows/intouchtarget/", "/admin/workflows/workflowpolicy/"


@pytest.fixture
def platform(at_desk, root):
    return at_desk(root)


def user_form(user, **changes):
    names = ("username", "email", "name", "user_type", "reference_id", "admin_type")
    numbers = {"time_zone_id": 0, "currency_id": 0, "language_id": 0, "is_active": "on", "is_staff": "on"}
    return {**{name: getattr(user, name) for name in names}, **numbers, **_inlines(), **changes}


def _inlines():
    empty = {"TOTAL_FORMS": 0, "INITIAL_FORMS": 0}
    return {f"{prefix}-{name}": value for prefix in ("memberships", "secrets") for name, value in empty.items()}


def test_an_organisation_keeps_the_id_it_was_given(platform):
    platform.post(
        "/admin/accounts/organisation/add/", {"id": 4711, "name": "New", "time_zone": "Asia/Dubai", "is_active": "on"}
    )
    made = Organisation.objects.get(pk=4711)
    platform.post(f"/admin/accounts/organisation/{made.pk}/change/", {"id": 5, "name": "Renamed", "time_zone": "UTC"})
    made.refresh_from_db()
    assert (made.name, made.is_active) == ("Renamed", False)
    assert not Organisation.objects.filter(pk=5).exists()


def test_a_person_is_made_without_a_way_in_and_then_given_a_password(platform):
    response = platform.post(
        f"{USERS}add/", {"username": "nina", "kind": "person", "email": "nina@example.com", "is_staff": "on"}
    )
    nina = User.objects.get(username="nina")
    assert response["Location"] == f"{USERS}{nina.pk}/change/"
    assert not nina.has_usable_password()
    new = {
        "password1": "a long pass phrase",
        "password2": "a long pass phrase",
        "usable_password": "true",
        "set-password": "1",
    }
    platform.post(f"{USERS}{nina.pk}/password/", new)
    nina.refresh_from_db()
    assert nina.check_password("a long pass phrase")
    assert LogEntry.objects.filter(object_id=str(nina.pk)).count() == 2


def test_a_service_account_cannot_be_let_into_the_admin(platform, house):
    response = platform.post(f"{USERS}add/", {"username": "bot", "kind": "service", "is_staff": "on"})
    assert "cannot log in to the admin" in response.content.decode()
    platform.post(f"{USERS}{house.service_account.pk}/change/", user_form(house.service_account, is_superuser="on"))
    house.service_account.refresh_from_db()
    assert not house.service_account.is_superuser


def test_others_are_promoted_and_switched_off(platform, house):
    platform.post(f"{USERS}{house.checker.pk}/change/", user_form(house.checker, is_active="", is_superuser="on"))
    house.checker.refresh_from_db()
    assert (house.checker.is_active, house.checker.is_superuser) == (False, True)


def test_nobody_changes_their_own_privileges(platform, root):
    platform.post(
        f"{USERS}{root.pk}/change/", user_form(root, name="Rooty", is_active="", is_superuser="", is_staff="")
    )
    root.refresh_from_db()
    assert root.name == "Rooty"
    assert root.is_active
    assert root.is_superuser
    assert root.is_staff


def test_nobody_sets_their_own_password_without_the_old_one(platform, root):
    assert platform.get(f"{USERS}{root.pk}/password/")["Location"] == "/admin/password_change/"


def test_a_lost_second_factor_is_removed_by_somebody_else(platform, root, house):
    for person in (house.checker, root):
        device = second_factor.begin_set_up(person)
        device.confirmed = person == house.checker
        device.save()
    assert platform.post(f"{USERS}{house.checker.pk}/remove-second-factor/").status_code == 302
    assert not second_factor.is_set_up_by(house.checker)
    assert platform.post(f"{USERS}{root.pk}/remove-second-factor/").status_code == 403
    assert platform.get(f"{USERS}{house.checker.pk}/remove-second-factor/").status_code == 405


def test_rights_are_given_to_others(platform, house):
    person = UserFactory(username="new")
    data = {
        "user": person.pk,
        "organisation": house.organisation.pk,
        "is_active": "on",
        "is_checker": "on",
        "tills": "7, 8",
    }
    assert platform.post(f"{MEMBERSHIPS}add/", data).status_code == 302
    membership = Membership.objects.get(user=person)
    assert (membership.is_checker, membership.is_maker, membership.tills) == (True, False, ["7", "8"])


def test_nobody_gives_rights_to_themselves(platform, root, house):
    data = {"user": root.pk, "organisation": house.organisation.pk, "is_active": "on", "is_checker": "on"}
    response = platform.post(f"{MEMBERSHIPS}add/", data)
    assert "You cannot give rights to yourself" in response.content.decode()
    own = MembershipFactory(user=root, organisation=house.organisation, is_auditor=True)
    assert platform.get(f"{MEMBERSHIPS}{own.pk}/change/").status_code == 200
    assert platform.post(f"{MEMBERSHIPS}{own.pk}/change/", data).status_code == 403
    own.refresh_from_db()
    assert not own.is_checker


def test_a_membership_is_not_moved_to_somebody_else(platform, root, house):
    theirs = house.membership(house.checker)
    data = {"user": root.pk, "organisation": house.organisation.pk, "is_active": "on", "is_checker": "on"}
    platform.post(f"{MEMBERSHIPS}{theirs.pk}/change/", data)
    theirs.refresh_from_db()
    assert theirs.user == house.checker


def test_a_new_secret_is_shown_once_and_the_old_one_ends(platform, house):
    account, old = house.service_account, house.service_secret
    response = platform.post(f"{USERS}{account.pk}/secret/")
    (secret,) = set(re.findall(r"gws_[\w-]{20,}", response.content.decode()))
    assert "no-store" in response["Cache-Control"]
    assert user_by_basic(account.username, secret, "127.0.0.1") == account
    assert user_by_basic(account.username, old, "127.0.0.1") is None
    for page in (f"{USERS}{account.pk}/change/", f"{USERS}{account.pk}/history/", USERS):
        shown = platform.get(page).content.decode()
        assert secret not in shown
        for stored in ServiceAccountSecret.objects.all():
            assert stored.digest not in shown


def test_a_get_makes_no_secret_and_a_member_makes_none(platform, at_desk, house):
    page = f"{USERS}{house.service_account.pk}/secret/"
    assert platform.get(page).status_code == 405
    assert at_desk(house.checker).post(page).status_code == 403
    assert at_desk(house.auditor, enforce_csrf_checks=True).post(page).status_code == 403
    account = house.service_account
    assert user_by_basic(account.username, house.service_secret, "127.0.0.1") == account


def test_a_person_has_no_secret(platform, house):
    assert platform.post(f"{USERS}{house.checker.pk}/secret/").status_code == 404


def target_form(target, **changes):
    return {"base_url": target.base_url, "is_enabled": "on", "allows_internal": "on", **changes}


def credential_of(target):
    target.refresh_from_db()
    return target.credential and decrypt(bytes(target.credential), target_binding(target.pk)).value


def test_a_credential_is_stored_encrypted_and_never_shown(platform, house):
    page = f"{TARGETS}{house.target.pk}/change/"
    assert platform.post(page, target_form(house.target, new_credential=FAKE_CREDENTIAL)).status_code == 302
    assert credential_of(house.target) == FAKE_CREDENTIAL
    for shown in (page, TARGETS, f"{TARGETS}{house.target.pk}/history/"):
        assert "ZmFrZTpmYWtl" not in platform.get(shown).content.decode()


def test_an_empty_field_keeps_the_credential_and_a_tick_erases_it(platform, house):
    page = f"{TARGETS}{house.target.pk}/change/"
    keep_credential(house.target, FAKE_CREDENTIAL)
    platform.post(page, target_form(house.target))
    assert credential_of(house.target) == FAKE_CREDENTIAL
    platform.post(page, target_form(house.target, erase_credential="on"))
    assert credential_of(house.target) is None


def test_a_target_does_not_take_its_credential_to_another_address(platform, house):
    keep_credential(house.target, FAKE_CREDENTIAL)
    page = f"{TARGETS}{house.target.pk}/change/"
    response = platform.post(page, target_form(house.target, base_url="https://elsewhere.example"))
    assert "enter the credential again" in response.content.decode()
    platform.post(
        page, target_form(house.target, base_url="https://elsewhere.example", new_credential="Basic bmV3Om5ldw==")
    )
    assert credential_of(house.target) == "Basic bmV3Om5ldw=="
    assert house.target.base_url == "https://elsewhere.example"


@pytest.mark.parametrize("wrong", ["***", "two\nlines", "ünïcode"])
def test_what_is_no_credential_is_refused(platform, house, wrong):
    response = platform.post(f"{TARGETS}{house.target.pk}/change/", target_form(house.target, new_credential=wrong))
    assert response.status_code == 200
    assert credential_of(house.target) is None


@pytest.mark.parametrize("origin", ["ftp://x", "http://user@host", "http://host/path", "//host"])
def test_a_target_is_an_origin_and_nothing_else(platform, house, origin):
    data = {"organisation": house.organisation.pk, "origin": origin, "base_url": "https://intouch.example.com"}
    assert "is not http(s)://host[:port]" in platform.post(f"{TARGETS}add/", data).content.decode()
    assert IntouchTarget.objects.count() == 1


def test_an_origin_is_stored_in_its_one_spelling(platform, house):
    data = {
        "organisation": house.organisation.pk,
        "origin": "HTTPS://API.example.com:443/",
        "base_url": "intouch.example.com",
    }
    platform.post(f"{TARGETS}add/", data)
    assert IntouchTarget.objects.filter(
        origin="https://api.example.com", base_url="https://intouch.example.com"
    ).exists()


def test_a_policy_is_for_a_type_that_exists(platform, house, other_house):
    WorkflowPolicy.objects.filter(pk=other_house.policy.pk).update(request_type="ANOTHER-TYPE")
    data = {
        "organisation": other_house.organisation.pk,
        "request_type": "NONSENSE",
    }
    platform.post(f"{POLICIES}add/", data)
    assert not WorkflowPolicy.objects.filter(request_type="NONSENSE").exists()
    platform.post(f"{POLICIES}add/", {**data, "request_type": "GOODWILL-POINTS"})
    made = WorkflowPolicy.objects.get(organisation=other_house.organisation, request_type="GOODWILL-POINTS")
    assert made.terms.is_enabled is False, "no version is in force yet"


def test_a_program_keeps_its_organisation_and_id(platform, house, other_house):
    page = f"/admin/goodwill/program/{house.program.pk}/change/"
    data = {
        "organisation": other_house.organisation.pk, "program_id": 1, "name": "Renamed", "description": "",
        "points_to_currency_ratio": "0.25", "points_decimals": "2",
    }  # fmt: skip
    assert platform.post(page, data).status_code == 302
    program = Program.objects.get(pk=house.program.pk)
    assert (program.name, program.program_id, program.organisation) == ("Renamed", 2739, house.organisation)


def test_oauth_clients_are_shown_without_their_secrets_and_not_changed(platform, house):
    from oauth2_provider.models import Application

    from accounts import services

    secret = services.ensure_oauth_client(house.service_account, name="crm").secret
    client = Application.objects.get(name="crm")
    page = f"/admin/oauth2_provider/application/{client.pk}/change/"
    shown = platform.get(page).content.decode()
    assert client.client_id in shown
    assert secret not in shown
    assert client.client_secret not in shown
    assert platform.post(page, {"name": "x"}).status_code == 403
    assert platform.get("/admin/oauth2_provider/accesstoken/").status_code == 404

"""The pages and commands of the set-up: direct while an organisation is being set up, proposals from then on."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import Membership, Organisation, User
from accounts.set_up_phase import is_set_up
from tests.factories import MembershipFactory, UserFactory
from tests.house import FAKE_CREDENTIAL, House, build_house
from tests.settings_change.conftest import Council, council_of
from tests.settings_change.proposals import (
    NEW_CREDENTIAL,
    propose_cap,
    propose_credential,
    propose_rights,
    settings_of,
)
from workflows import execution
from workflows.models import AdminTask, AuditEvent, IntouchTarget, WorkflowRequest
from workflows.rules import versions
from workflows.set_up import keep_credential
from workflows.terms.document import Terms

TARGETS, MEMBERSHIPS = "/admin/workflows/intouchtarget/", "/admin/accounts/membership/"


def at_desk(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def root(house: House) -> User:
    return UserFactory(username="root", is_superuser=True)


def target_form(house: House, **changes: Any) -> dict[str, Any]:
    return {"base_url": house.target.base_url, "is_enabled": "on", "allows_internal": "on", **changes}


def rights_form(house: House, person: User, **changes: Any) -> dict[str, Any]:
    return {"user": person.pk, "organisation": house.organisation.pk, "is_active": "on", **changes}


def submissions(house: House, newcomer: User) -> dict[str, dict[str, Any]]:
    """Every form of the set-up that would change something, as its page sends it."""
    membership = house.membership(house.checker)
    new_target = {"origin": "https://evil.example.com", "base_url": "https://evil.example.com", "is_enabled": "on"}
    return {
        f"{TARGETS}{house.target.pk}/change/": target_form(house, base_url="https://evil.example.com"),
        f"{TARGETS}add/": {**new_target, "organisation": house.organisation.pk},
        f"{MEMBERSHIPS}{membership.pk}/change/": rights_form(house, house.checker, is_maker="on"),
        f"{MEMBERSHIPS}add/": rights_form(house, newcomer, is_checker="on"),
    }


class TestBeforeItIsSetUp:
    def test_what_superusers_save_takes_effect_at_once_and_is_audited(self, house: House, root: User) -> None:
        newcomer = UserFactory()
        before = settings_of(house.organisation)
        for address, form in submissions(house, newcomer).items():
            assert at_desk(root).post(address, form).status_code == 302, address
        assert settings_of(house.organisation) != before
        events = AuditEvent.objects.filter(action="settings.set_up", actor=root)
        assert events.count() == 4
        assert not WorkflowRequest.objects.exists()

    def test_commands_work_and_are_audited(self, house: House) -> None:
        organisation = str(house.organisation.pk)
        run("create_target", "--org", organisation, "--origin", "https://other.example.com")
        run("create_member", "--org", organisation, "--username", "ada", "--role", "administrator")
        assert house.membership(User.objects.get(username="ada")).is_administrator
        assert AuditEvent.objects.filter(action="settings.set_up", actor=None).count() == 2

    def test_its_forms_say_that_they_save(self, house: House, root: User) -> None:
        for address in submissions(house, root):
            page = at_desk(root).get(address).content.decode()
            assert 'value="Save"' in page, address
            assert 'value="Propose"' not in page, address

    def test_a_single_administrator_changes_nothing_by_a_form(self, house: House) -> None:
        ada = UserFactory(username="ada")
        MembershipFactory(user=ada, organisation=house.organisation, is_administrator=True)
        before = settings_of(house.organisation)
        for address, form in submissions(house, UserFactory()).items():
            assert at_desk(ada).post(address, form).status_code == 403, address
        assert settings_of(house.organisation) == before


def run(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


class TestOnceItIsSetUp:
    def test_the_second_administrator_sets_it_up_and_nothing_takes_that_back(self, house: House) -> None:
        council = council_of(house)
        assert is_set_up(house.organisation.pk)
        Membership.objects.filter(user__in=[council.ada, council.bob]).update(is_active=False)
        User.objects.filter(pk=council.ada.pk).update(is_active=False)
        Organisation.objects.filter(pk=house.organisation.pk).update(set_up_at=None)
        assert is_set_up(house.organisation.pk)

    def test_a_superuser_still_adds_people_without_rights(self, council: Council, root: User) -> None:
        newcomer = UserFactory()
        form = {"user": newcomer.pk, "organisation": council.house.organisation.pk}
        assert at_desk(root).post(f"{MEMBERSHIPS}add/", form).status_code == 302
        added = council.house.membership(newcomer)
        assert not added.is_active
        council.carry(propose_rights(council, newcomer, is_active=True, is_maker=True))
        assert council.house.membership(newcomer).is_maker

    def test_an_administrators_form_says_that_it_proposes_and_what_follows(self, council: Council) -> None:
        forms = submissions(council.house, UserFactory())
        forms.pop(f"{MEMBERSHIPS}add/")
        for address in forms:
            page = at_desk(council.ada).get(address).content.decode()
            assert re.findall(r'<input type="submit" value="([^"]*)"', page) == ["Propose"], address
            assert "it takes effect when another administrator approves it" in page, address

    def test_a_superuser_who_is_no_administrator_there_is_offered_neither(self, council: Council, root: User) -> None:
        page = at_desk(root).get(f"{TARGETS}{council.house.target.pk}/change/").content.decode()
        assert 'type="submit" value=' not in page
        assert "Close" in page

    def test_an_administrators_form_proposes_and_another_approves_on_the_desk(self, council: Council) -> None:
        house = council.house
        forms = submissions(house, UserFactory())
        forms.pop(f"{MEMBERSHIPS}add/")
        for address, form in forms.items():
            before = settings_of(house.organisation)
            answer = at_desk(council.ada).post(address, {**form, "note": "agreed in the meeting"})
            task = AdminTask.objects.latest("pk")
            assert answer["Location"] == f"/admin/workflows/admintask/{task.pk}/change/", address
            assert settings_of(house.organisation) == before
            page = at_desk(council.bob).get(answer["Location"]).content.decode()
            assert "agreed in the meeting" in page
            assert "until now:" in page
            decision = {
                "decision": "approved", "message": "fine", "digest": task.request.digest, "go_on": "",
            }  # fmt: skip
            assert (
                at_desk(council.bob).post(f"/admin/workflows/admintask/{task.pk}/decide/", decision).status_code == 302
            )
            assert execution.execute(task.request_id)
            assert settings_of(house.organisation) != before

    def test_what_cannot_be_proposed_is_said_beside_the_form(self, council: Council) -> None:
        page = f"{TARGETS}{council.house.target.pk}/change/"
        for form, sentence in (
            (target_form(council.house, note="nothing"), "This changes nothing."),
            (target_form(council.house, base_url="https://new.example.com"), "Say why"),
        ):
            assert sentence in at_desk(council.ada).post(page, form).content.decode()
        assert not WorkflowRequest.objects.exists()

    def test_a_new_credential_is_shown_nowhere(self, council: Council) -> None:
        keep_credential(council.house.target, FAKE_CREDENTIAL)
        form = target_form(council.house, new_credential=NEW_CREDENTIAL, note="rotated")
        answer = at_desk(council.ada).post(f"{TARGETS}{council.house.target.pk}/change/", form)
        request = WorkflowRequest.objects.get()
        addresses = [answer["Location"], f"/admin/workflows/workflowrequest/{request.pk}/change/", TARGETS]
        for address in addresses:
            page = at_desk(council.bob).get(address).content.decode()
            assert "bmV3Om5ldw" not in page
            assert "ZmFrZTpmYWtl" not in page
        assert "a new credential" in at_desk(council.bob).get(answer["Location"]).content.decode()

    def test_administrators_see_and_change_their_own_organisation_alone(self, council: Council) -> None:
        other = council_of(build_house(organisation_id=70001))
        before = settings_of(council.house.organisation)
        for address, form in submissions(council.house, UserFactory()).items():
            answer = at_desk(other.ada).post(address, {**form, "note": "mine"})
            assert answer.status_code in (200, 302, 403), address
        for page in (TARGETS, MEMBERSHIPS):
            shown = at_desk(other.ada).get(page).content.decode()
            assert council.house.checker.username not in shown
            assert council.house.organisation.name not in shown
        assert settings_of(council.house.organisation) == before
        assert not WorkflowRequest.objects.exists()

    def test_a_member_who_is_no_administrator_has_no_page_of_the_set_up(self, council: Council) -> None:
        for page in (TARGETS, MEMBERSHIPS, f"{TARGETS}{council.house.target.pk}/change/"):
            assert at_desk(council.house.checker).get(page).status_code in (302, 403)

    def test_nobody_opens_a_form_for_rights_of_their_own(self, council: Council) -> None:
        own = council.house.membership(council.ada)
        form = rights_form(council.house, council.ada, is_administrator="on", is_checker="on", note="me")
        assert at_desk(council.ada).post(f"{MEMBERSHIPS}{own.pk}/change/", form).status_code == 403

    def test_commands_are_refused_with_what_to_do_instead(self, council: Council) -> None:
        organisation = str(council.house.organisation.pk)
        before = settings_of(council.house.organisation)
        commands = (
            ("create_target", "--org", organisation, "--origin", "https://other.example.com"),
            ("create_policy", "--org", organisation, "--cap", "5"),
            ("create_member", "--org", organisation, "--username", "eve", "--role", "checker"),
            ("create_service_account", "--org", organisation, "--username", "bot", "--role", "maker"),
        )
        for command in commands:
            with pytest.raises(CommandError, match="one of its administrators proposes"):
                run(*command)
        assert settings_of(council.house.organisation) == before
        assert not User.objects.filter(username__in=["eve", "bot"]).exists()

    def test_a_command_that_changes_nothing_may_be_run_again(self, house: House) -> None:
        organisation = str(house.organisation.pk)
        commands = (
            ("create_target", "--org", organisation, "--origin", house.target.origin, "--base-url",
             house.target.base_url, "--internal"),
            ("create_policy", "--org", organisation, "--cap", "10000", "--remind-after", "0", "--expire-after", "0",
             "--warn-before", "0"),
            ("create_service_account", "--org", organisation, "--username", house.service_account.username,
             "--role", "maker"),
        )  # fmt: skip
        council_of(house)
        before = settings_of(house.organisation)
        for command in commands:
            run(*command)
        assert settings_of(house.organisation) == before


def test_raw_posts_of_a_superuser_change_nothing(council: Council, root: User) -> None:
    before = settings_of(council.house.organisation)
    for address, form in submissions(council.house, UserFactory()).items():
        answer = at_desk(root).post(address, {**form, "note": "please"})
        assert answer.status_code in (200, 403), address
        if answer.status_code == 200:
            assert "is set up: one of its administrators proposes" in answer.content.decode()
    assert settings_of(council.house.organisation) == before
    assert not WorkflowRequest.objects.exists()


class TestAppointing:
    def test_where_two_are_left_nobody_is_appointed(self, council: Council) -> None:
        words = ("appoint_administrator", "--org", str(council.house.organisation.pk), "--username", "checker-51250")
        with pytest.raises(CommandError, match="one of its administrators proposes"):
            run(*words, "--reason", "I want to")
        Membership.objects.filter(user=council.bob).update(is_active=False)
        with pytest.raises(CommandError, match="Say why"):
            run(*words, "--reason", " ")
        run(*words, "--reason", "Bob has left")
        assert council.house.membership(council.house.checker).is_administrator
        event = AuditEvent.objects.get(action="settings.administrator_appointed")
        assert event.details["reason"] == "Bob has left"

    def test_where_the_policy_asks_for_more_than_are_left_somebody_is_appointed(self, council: Council) -> None:
        two = Terms.model_validate({"default": {"kind": "levels", "levels": [{"role": "administrator", "people": 2}]}})
        # As it could be put in force before the proposer was counted, or while a third one was there.
        versions.put_in_force(
            organisation=council.house.organisation, slug="SETTINGS-CHANGE", terms=two, author=None, checked=False
        )
        words = ("appoint_administrator", "--org", str(council.house.organisation.pk), "--reason", "locked out")
        run(*words, "--username", "checker-51250")
        assert council.house.membership(council.house.checker).is_administrator
        with pytest.raises(CommandError, match="one of its administrators proposes"):
            run(*words, "--username", "colleague-51250")

    def test_a_service_account_is_no_administrator(self, council: Council) -> None:
        Membership.objects.filter(user=council.bob).update(is_active=False)
        with pytest.raises(CommandError, match="is a person"):
            run("appoint_administrator", "--org", str(council.house.organisation.pk), "--username",
                council.house.service_account.username, "--reason", "x")  # fmt: skip


class TestTheDesk:
    def test_it_waits_in_the_inbox_of_the_other_administrator_alone(self, council: Council) -> None:
        request = propose_cap(council)
        task = AdminTask.objects.get(request=request)
        inbox = f'name="chosen" value="{task.pk}:'
        assert "Change of settings" in at_desk(council.bob).get("/admin/workflows/admintask/").content.decode()
        for person in (council.ada, council.bob, council.house.checker):
            answer = at_desk(person).get(f"/admin/workflows/admintask/{task.pk}/change/")
            assert answer.status_code == 200
            assert ('value="approved"' in answer.content.decode()) is (person == council.bob)
        assert inbox not in at_desk(council.house.checker).get("/admin/workflows/admintask/").content.decode()

    @pytest.mark.parametrize("page", ["workflowrequest/", "auditevent/", "admintask/?show=all", "admintask/?show=mine"])
    def test_every_list_shows_it_without_a_customer(self, council: Council, page: str) -> None:
        council.carry(propose_credential(council))
        propose_cap(council)
        for person in (council.ada, council.bob):
            answer = at_desk(person).get(f"/admin/workflows/{page}")
            assert answer.status_code == 200
            assert "None" not in answer.content.decode()

    @pytest.mark.parametrize("page", ["workflowrequest", "admintask"])
    def test_an_export_holds_it_without_a_customer(self, council: Council, page: str) -> None:
        propose_cap(council)
        answer = at_desk(council.ada).post(
            f"/admin/workflows/{page}/export/", {"format": "csv", "query": "show=waiting"}
        )
        text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
        assert "a larger cap" in text
        assert "None" not in text

    def test_it_is_left_out_of_bulk_decisions(self, council: Council) -> None:
        Membership.objects.filter(user=council.bob).update(is_checker=True)
        task = AdminTask.objects.get(request=propose_cap(council))
        chosen = {"chosen": f"{task.pk}:{task.request.digest}"}
        answer = at_desk(council.bob).post("/admin/workflows/bulkrun/choose/", chosen, follow=True)
        assert "Settings are decided one by one" in answer.content.decode()

    def test_the_page_of_the_request_tells_what_was_changed(self, council: Council) -> None:
        request = council.carry(propose_cap(council))
        page = at_desk(council.ada).get(f"/admin/workflows/workflowrequest/{request.pk}/change/").content.decode()
        assert "Cap per request: 10,000 → 777" in page
        assert "The change was carried out" in page
        assert "Intouch was called" not in page


def test_the_home_page_counts_it_for_administrators_who_check_nothing_else(council: Council) -> None:
    propose_cap(council)
    home = at_desk(council.bob).get("/admin/").content.decode()
    assert "a larger cap" in home
    assert IntouchTarget.objects.count() == 1

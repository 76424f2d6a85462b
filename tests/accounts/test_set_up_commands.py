"""The set-up commands: they may be run again, answer in JSON when asked, and say what is wrong in a sentence."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts import access
from accounts.models import Membership, Organisation, ServiceAccountSecret, User
from accounts.set_up_phase import is_set_up
from goodwill.models import Program
from tests.api.gateway import gateway_of
from tests.factories import PASSWORD, UserFactory
from tests.house import House
from wire import strict_json
from workflows.models import AuditEvent, IntouchTarget, WorkflowPolicy


def run(line: str) -> Any:
    """The one JSON object that a command prints."""
    out = io.StringIO()
    call_command(*line.split(), "--json", stdout=out)
    assert out.getvalue().count("\n") == 1
    return strict_json.loads(out.getvalue())


@pytest.fixture
def organisation(db: None) -> Organisation:
    return Organisation.objects.create(id=51250, name="Demo")


AGAIN = [
    ("create_organisation --id 51250 --name Demo --time-zone Asia/Kolkata", Organisation, 1),
    ("create_member --org 51250 --username maya --role maker --email maya@example.com", User, 1),
    ("create_service_account --org 51250 --username crm --role maker --role checker", User, 1),
    ("create_program --org 51250 --id 2739 --name Rewards --decimals 2 --ratio 0.5 --default", Program, 1),
    ("create_policy --org 51250 --cap 10000 --auto-up-to 100 --reason late", WorkflowPolicy, 1),
    ("create_target --org 51250 --origin http://intouch.test:1900 --internal", IntouchTarget, 1),
]  # fmt: skip


@pytest.mark.parametrize(("line", "model", "count"), AGAIN, ids=lambda value: str(value).partition(" ")[0])
def test_a_command_that_is_run_again_makes_nothing_new(
    organisation: Organisation, line: str, model: Any, count: int
) -> None:
    if model is Organisation:
        organisation.delete()

    first, second = run(line), run(line)

    assert (first["created"], second["created"]) == (True, False)
    assert model.objects.count() == count
    hidden = {"created", "password", "secret"}
    assert {k: v for k, v in first.items() if k not in hidden} == {k: v for k, v in second.items() if k not in hidden}


def test_without_json_a_command_prints_one_line_for_each_fact(organisation: Organisation) -> None:
    out = io.StringIO()

    call_command("create_program", "--org", "51250", "--id", "7", "--name", "Rewards", stdout=out)

    assert out.getvalue().splitlines() == ["id: 7", "organisation: 51250", "name: Rewards", "created: True"]


def test_a_checker_decides_so_much_as_was_said(organisation: Organisation) -> None:
    line = "create_member --org 51250 --username sam --role checker --role supervisor"
    run(f"{line} --decides-up-to 1000.5")
    membership = Membership.objects.get()
    assert (membership.is_supervisor, membership.decides_up_to) == (True, Decimal("1000.5"))
    run(line)
    membership.refresh_from_db()
    assert membership.decides_up_to is None
    with pytest.raises(CommandError, match=r"greater than 0|decides"):
        run(f"{line} --decides-up-to 0")


def test_what_is_named_again_is_changed(organisation: Organisation) -> None:
    run("create_program --org 51250 --id 7 --name Old --decimals 2")
    run("create_program --org 51250 --id 7 --name New")
    run("create_policy --org 51250 --cap 5")
    run("create_policy --org 51250 --disabled")
    run("create_organisation --id 51250 --name Renamed --time-zone Asia/Tokyo")

    program, policy = Program.objects.get(), WorkflowPolicy.objects.get()
    assert (program.name, program.points_decimals) == ("New", 0)
    assert (policy.terms.cap, policy.terms.is_enabled) == (None, False)
    organisation.refresh_from_db()
    assert (organisation.name, organisation.time_zone) == ("Renamed", "Asia/Tokyo")


def test_a_generated_password_is_shown_once_and_works(house: House) -> None:
    line = "create_member --org 51250 --username maya --role maker"
    password = run(line)["password"]

    assert run(line)["password"] is None
    maya = User.objects.get(username="maya")
    assert gateway_of(house, maya).by(maya, password).submit().status == 200

    renewed = run(f"{line} --new-password")["password"]
    assert renewed != password
    assert gateway_of(house, maya).by(maya, password).list().status == 401


def test_a_given_password_is_taken_from_the_environment_and_weighed(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOODWILL_PASSWORD", PASSWORD)
    run("create_member --org 51250 --username maya --role maker")
    assert User.objects.get(username="maya").check_password(PASSWORD)

    monkeypatch.setenv("GOODWILL_PASSWORD", "short")
    with pytest.raises(CommandError, match="too short"):
        run("create_member --org 51250 --username theo --role maker")
    assert not User.objects.filter(username="theo").exists()


def test_a_secret_is_shown_once_and_renewing_it_ends_the_old_one(house: House) -> None:
    line = "create_service_account --org 51250 --username till --role maker"
    secret = run(line)["secret"]
    account = User.objects.get(username="till")

    assert run(line)["secret"] is None
    caller = gateway_of(house).by(account, secret)
    assert caller.submit().status == 200
    renewed = run(f"{line} --new-secret")["secret"]
    assert caller.list().status == 401
    assert gateway_of(house).by(account, renewed).list().status == 200
    assert ServiceAccountSecret.objects.filter(user=account, revoked_at=None).count() == 1


def test_roles_and_scope_are_set_to_exactly_what_is_named(organisation: Organisation) -> None:
    run("create_member --org 51250 --username maya --role maker --one-step --till 1 --till 2 --zone 9")
    membership = Membership.objects.get()
    assert (membership.is_maker, membership.may_issue_in_one_step) == (True, True)
    assert (membership.tills, membership.zones, membership.stores) == (["1", "2"], ["9"], [])

    run("create_member --org 51250 --username maya --role checker --role auditor")
    membership.refresh_from_db()
    assert (membership.is_maker, membership.is_checker, membership.is_auditor) == (False, True, True)
    assert (membership.may_issue_in_one_step, membership.tills) == (False, [])


def test_an_id_of_the_incumbent_is_kept_and_later_ids_go_on_above_it(organisation: Organisation) -> None:
    assert run("create_member --org 51250 --username tom --role maker --id 232134")["id"] == 232134
    assert run("create_member --org 51250 --username next --role maker")["id"] > 232134


def test_an_oauth_client_is_made_once_and_its_secret_opens_the_api(house: House) -> None:
    line = f"create_oauth_client --username {house.service_account.username} --name CRM"
    client = run(line)

    assert run(line) == client | {"secret": None}
    answer = gateway_of(house).call(
        "POST", "/v3/oauth/token/generate", {"key": client["key"], "secret": client["secret"]}
    )
    assert answer.status == 200
    assert run(f"{line} --new-secret")["secret"] not in (None, client["secret"])


def test_a_ui_token_is_issued_to_a_maker(house: House) -> None:
    token = run(f"create_ui_token --org 51250 --username {house.maker.username}")["token"]

    caller = gateway_of(house).having(Authorization=None, X_CAP_UI_AUTH_TOKEN=token)
    assert caller.submit().data["userId"] == house.maker.pk


def test_a_credential_of_a_target_is_taken_from_the_environment_and_kept_when_none_is_given(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTOUCH_CREDENTIAL", "Basic ZmFrZTpmYWtl")
    line = "create_target --org 51250 --origin HTTP://Intouch.test:80 --base-url https://real.test"
    assert run(line) == {
        "origin": "http://intouch.test", "base_url": "https://real.test", "internal": False,
        "own_credential": True, "created": True,
    }  # fmt: skip
    stored = bytes(IntouchTarget.objects.get().credential or b"")
    assert b"ZmFrZTpmYWtl" not in stored

    monkeypatch.delenv("INTOUCH_CREDENTIAL")
    assert run(line)["own_credential"] is True
    assert bytes(IntouchTarget.objects.get().credential or b"") == stored


ERRORS = [
    ("create_member --org 1 --username x", "There is no organisation 1"),
    ("create_member --org 51250 --username a!b --role maker", "valid username"),
    ("create_member --org 51250 --username x --email nonsense", "valid email"),
    ("create_member --org 51250 --username x --role auditor --one-step", "maker"),
    ("create_member --org 51250 --username x --role emperor", "invalid choice"),
    ("create_service_account --org 51250 --username x --role auditor --one-step", "maker"),
    ("create_organisation --id 0 --name x", "(?i)positive|greater|id"),
    ("create_organisation --id 9 --name x --time-zone Mars/Olympus", "no time zone"),
    ("create_organisation --name x", "--id"),
    ("create_oauth_client --username nobody", "There is no user 'nobody'"),
    ("create_ui_token --org 51250 --username nobody", "There is no user 'nobody'"),
    ("create_ui_token --org 1 --username nobody", "There is no organisation 1"),
    ("create_program --org 51250 --id 0 --name x", "(?i)program|positive"),
    ("create_program --org 51250 --id 1 --name x --decimals 7", "(?i)decimals"),
    ("create_program --org 51250 --id 1 --name x --ratio -1", "(?i)ratio"),
    ("create_program --org 51250 --id 1 --name x --ratio abc", "ratio"),
    ("create_policy --org 51250 --cap 0", "(?i)cap"),
    ("create_policy --org 51250 --cap -5", "(?i)cap"),
    ("create_policy --org 51250 --cap abc", "cap"),
    ("create_policy --org 51250 --cap NaN", "cap"),
    ("create_policy --org 51250 --cap 1e30", "(?i)digits"),
    ("create_policy --org 51250 --auto-up-to 0", "(?i)auto"),
    ("create_policy --org 51250 --type EARN-BADGE", "not supported"),
    ("create_policy --org 1", "There is no organisation 1"),
    ("create_target --org 51250 --origin ftp://x", "is not http"),
    ("create_target --org 51250 --origin http://x/path", "is not http"),
    ("create_target --org 51250 --origin http://x --base-url http://u:p@x", "is not http"),
]


@pytest.mark.parametrize(("line", "sentence"), ERRORS, ids=lambda value: str(value)[:70])
def test_a_mistake_is_a_sentence_and_changes_nothing(organisation: Organisation, line: str, sentence: str) -> None:
    models: tuple[Any, ...] = (Organisation, User, Membership, Program, WorkflowPolicy, IntouchTarget)
    before = [model.objects.count() for model in models]

    with pytest.raises(CommandError, match=sentence):
        run(line)

    assert [model.objects.count() for model in models] == before


def test_a_person_gets_no_oauth_client_and_an_auditor_no_ui_token(house: House) -> None:
    with pytest.raises(CommandError, match="service account"):
        run(f"create_oauth_client --username {house.maker.username}")
    with pytest.raises(CommandError, match="may make or check"):
        run(f"create_ui_token --org 51250 --username {house.auditor.username}")


def test_an_e_mail_address_belongs_to_one_person(house: House) -> None:
    with pytest.raises(CommandError, match=r"(?i)e-?mail"):
        run(f"create_member --org 51250 --username second --role checker --email {house.maker.email.upper()}")
    assert not User.objects.filter(username="second").exists()


def test_a_person_does_not_become_a_service_account_nor_the_other_way_round(house: House) -> None:
    User.objects.update(is_staff=False)
    with pytest.raises(CommandError, match="is a person, and stays one"):
        run(f"create_service_account --org 51250 --username {house.maker.username} --role maker")
    with pytest.raises(CommandError, match="is a service account, and stays one"):
        run(f"create_member --org 51250 --username {house.service_account.username} --role maker")

    assert not User.objects.get(pk=house.maker.pk).is_service_account
    assert User.objects.get(pk=house.service_account.pk).is_service_account


def test_a_new_password_of_the_command_line_ends_what_an_administrator_has_given(house: House) -> None:
    root = UserFactory(username="root", is_superuser=True)
    access.note_given(house.checker, by=root, what=access.Change.PASSWORD_SET)
    line = f"create_member --org 51250 --username {house.checker.username} --role checker"

    run(line)
    house.checker.refresh_from_db()
    assert house.checker.access_given_by == [root.pk], "not without a new password"
    run(f"{line} --new-password")

    house.checker.refresh_from_db()
    root.refresh_from_db()
    assert (house.checker.access_given_by, house.checker.must_choose_password) == ([], False)
    assert root.gave_access_to == []
    assert AuditEvent.objects.filter(action="person.password_set", actor=None).count() == 1


def test_the_first_password_of_the_command_line_bars_nobody(organisation: Organisation) -> None:
    run("create_member --org 51250 --username maya --role checker --email maya@example.com")

    maya = User.objects.get(username="maya")
    assert (maya.access_given_by, maya.must_choose_password) == ([], False)
    assert not AuditEvent.objects.filter(action="person.password_set").exists()


def test_reasons_are_free_text_or_only_those_of_a_list_that_is_not_empty(organisation: Organisation) -> None:
    def reasons() -> Any:
        return WorkflowPolicy.objects.get().terms.reasons

    run("create_policy --org 51250 --reasons listed --reason late --reason lost")
    assert reasons() == ("late", "lost")
    for line, sentence in (("--reasons listed", "has no reasons"), ("--reasons free --reason late", "free text")):
        with pytest.raises(CommandError, match=sentence):
            run(f"create_policy --org 51250 {line}")
    assert reasons() == ("late", "lost")
    run("create_policy --org 51250 --reasons free")
    assert reasons() is None


class TestInAnOrganisationThatIsInUse:
    """Requests are made in it, but it has no two administrators yet."""

    LINES = (
        "create_policy --org 51250 --auto-up-to 1000000",
        "create_target --org 51250 --origin http://intouch.test:1900 --internal",
        "create_member --org 51250 --username mallory --role administrator",
        "create_service_account --org 51250 --username crm2 --role maker",
        "create_program --org 51250 --id 2739 --name Rewards --ratio 50",
        "create_organisation --id 51250 --name Demo --time-zone Asia/Tokyo",
    )

    @pytest.mark.parametrize("line", LINES, ids=lambda line: line.partition(" ")[0])
    def test_commands_change_nothing(self, house: House, line: str) -> None:
        request = house.submit()
        before = [house.policy.active_id, User.objects.count(), IntouchTarget.objects.count()]
        with pytest.raises(CommandError, match=r"Requests have been made in .* appoint_administrator"):
            run(line)
        house.policy.refresh_from_db()
        assert [house.policy.active_id, User.objects.count(), IntouchTarget.objects.count()] == before
        request.refresh_from_db()
        assert request.state == "waiting"

    def test_before_the_first_request_they_do(self, house: House) -> None:
        for line in self.LINES:
            run(line)
        assert house.submit(points=9_999).auto_approved

    def test_what_is_there_already_may_be_asked_for_again(self, house: House) -> None:
        line = "create_target --org 51250 --origin http://intouch.test:1900 --internal"
        run(line)
        house.submit()
        assert run(line)["created"] is False

    def test_administrators_are_appointed_and_propose_from_then_on(self, house: House) -> None:
        house.submit()
        for person in (house.checker, house.colleague):
            run(f"appoint_administrator --org 51250 --username {person.username} --reason set-up")
        assert is_set_up(house.organisation.pk)
        with pytest.raises(CommandError, match="one of its administrators proposes"):
            run(self.LINES[0])

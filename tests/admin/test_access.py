"""One administrator cannot act as somebody else: what they give or take away, another one has to confirm."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client

from accounts import second_factor
from accounts.models import User
from tests.admin.conftest import decision, page_of, task_of
from tests.api.gateway import basic
from tests.factories import PASSWORD, MembershipFactory, UserFactory
from workflows import desk, policies, services, tasks
from workflows.errors import OwnRequest
from workflows.models import AuditEvent, Decision
from workflows.rules import stuck
from workflows.states import State

GIVEN, CHOSEN = "given-by-root-1234", "chosen-by-oneself-5678"
SUBMIT = "/api_gateway/v2/request-workflow/GOODWILL-POINTS"
LISTING = "/api_gateway/v2/request-workflow/requests"


@pytest.fixture
def platform(at_desk, root):
    return at_desk(root)


@pytest.fixture
def second_root(house):
    return UserFactory(username="second-root", is_superuser=True)


def act(client, person, name, **data):
    return client.post(f"/admin/accounts/user/{person.pk}/{name}/", data)


def give(client, person, password=GIVEN):
    response = act(client, person, "password", password1=password, password2=password, usable_password="true")
    assert response.status_code == 302
    person.refresh_from_db()


def log_in(person, password):
    client = Client()
    client.post("/admin/login/", {"username": person.username, "password": password})
    return client


def choose(client, old=GIVEN, new=CHOSEN):
    data = {"old_password": old, "new_password1": new, "new_password2": new}
    return client.post("/admin/password_change/", data)


def approve(request, **headers):
    task = {"AdminTask-Payload": {"actionDecision": "approved", "actionMessage": "x"}}
    body = {"requestId": str(request.pk), "actionName": "AdminTask", "payload": task}
    sent = {"X-CAP-API-AUTH-ORG-ID": "51250", "Prefer": "respond-async", **headers}
    return Client().put(SUBMIT, body, content_type="application/json", headers=sent)


def token_of(person, password):
    body = {"username": person.username, "password": password, "orgId": 51250}
    response = Client().post("/auth/ui-token", body, content_type="application/json")
    return response.json()["data"]["accessToken"]


def why_not(house, person, request):
    return policies.why_not_decide(house.actor(person), request, task_of(request))


def test_whoever_sets_a_checkers_password_decides_nothing_as_the_checker(platform, root, house):
    MembershipFactory(user=root, organisation=house.organisation, is_maker=True)
    request = house.submit(maker=root)
    give(platform, house.checker)

    by_token = approve(request, **{"X-CAP-UI-AUTH-TOKEN": token_of(house.checker, GIVEN)})
    by_basic = approve(request, Authorization=basic(house.checker.username, GIVEN))
    assert [(each.status_code, each.json()["errors"][0]["code"]) for each in (by_token, by_basic)] == [(403, 2001)] * 2

    posing = log_in(house.checker, GIVEN)
    assert choose(posing)["Location"] == "/admin/password_change/done/"
    assert posing.post(page_of(request, "decide"), decision(request)).status_code == 403
    assert approve(request, Authorization=basic(house.checker.username, CHOSEN)).status_code == 403
    request.refresh_from_db()
    assert request.state == State.WAITING


def test_nor_do_they_decide_what_they_could_have_asked_for_as_the_maker(platform, root, house):
    MembershipFactory(user=root, organisation=house.organisation, is_checker=True)
    earlier = house.submit()
    give(platform, house.maker)

    for request in (earlier, house.submit()):
        assert isinstance(why_not(house, root, request), OwnRequest)
        assert task_of(request) not in desk.waiting_for({51250: house.actor(root)})
        assert why_not(house, house.colleague, request) is None


def test_nor_with_a_machines_secret_on_either_side(platform, root, house):
    membership = MembershipFactory(user=root, organisation=house.organisation, is_checker=True)
    machine = house.membership(house.service_account)
    machine.is_checker = True
    machine.save()
    asked, to_decide = house.submit(maker=house.service_account), house.submit()
    secret = re.findall(r"gws_[\w-]{20,}", act(platform, house.service_account, "secret").content.decode())[0]

    assert isinstance(why_not(house, membership.user, asked), OwnRequest)
    assert approve(to_decide, Authorization=basic(house.service_account.username, secret)).status_code == 403


def test_a_password_of_somebody_else_opens_nothing_but_the_page_to_choose_another(platform, house):
    give(platform, house.checker)
    person = log_in(house.checker, GIVEN)

    assert person.get("/admin/")["Location"] == "/admin/password_change/"
    page = person.get("/admin/password_change/")
    assert "Somebody else has set your password." in page.content.decode()
    assert "Choose a password that is not the one you have." in choose(person, new=GIVEN).content.decode()
    assert person.get("/admin/")["Location"] == "/admin/password_change/"
    assert choose(person).status_code == 302
    assert person.get("/admin/").status_code == 200


def test_another_administrator_confirms_once_the_person_has_chosen_a_password(platform, house, second_root, at_desk):
    request = house.submit()
    give(platform, house.checker)
    other = at_desk(second_root)

    assert act(other, house.checker, "confirm-access").status_code == 403, "before a password was chosen"
    choose(log_in(house.checker, GIVEN))
    assert act(platform, house.checker, "confirm-access").status_code == 403, "by whoever gave it"
    assert act(at_desk(house.colleague), house.checker, "confirm-access").status_code == 403, "by no administrator"
    assert why_not(house, house.checker, request) is not None
    page = other.get(f"/admin/accounts/user/{house.checker.pk}/change/").content.decode()
    assert "root@example.com gave this account its access" in page
    assert "Confirm the access" in page
    assert act(other, house.checker, "confirm-access").status_code == 302

    assert why_not(house, house.checker, request) is None
    assert approve(request, Authorization=basic(house.checker.username, CHOSEN)).status_code == 200
    assert User.objects.get(username="root").gave_access_to == []


def test_an_account_that_the_administrator_has_made_is_no_other_administrator(platform, house):
    platform.post("/admin/accounts/user/add/", {"username": "puppet", "kind": "person", "is_staff": "on"})
    puppet = User.objects.get(username="puppet")
    give(platform, puppet)
    User.objects.filter(pk=puppet.pk).update(is_superuser=True)
    give(platform, house.checker)
    choose(log_in(house.checker, GIVEN))
    posing = log_in(puppet, GIVEN)
    choose(posing)

    assert act(posing, house.checker, "confirm-access").status_code == 403
    assert act(posing, puppet, "confirm-access").status_code == 403, "nor for itself"
    house.checker.refresh_from_db()
    assert house.checker.access_given_by


def test_taking_the_second_factor_away_counts_for_whoever_did_and_for_who_knows_the_password(
    platform, root, second_root, house, at_desk
):
    give(platform, house.checker)
    choose(log_in(house.checker, GIVEN))
    act(at_desk(second_root), house.checker, "remove-second-factor")

    for each in (root, second_root):
        assert act(at_desk(each), house.checker, "confirm-access").status_code == 403
    third = UserFactory(username="third-root", is_superuser=True)
    assert act(at_desk(third), house.checker, "confirm-access").status_code == 302


def test_a_new_password_of_another_administrator_ends_what_the_first_one_had(
    platform, root, second_root, house, at_desk
):
    give(platform, house.checker)
    give(at_desk(second_root), house.checker, "given-by-another-9876")

    assert house.checker.access_given_by == [second_root.pk]
    root.refresh_from_db()
    assert root.gave_access_to == []


@pytest.mark.parametrize("name", ["password", "remove-second-factor", "end-sessions"])
def test_sessions_and_tokens_of_before_end(platform, house, at_desk, name):
    person, token = at_desk(house.checker), token_of(house.checker, PASSWORD)
    assert person.get("/admin/").status_code == 200
    data = {"password1": GIVEN, "password2": GIVEN, "usable_password": "true"} if name == "password" else {}

    assert act(platform, house.checker, name, **data).status_code == 302

    assert person.get("/admin/")["Location"].startswith("/admin/login/")
    assert Client().get(LISTING, headers={"X-CAP-UI-AUTH-TOKEN": token}).status_code == 401


def test_ending_sessions_bars_nobody(platform, house):
    act(platform, house.checker, "end-sessions")
    house.checker.refresh_from_db()
    assert (house.checker.access_given_by, house.checker.must_choose_password) == ([], False)


def test_a_refused_password_changes_nothing(platform, root, house):
    act(platform, house.checker, "password", password1="short", password2="short", usable_password="true")
    house.checker.refresh_from_db()
    root.refresh_from_db()
    assert (house.checker.access_given_by, root.gave_access_to) == ([], [])
    assert not AuditEvent.objects.filter(action__startswith="person.").exists()


def test_it_stands_in_the_trail_of_every_organisation_of_the_person(platform, root, house, second_root, at_desk):
    other = MembershipFactory(user=house.checker, is_maker=True).organisation
    give(platform, house.checker)
    choose(log_in(house.checker, GIVEN))
    act(platform, house.checker, "remove-second-factor")
    act(platform, house.checker, "end-sessions")
    third = UserFactory(username="third-root", is_superuser=True)
    act(at_desk(third), house.checker, "confirm-access")

    for organisation in (house.organisation, other):
        events = AuditEvent.objects.filter(organisation=organisation, action__startswith="person.").order_by("id")
        assert [(event.action, event.actor) for event in events] == [
            ("person.password_set", root), ("person.password_chosen", house.checker),
            ("person.second_factor_removed", root), ("person.sessions_ended", root),
            ("person.access_confirmed", third),
        ]  # fmt: skip
        assert {event.details["person"] for event in events} == {house.checker.display_name}


def test_the_person_is_told_by_mail(platform, house, settings, monkeypatch, django_capture_on_commit_callbacks):
    settings.MAIL_ON, settings.PUBLIC_URL = True, "https://desk.example.com"
    sent = []
    monkeypatch.setattr("workflows.queue._send", lambda task, ids: sent.append((task, *ids)))
    with django_capture_on_commit_callbacks(execute=True):
        give(platform, house.checker)

    ((task, argument),) = [each for each in sent if each[0] == "workflows.tell_of_access"]
    assert tasks.tell_of_access.name == task
    assert tasks.tell_of_access(argument)
    (letter,) = mail.outbox
    assert letter.to == [house.checker.email]
    assert "An administrator has set your password." in letter.body
    assert GIVEN not in letter.message().as_string()


def test_who_can_decide_nothing_is_not_counted_among_those_who_could(platform, house):
    request = house.submit()
    for person in (house.checker, house.colleague):
        give(platform, person)

    assert stuck.check_organisation(house.organisation.pk) == 1
    request.refresh_from_db()
    assert request.stuck_at is not None
    assert not desk.waiting_for({51250: house.actor(house.checker)}).exists()


def test_nor_may_they_issue_in_one_step(platform, house):
    membership = house.membership(house.maker)
    membership.may_issue_in_one_step = True
    membership.save()
    sent = {"X-CAP-API-AUTH-ORG-ID": "51250", "Authorization": basic(house.maker.username, GIVEN)}
    give(platform, house.maker)

    answers = [
        Client().post(f"{SUBMIT}{query}", house.body(), content_type="application/json", headers=sent)
        for query in ("?is_one_step_change=true", "")
    ]

    assert [answer.status_code for answer in answers] == [403, 200]


def test_a_form_that_was_opened_earlier_takes_nothing_back(platform, house, monkeypatch):
    """The row is read, somebody's password is set, and then the form is saved."""
    page = f"/admin/accounts/user/{house.checker.pk}/change/"
    save = User.save
    given = []

    def late(self, *args, **kwargs):
        if not given:
            given.append(True)
            User.objects.filter(pk=self.pk).update(access_given_by=[1], password="new")
        save(self, *args, **kwargs)

    monkeypatch.setattr(User, "save", late)
    fields = {"username": house.checker.username, "email": house.checker.email, "name": "Renamed", "is_active": "on",
              "is_staff": "on", "user_type": "ADMIN_USER", "reference_id": -1, "admin_type": "GENERAL",
              "time_zone_id": 0, "currency_id": 0, "language_id": 0, "memberships-TOTAL_FORMS": 0,
              "memberships-INITIAL_FORMS": 0}  # fmt: skip
    assert platform.post(page, fields).status_code == 302

    house.checker.refresh_from_db()
    assert (house.checker.name, house.checker.access_given_by, house.checker.password) == ("Renamed", [1], "new")


def test_an_approval_at_the_desk_is_refused_in_words(platform, house):
    request = house.submit()
    give(platform, house.checker)
    person = log_in(house.checker, GIVEN)
    choose(person)

    assert "An administrator gave you your access." in person.get(page_of(request)).content.decode()


def test_rights_that_nobody_else_has_touched_stay_as_they_are(house):
    request = house.submit()
    second_factor.remove(house.colleague)

    done = services.decide(
        actor=house.actor(house.checker), request_id=request.pk, decision=Decision.APPROVED, message="x"
    )

    assert done.state == State.EXECUTING

"""What cannot be done by hand-made requests to the admin, whoever sends them: reading changes nothing, and POSTs change
only what their form is for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership, User
from goodwill.models import GoodwillImport, GoodwillRequest
from tests.factories import MembershipFactory, UserFactory
from tests.house import House
from tests.security.addresses import addresses, lists, model_of
from tests.security.estate import Estate, answering, build_estate
from tests.security.tables import changed, checksums
from workflows.models import AdminTask, AuditEvent, BulkRun, Delivery, WorkflowRequest
from workflows.states import State

GUARDED = (WorkflowRequest, AdminTask, AuditEvent, GoodwillRequest, GoodwillImport, Delivery, BulkRun)
# Done with no more than the button; each has tests of its own for who may.
BUTTONS = ("pause/", "resume/", "choose/", "again/", "export/")
ALL_ROLES = ("is_maker", "is_checker", "is_auditor", "is_operator", "may_issue_in_one_step")
# Whatever a model has that somebody might like to set.
WISHES = {
    "state": "credited", "maker": "1", "checker": "1", "decision": "approved", "organisation": "1", "amount": "999999",
    "points": "999999", "status": "APPROVED", "is_superuser": "on", "is_staff": "on", "is_active": "on", "secret": "x",
    "payload": "{}", "digest": "0" * 64, "reason": "changed", "details": "{}", "kind": "person",
    "action": "delete_selected", "post": "yes", "_save": "Save", "_continue": "1", "_addanother": "1", "index": "0",
    "form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": "1", "form-0-state": "credited",
    "password": "x", "password1": "a-new-password-of-somebody", "password2": "a-new-password-of-somebody",
    "groups": "1", "user_permissions": "1", "ui_token_version": "0", "request_type": "GOODWILL-POINTS",
}  # fmt: skip


pytestmark = pytest.mark.usefixtures("silent")


@pytest.fixture
def estate(db: Any, settings: Any) -> Estate:
    settings.INTOUCH_ALLOW_LOOPBACK = True
    with answering(lambda name: f"a {name}") as intouch:
        return build_estate(51250, lambda name: f"a {name}", intouch.url)


def at_desk(person: User, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(person)
    return client


def superuser_of(estate: Estate, role: str) -> User:
    """The person of the estate with this role, who runs the platform too."""
    person = estate.people[role]
    person.is_superuser = True
    person.save()
    return person


ROLES = ("maker", "checker", "auditor", "operator", "everything")
PEOPLE = {
    **{role: lambda estate, role=role: estate.people[role] for role in ROLES},
    "superuser": lambda estate: UserFactory(username="root", is_superuser=True),
    "superuser who is everything": lambda estate: superuser_of(estate, "everything"),
}


@pytest.mark.parametrize("who", ["everything", "superuser", "superuser who is everything"])
def test_reading_changes_no_row_of_any_table(estate: Estate, who: str) -> None:
    client = at_desk(PEOPLE[who](estate))
    queries = [
        f"{page}?{query}" for page, _ in lists() for query in ("q=x", "show=waiting", "e=1", "_popup=1", "action=x")
    ]
    before = checksums()

    for address in [*addresses(estate, most=2), *queries]:
        client.get(address)
        client.head(address)

    # Who opens the page that sets up a second factor is given a secret, which is kept unconfirmed until it is proved.
    assert changed(before, "otp_totp_totpdevice") == set()


def test_the_estate_has_a_row_for_every_page(estate: Estate) -> None:
    """Whoever adds pages adds a row of theirs to the estate; without one, the walks would pass them by."""
    assert [name for name, rows in estate.ids.items() if not rows] == []


def test_the_checksums_see_a_change(estate: Estate) -> None:
    before = checksums()
    WorkflowRequest.objects.filter(pk=estate.requests["waiting"].pk).update(tries=7)

    assert changed(before) == {"workflows_workflowrequest"}


@pytest.mark.parametrize("who", PEOPLE)
def test_no_hand_made_post_adds_changes_or_deletes_a_guarded_row(estate: Estate, who: str) -> None:
    client, before = at_desk(PEOPLE[who](estate)), checksums()
    chosen = {"_selected_action": [row for model in GUARDED for row in estate.rows_of(model)]}
    views = ("", "change/", "delete/", "history/")
    pages = [
        page for page in addresses(estate, most=3, views=views) if model_of(page) in GUARDED and page.count("/") > 4
    ]
    assert len(pages) > 40

    for page in pages:
        if not page.endswith(BUTTONS):
            answer = client.post(page, WISHES | chosen)
            assert answer.status_code in (302, 403, 405), page

    assert changed(before) == set()


FORM = {"decision": "approved", "message": "by hand", "go_on": "on"}


def forms(estate: Estate) -> Iterator[tuple[str, dict[str, str]]]:
    """A complete form for everything that can be done to a request."""
    for request in estate.requests.values():
        for task in request.tasks.all():
            for verb in ("decide", "withdraw"):
                yield f"/admin/workflows/admintask/{task.pk}/{verb}/", FORM | {"digest": request.digest}
        yield f"/admin/workflows/workflowrequest/{request.pk}/retry/", FORM
        yield f"/admin/workflows/delivery/{request.pk}/push/", FORM
    everything = {
        "organisation": str(estate.house.organisation.pk),
        "request_type": "GOODWILL-POINTS",
        "reason": "by hand",
    }
    yield "/admin/workflows/delivery/pause/", everything
    yield "/admin/workflows/delivery/resume/", everything


@pytest.mark.parametrize("who", ["auditor", "superuser"])
def test_who_has_no_role_for_it_does_nothing_with_the_right_form(estate: Estate, who: str) -> None:
    client, before = at_desk(PEOPLE[who](estate)), checksums()

    for page, form in forms(estate):
        assert client.post(page, form).status_code in (302, 403, 404, 409, 422), page

    assert changed(before) == set()


@pytest.mark.parametrize("who", ["maker", "maker and superuser with every role"])
def test_a_maker_decides_none_of_their_own_requests(estate: Estate, who: str) -> None:
    maker = estate.people["maker"]
    if who != "maker":
        maker = superuser_of(estate, "maker")
        Membership.objects.filter(user=maker).update(**dict.fromkeys(ALL_ROLES, True))
    client, before = at_desk(maker), checksums()

    for page, form in forms(estate):
        if page.endswith("/decide/"):
            assert client.post(page, form).status_code in (403, 409), page

    assert changed(before) == set()


def test_a_decision_writes_nothing_but_the_decision(estate: Estate) -> None:
    request, other = estate.requests["waiting"], estate.people["auditor"]
    task = request.tasks.get()
    wishes = WISHES | {"checker": str(other.pk), "maker": str(other.pk), "state": "credited", "level": "9"}
    fixed = (
        "maker_id",
        "organisation_id",
        "amount",
        "reason",
        "payload",
        "digest",
        "customer_id",
        "auto_approved",
        "one_step",
    )
    before = {name: getattr(request, name) for name in fixed}

    page, form = f"/admin/workflows/admintask/{task.pk}/decide/", wishes | FORM | {"digest": request.digest}
    assert at_desk(estate.people["checker"]).post(page, form).status_code == 302

    request.refresh_from_db()
    task.refresh_from_db()
    assert {name: getattr(request, name) for name in fixed} == before
    assert (request.state, task.decision, task.level) == (State.EXECUTING, "approved", 1)
    assert (task.checker, task.maker_id, task.message) == (estate.people["checker"], request.maker_id, "by hand")


def test_a_platform_administrator_cannot_promote_themselves_by_any_field(estate: Estate) -> None:
    person = UserFactory(username="root", is_superuser=True)
    membership = MembershipFactory(user=person, organisation=estate.house.organisation, is_auditor=True)
    client = at_desk(person)
    own = {
        "username": "root", "email": "root@example.com", "name": "Root", "user_type": "ADMIN_USER",
        "admin_type": "GENERAL", "reference_id": "-1", "time_zone_id": "0", "currency_id": "0", "language_id": "0",
        "memberships-TOTAL_FORMS": "2", "memberships-INITIAL_FORMS": "1", "memberships-0-id": str(membership.pk),
        "memberships-0-is_checker": "on", "memberships-1-is_maker": "on",
        "memberships-1-organisation": str(estate.house.organisation.pk),
    }  # fmt: skip
    before = {
        name: getattr(person, name) for name in ("password", "kind", "ui_token_version", "is_superuser", "is_staff")
    }

    page, as_new = f"/admin/accounts/user/{person.pk}/change/", {"_saveasnew": "1"}
    assert client.post(page, WISHES | own).status_code == 302
    assert client.post(page, WISHES | own | as_new).status_code == 200, "no second user with the same name"
    wanted = dict.fromkeys(ALL_ROLES, "on") | {"user": str(person.pk), "is_active": "on"}
    organisation = str(estate.house.organisation.pk)
    client.post(f"/admin/accounts/membership/{membership.pk}/change/", WISHES | wanted | {"organisation": organisation})
    client.post("/admin/accounts/membership/add/", WISHES | wanted | {"organisation": organisation})

    person.refresh_from_db()
    assert {name: getattr(person, name) for name in before} == before
    (kept,) = Membership.objects.filter(user=person)
    assert [name for name in ALL_ROLES if getattr(kept, name)] == ["is_auditor"]


@pytest.mark.parametrize("who", ["everything", "maker", "checker", "auditor", "operator"])
def test_a_member_changes_nothing_of_the_set_up(estate: Estate, who: str) -> None:
    person = estate.people[who]
    client, before = at_desk(person), checksums()

    for page in addresses(estate, most=9):
        if model_of(page) not in GUARDED and page.count("/") > 3 and "second-factor" not in page:
            answer = client.post(page, WISHES | {"user": str(person.pk), "name": "mine"})
            assert answer.status_code in (302, 403, 404, 405), page

    assert changed(before) == set()


def test_every_post_needs_a_token_of_the_page(estate: Estate) -> None:
    client = at_desk(superuser_of(estate, "everything"), enforce_csrf_checks=True)
    before = checksums()

    refused = {page: client.post(page, WISHES).status_code for page in addresses(estate, most=1)}

    assert {page: status for page, status in refused.items() if status != 403} == {}
    assert changed(before) == set()


API = [
    "/api_gateway/v2/request-workflow/GOODWILL-POINTS", "/v3/oauth/token/generate", "/auth/ui-token",
    "/auth/ui-token/revoke", "/oauth2/token", "/oauth2/revoke_token",
]  # fmt: skip


@pytest.mark.parametrize("address", API)
def test_the_api_needs_no_token_of_a_page_and_believes_no_session(house: House, address: str) -> None:
    client = at_desk(house.maker, enforce_csrf_checks=True)

    answer = client.post(address, {}, content_type="application/json", headers={"X-CAP-API-AUTH-ORG-ID": "51250"})

    assert answer.status_code in (400, 401), "told what is missing, and not let in by the browser's session"
    assert b"CSRF" not in answer.content

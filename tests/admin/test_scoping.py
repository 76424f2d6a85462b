"""Who may open what, walked over every registered page: nothing of a foreign organisation, nothing for outsiders."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse
from oauth2_provider.models import AccessToken, Application

from accounts import services as account_services
from accounts.admin_guard import GuardedAdmin, MemberAdmin, PlatformAdmin
from accounts.models import Membership, Organisation, User
from goodwill.models import GoodwillImport, GoodwillRequest, Program
from tests.factories import UserFactory
from workflows.models import AdminTask, AuditEvent, BulkRun, Delivery, IntouchTarget, WorkflowPolicy, WorkflowRequest

MEMBER_PAGES = [AdminTask, WorkflowRequest, AuditEvent, GoodwillRequest]
OPERATOR_PAGES = [Delivery, GoodwillImport, BulkRun]
PLATFORM_PAGES = [Organisation, User, Membership, Application, Program, IntouchTarget, WorkflowPolicy]


def address(model, view="changelist", *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}", args=args)


@pytest.fixture
def foreign(other_house):
    """One row of everything, in an organisation that the people of `house` do not belong to."""
    request = other_house.submit(reason="a reason of the other organisation", earningEntityId=777001)
    account_services.ensure_oauth_client(other_house.service_account, name="foreign client")
    return {
        AdminTask: request.tasks.get(),
        WorkflowRequest: request,
        Delivery: request,
        AuditEvent: request.events.get(),
        GoodwillRequest: request.goodwill,
        GoodwillImport: GoodwillImport.objects.create(
            organisation=other_house.organisation, file_name="777001.csv", file_hash="0" * 64, started_by_name="root"
        ),
        BulkRun: BulkRun.objects.create(
            organisation=other_house.organisation, person=other_house.checker, person_name="777001"
        ),
        Organisation: other_house.organisation,
        User: other_house.checker,
        Membership: other_house.membership(other_house.checker),
        Program: other_house.program,
        IntouchTarget: other_house.target,
        WorkflowPolicy: other_house.policy,
        Application: Application.objects.get(name="foreign client"),
    }


def test_these_pages_are_all_there_are():
    assert set(admin.site._registry) == {*MEMBER_PAGES, *OPERATOR_PAGES, *PLATFORM_PAGES}
    for model, page in admin.site._registry.items():
        assert isinstance(page, PlatformAdmin if model in PLATFORM_PAGES else MemberAdmin)


def test_a_page_that_is_not_guarded_cannot_be_registered():
    class Open(admin.ModelAdmin):
        pass

    for unguarded in (Open, None):
        with pytest.raises(ImproperlyConfigured, match="denied by default"):
            admin.site.register(AccessToken, unguarded)


def test_a_page_that_says_nothing_shows_nothing(rf, root):
    page, request = GuardedAdmin(AccessToken, admin.site), rf.get("/")
    request.user = root
    permissions = [page.has_view_permission, page.has_add_permission, page.has_change_permission]
    assert not any(may(request) for may in [*permissions, page.has_delete_permission, page.has_module_permission])
    assert not page.get_queryset(request).exists()


@pytest.mark.parametrize("model", MEMBER_PAGES)
@pytest.mark.parametrize("who", ["maker", "checker", "auditor"])
def test_members_see_the_rows_of_their_own_organisation_alone(at_desk, house, foreign, model, who):
    own = house.submit(reason="our own reason")
    client = at_desk(getattr(house, who))
    query = "?show=waiting" if model is AdminTask else ""
    page = client.get(address(model) + query).content.decode()
    assert own.reference_id in page or str(own.goodwill.request_number) in page
    for secret in (foreign[WorkflowRequest].reference_id, "777001", "of the other organisation"):
        assert secret not in page


@pytest.mark.parametrize("model", [*MEMBER_PAGES, *OPERATOR_PAGES])
def test_a_foreign_row_looks_like_one_that_does_not_exist(at_desk, house, foreign, model):
    client = at_desk(house.auditor)
    unknown = "00000000-0000-7000-8000-000000000000" if model in (WorkflowRequest, Delivery) else "99999999"
    answers = [client.get(address(model, "change", key)) for key in (foreign[model].pk, unknown)]
    assert {(answer.status_code, answer.headers.get("Location")) for answer in answers} == {(302, "/admin/")}


@pytest.mark.parametrize("verb", ["decide", "withdraw"])
def test_a_foreign_task_cannot_be_acted_on(at_desk, house, foreign, verb):
    response = at_desk(house.checker).post(
        f"/admin/workflows/admintask/{foreign[AdminTask].pk}/{verb}/",
        {"decision": "approved", "message": "mine now", "digest": foreign[WorkflowRequest].digest},
    )
    assert (response.status_code, response["Location"]) == (302, "/admin/")
    foreign[AdminTask].refresh_from_db()
    assert foreign[AdminTask].decision is None


@pytest.mark.parametrize("model", [*MEMBER_PAGES, *OPERATOR_PAGES])
def test_a_superuser_who_is_no_member_sees_no_request_data(at_desk, root, foreign, model):
    client = at_desk(root)
    assert client.get(address(model)).status_code == 403
    assert client.get(address(model, "change", foreign[model].pk)).status_code == 302
    assert "777001" not in client.get("/admin/").content.decode()


@pytest.mark.parametrize("model", PLATFORM_PAGES)
def test_the_set_up_is_open_to_superusers_alone(at_desk, house, root, foreign, model):
    pages = [address(model), address(model, "change", foreign[model].pk)]
    assert [at_desk(root).get(page).status_code for page in pages] == [200, 200]
    for member in (house.maker, house.checker, house.auditor):
        client = at_desk(member)
        assert client.get(pages[0]).status_code == 403
        assert client.get(pages[1]).status_code in (302, 403)
        assert client.get(address(model, "add")).status_code == 403
        assert client.post(address(model, "add"), {}).status_code == 403


@pytest.mark.parametrize("model", [*MEMBER_PAGES, *OPERATOR_PAGES, *PLATFORM_PAGES])
@pytest.mark.parametrize("who", ["checker", "root"])
def test_nothing_is_ever_deleted(at_desk, house, root, foreign, model, who):
    client = at_desk(root if who == "root" else house.checker)
    page = address(model, "delete", foreign[model].pk)
    assert client.get(page).status_code == 403
    assert client.post(page, {"post": "yes"}).status_code == 403
    client.post(address(model), {"action": "delete_selected", "_selected_action": [foreign[model].pk], "post": "yes"})
    assert model.objects.filter(pk=foreign[model].pk).exists()


@pytest.mark.parametrize("model", MEMBER_PAGES)
def test_nothing_of_a_request_is_added_or_changed_by_anybody(at_desk, house, model):
    house.checker.is_superuser = True
    house.checker.save()
    request = house.submit()
    rows = {
        AdminTask: request.tasks.get(), WorkflowRequest: request, AuditEvent: request.events.get(),
        GoodwillRequest: request.goodwill,
    }  # fmt: skip
    client = at_desk(house.checker)
    assert client.post(address(model), {"_save": "1"}).status_code == 405
    assert client.post(address(model, "change", rows[model].pk), {"reason": "x"}).status_code == 405
    assert client.get(address(model, "add")).status_code == 403
    assert client.get(address(model, "history", rows[model].pk)).status_code == 403


@pytest.mark.parametrize(
    ("model", "field"), [(AdminTask, "request"), (GoodwillRequest, "workflow_request"), (AuditEvent, "request")]
)
def test_a_related_look_up_finds_own_rows_alone(at_desk, house, foreign, model, field):
    own = house.submit()
    query = {"app_label": model._meta.app_label, "model_name": model._meta.model_name, "field_name": field}
    results = at_desk(house.checker).get("/admin/autocomplete/", query).json()["results"]
    assert [result["id"] for result in results] == [str(own.pk)]


@pytest.mark.parametrize("field", ["user", "organisation"])
def test_members_look_up_no_people_and_no_organisations(at_desk, house, root, field):
    query = {"app_label": "accounts", "model_name": "membership", "field_name": field}
    assert at_desk(house.checker).get("/admin/autocomplete/", query).status_code == 403
    assert at_desk(root).get("/admin/autocomplete/", query).json()["results"]


@pytest.mark.parametrize("what", ["membership", "organisation", "user"])
def test_who_is_switched_off_sees_nothing(at_desk, house, what):
    house.submit()
    client = at_desk(house.checker)
    row = {"membership": house.membership(house.checker), "organisation": house.organisation, "user": house.checker}
    row[what].is_active = False
    row[what].save()
    assert client.get(address(AdminTask)).status_code == (302 if what == "user" else 403)


def test_a_person_without_a_membership_sees_no_lists(at_desk, house):
    client = at_desk(UserFactory(username="new"))
    assert {client.get(address(model)).status_code for model in [*MEMBER_PAGES, *OPERATOR_PAGES]} == {403}


def test_who_may_not_log_in_to_the_admin_is_sent_away(at_desk, house):
    house.checker.is_staff = False
    house.checker.save()
    assert at_desk(house.checker).get(address(AdminTask))["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("app", ["oauth2_provider", "auth", "accounts", "workflows", "goodwill"])
def test_the_index_of_an_app_holds_only_what_the_reader_may_open(at_desk, house, app):
    response = at_desk(house.checker).get(f"/admin/{app}/")
    if app in ("workflows", "goodwill"):
        assert "Intouch targets" not in response.content.decode()
        assert "Programs" not in response.content.decode()
    else:
        assert response.status_code == 404


@pytest.mark.parametrize("page", ["/admin/new/goodwill-points/", "/admin/notifications/"])
def test_pages_beside_the_lists_are_for_members_alone(client, at_desk, house, root, page):
    assert at_desk(house.maker).get(page).status_code == 200
    for outsider in (root, UserFactory(username="new")):
        assert at_desk(outsider).get(page).status_code == at_desk(outsider).post(page).status_code == 403
    assert client.post(page)["Location"].startswith("/admin/login/")

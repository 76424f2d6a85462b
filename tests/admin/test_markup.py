"""What the pages send: text as text, no secret, nothing inline that the Content-Security-Policy would refuse."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin

from tests.admin.conftest import decision, page_of
from tests.admin.test_scoping import MEMBER_PAGES, address
from tests.house import FAKE_CREDENTIAL
from workflows.models import AdminTask, AuditEvent
from workflows.set_up import keep_credential

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'"
TEMPLATES = Path(settings.BASE_DIR) / "templates"


def pages_of(client, house, request):
    """The text of every page that somebody who is everything in the organisation can open."""
    rows = {
        "workflows_admintask": request.tasks.get().pk, "workflows_workflowrequest": request.pk,
        "workflows_auditevent": request.events.first().pk, "goodwill_goodwillrequest": request.goodwill.pk,
        "accounts_user": house.service_account.pk, "accounts_organisation": house.organisation.pk,
        "accounts_membership": house.membership(house.maker).pk, "goodwill_program": house.program.pk,
        "workflows_intouchtarget": house.target.pk, "workflows_workflowpolicy": house.policy.pk,
    }  # fmt: skip
    addresses = ["/admin/", "/admin/password_change/", "/admin/nowhere/", "/admin/workflows/admintask/?show=mine"]
    for model in admin.site._registry:
        addresses.append(address(model) + ("?show=waiting" if model is AdminTask else ""))
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        if name in rows:
            addresses.append(address(model, "change", rows[name]))
        if model not in MEMBER_PAGES and name != "oauth2_provider_application":
            addresses.append(address(model, "add"))
    answers = {page: client.get(page) for page in addresses}
    answers["/admin/login/"] = type(client)().get("/admin/login/")
    answers["refused"] = client.post(page_of(request, "decide"), decision(request, message=""))
    return answers


@pytest.fixture
def everybody(house, at_desk):
    house.checker.is_superuser = True
    house.checker.save()
    membership = house.membership(house.checker)
    membership.is_maker = membership.is_operator = True
    membership.save()
    return at_desk(house.checker)


@pytest.fixture
def evil(house):
    house.maker.email = ""
    house.maker.username = "a<b>maker</b>"
    house.maker.save()
    house.organisation.name = house.program.name = house.program.description = EVIL
    house.organisation.save()
    house.program.save()
    keep_credential(house.target, FAKE_CREDENTIAL)
    return house.submit(reason=EVIL, comments=EVIL, source=EVIL[:60])


def test_stored_markup_is_shown_as_text(everybody, house, evil):
    for page, answer in pages_of(everybody, house, evil).items():
        text = answer.content.decode()
        assert "<script>alert" not in text, page
        assert "<img src=x" not in text, page
        assert "<b>maker" not in text, page
    assert "&lt;script&gt;alert(1)" in everybody.get(page_of(evil)).content.decode()


def test_markup_in_a_message_is_shown_as_text_in_the_story_and_in_the_notice(everybody, house, evil):
    everybody.post(page_of(evil, "decide"), decision(evil, message=EVIL, go_on=""))
    page = everybody.get(page_of(evil)).content.decode()
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)") >= 3


def test_no_page_shows_a_secret(everybody, house, evil):
    stored = [bytes(evil.secret).hex(), "ZmFrZTpmYWtl", FAKE_CREDENTIAL, house.service_secret]
    for page, answer in pages_of(everybody, house, evil).items():
        text = answer.content.decode()
        assert not [secret for secret in stored if secret in text], page
    assert "&quot;Authorization&quot;: &quot;***&quot;" in everybody.get(page_of(evil)).content.decode()


def test_a_secret_in_an_old_event_is_masked(everybody, house):
    request = house.submit()
    event = AuditEvent.objects.create(
        organisation=house.organisation, request=request, action="odd.action", actor_name="x",
        details={"authorization": "opensesame", "text": "Bearer abcdefghijk"},
    )  # fmt: skip
    page = everybody.get(address(AuditEvent, "change", event.pk)).content.decode()
    assert "opensesame" not in page
    assert "abcdefghijk" not in page


def test_every_page_has_a_policy_and_nothing_that_it_refuses(everybody, house, evil):
    for page, answer in pages_of(everybody, house, evil).items():
        text = answer.content.decode()
        assert "default-src 'self'" in answer["Content-Security-Policy"], page
        assert "unsafe" not in answer["Content-Security-Policy"], page
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), page
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=\s*[\"']|javascript:", text), page
        assert not re.search(r"(src|href)=[\"'](https?:)?//", text), page


def test_our_templates_hold_nothing_inline_and_mark_nothing_safe():
    for template in TEMPLATES.rglob("*.html"):
        text = template.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", text), template
        assert not re.search(r"\|\s*safe\b|autoescape off|safeseq", text), template


def test_pages_are_not_kept_by_caches_or_shown_in_frames(everybody, house):
    answer = everybody.get(page_of(house.submit()))
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(("zone", "shown"), [("Asia/Kolkata", "IST"), ("Asia/Dubai", "UTC+04:00"), ("UTC", "UTC")])
def test_times_are_in_the_organisation_s_zone_which_is_named(everybody, house, zone, shown):
    house.organisation.time_zone = zone
    house.organisation.save()
    request = house.submit()
    local = request.created_at.astimezone(house.organisation.zone)
    page = everybody.get(page_of(request)).content.decode()
    assert f'{local.day} {local:%b} {local:%H:%M} <span class="zone">{shown}</span>' in page
    assert f"{local:%Y-%m-%d %H:%M:%S} {zone}" in page

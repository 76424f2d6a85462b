"""What browsers are told, where they are sent, and whose session it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from config.embedded.development import new_key
from config.embedded.directories import PROJECT
from tests.factories import PASSWORD, UserFactory
from tests.house import House

LOGIN = "/admin/login/"
ELSEWHERE = [
    "//evil.test", "///evil.test", "https://evil.test/", "http:evil.test", "https:/evil.test", "/\\evil.test",
    "\\\\evil.test",
    "javascript:alert(1)", "data:text/html,x", "//evil.test/admin/", "https://testserver@evil.test/", "\thttps://evil.test",
    "https://testserver.evil.test/", "ftp://testserver/", "//testserver:80@evil.test",
]  # fmt: skip


def log_in(client: Client, username: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post(LOGIN, {"username": username, "password": password, **more})


@pytest.mark.parametrize("target", ELSEWHERE)
def test_the_log_in_leads_to_no_other_host(house: House, target: str) -> None:
    client = Client()
    assert log_in(client, house.checker.username, next=target)["Location"] == "/admin/"
    again = client.get(LOGIN, {"next": target})
    assert again["Location"] == "/admin/", "nor where somebody is logged in already"
    assert "evil" not in client.post("/admin/logout/", {"next": target}).headers.get("Location", "")


def test_the_log_in_leads_to_the_page_that_was_wanted(house: House) -> None:
    page = "/admin/workflows/admintask/?show=waiting"

    assert log_in(Client(), house.checker.username, next=page)["Location"] == page


def test_a_session_gets_another_key_at_log_in_and_ends_at_log_out(house: House) -> None:
    client = Client()
    planted = client.session
    planted["planted"] = "by somebody else"
    planted.save()
    client.cookies["sessionid"] = before = str(planted.session_key)

    log_in(client, house.checker.username)
    during = client.cookies["sessionid"].value
    assert during != before
    assert not Session.objects.filter(session_key=before).exists()
    assert client.get("/admin/").status_code == 200

    client.post("/admin/logout/")
    stolen = Client()
    stolen.cookies["sessionid"] = during
    assert stolen.get("/admin/")["Location"].startswith(LOGIN)
    assert not Session.objects.filter(session_key=during).exists()


def test_a_get_logs_nobody_out(house: House) -> None:
    client = Client()
    client.force_login(house.checker)

    assert client.get("/admin/logout/").status_code == 405
    assert client.get("/admin/").status_code == 200


def test_a_changed_password_ends_the_sessions_of_before(house: House) -> None:
    client = Client()
    log_in(client, house.checker.username)
    house.checker.set_password("another-password-of-a-test")
    house.checker.save()

    assert client.get("/admin/")["Location"].startswith(LOGIN)


@pytest.mark.parametrize("change", ["is_active", "is_staff"])
def test_who_is_switched_off_is_out_at_once(house: House, change: str) -> None:
    client = Client()
    log_in(client, house.checker.username)
    setattr(house.checker, change, False)
    house.checker.save()

    assert client.get("/admin/")["Location"].startswith(LOGIN)


def test_neither_machines_nor_outsiders_log_in(house: House) -> None:
    machine = house.service_account
    UserFactory(username="no-staff", is_staff=False)
    for username, password in (
        (machine.username, house.service_secret), (machine.username, ""), (house.checker.username, "wrong"),
        ("no-staff", PASSWORD), ("nobody", PASSWORD), (house.checker.username, house.checker.password),
        (house.checker.email, PASSWORD), (f"{house.checker.username}\0", PASSWORD), ("", ""),
    ):  # fmt: skip
        client = Client()
        assert log_in(client, username, password).status_code == 200, username
        assert client.get("/admin/")["Location"].startswith(LOGIN)
    machine.set_password(PASSWORD)
    machine.save()
    assert log_in(Client(), machine.username).status_code == 200, "not even with a password that it should not have"


def test_the_cookies_are_kept_from_scripts_and_other_sites(house: House) -> None:
    client = Client()
    client.get(LOGIN)
    log_in(client, house.checker.username)

    for name in ("sessionid", "csrftoken"):
        assert client.cookies[name]["httponly"], name
        assert client.cookies[name]["samesite"] == "Lax", name
    assert client.cookies["sessionid"]["max-age"] == "", "it ends with the browser"


PAGES = ["/admin/", LOGIN, "/admin/nowhere/", "/nowhere", "/healthz", "/api/schema", "/api/docs", "/auth/ui-token",
         "/api_gateway/v2/request-workflow/requests", "/admin/jsi18n/", "/static/goodwill/desk.css"]  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_every_answer_tells_the_browser_what_not_to_do(house: House, page: str) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(house.checker)

    answer = client.get(page)

    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    if page.startswith("/static/"):
        return
    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http" not in policy, "nothing from other hosts"
    if answer["Content-Type"] == "application/json":
        assert policy == "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    else:
        for rule in ("default-src 'self'", "object-src 'none'", "frame-ancestors 'none'", "form-action 'self'"):
            assert rule in policy
    assert answer["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("page", ["/admin/", "/admin/workflows/admintask/", "/admin/second-factor/set-up/", LOGIN])
def test_pages_for_people_are_kept_nowhere(house: House, page: str) -> None:
    client = Client()
    if page != LOGIN:
        client.force_login(house.checker)

    assert "no-store" in client.get(page)["Cache-Control"]


PRODUCTION = {
    "HTTPS_ONLY": "true", "ALLOWED_HOSTS": "goodwill.test", "LOG_LEVEL": "WARNING", "LOG_FORMAT": "json",
    "SECRET_KEY": "k9" * 40 + "-Zx_4", "INTOUCH_ALLOW_LOOPBACK": "false",
}  # fmt: skip
NOT_IN_PRODUCTION = {"FAILPOINT", "DJANGO_SETTINGS_MODULE", "METRICS_TOKEN"}
# A process of its own, because the settings are made once.
LOOK = """
import json, django
django.setup()
from django.test import Client
client = Client(headers={"host": "goodwill.test"})
plain, page = client.get("/admin/login/"), client.get("/admin/login/", secure=True)
print(json.dumps({
    "plain": [plain.status_code, plain.headers.get("Location")], "status": page.status_code,
    "hsts": page.headers.get("Strict-Transport-Security"), "secure": bool(page.cookies["csrftoken"]["secure"]),
}))
"""


def in_production(*command: str, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in NOT_IN_PRODUCTION}
    environment |= {**PRODUCTION, "FIELD_ENCRYPTION_KEYS": new_key(), "UI_TOKEN_KEYS": new_key(), **changes}
    environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
    return subprocess.run(
        [sys.executable, *command],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


DEPLOY_CHECK = ("manage.py", "check", "--deploy", "--fail-level", "WARNING")


def test_the_deployment_check_is_clean_as_it_would_run_in_production() -> None:
    done = in_production(*DEPLOY_CHECK)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [({"HTTPS_ONLY": "false"}, "security.W008"), ({"INTOUCH_ALLOW_LOOPBACK": "true"}, "workflows.E002"),
     ({"FAILPOINT": "call.sent:kill"}, "workflows.E003")],
)  # fmt: skip
def test_the_deployment_check_complains_about_what_is_for_development(changes: dict[str, str], complaint: str) -> None:
    done = in_production(*DEPLOY_CHECK, **changes)

    assert done.returncode != 0
    assert complaint in done.stderr


def test_in_production_everything_is_https() -> None:
    done = in_production("-c", LOOK)

    assert json.loads(done.stdout or "{}") == {
        "plain": [301, "https://goodwill.test/admin/login/"], "status": 200,
        "hsts": "max-age=31536000; includeSubDomains; preload", "secure": True,
    }, done.stderr  # fmt: skip

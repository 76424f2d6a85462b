"""Take the pictures of docs/policy.md: sets the three bands up by hand in a browser, as the page tells it.

    python -m config.embedded --temporary -- python -m docs.screenshots [DIRECTORY]

The walk fills in real forms of the real service, so that a page that has changed makes this fail and not the reader.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.pictures import keep_small

IMAGES = Path(__file__).resolve().parent / "images"
ORGANISATION = 60_001
WIDE: Any = {"width": 1100, "height": 740}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    images = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    images.mkdir(parents=True, exist_ok=True)
    example, demo = _furnish()
    with _served() as url:
        _walk(url, images, example, demo)


def _furnish() -> tuple[tuple[str, int], tuple[str, int]]:
    """Session and policy of an administrator at an organisation without rules, and at the demo organisation."""
    from django.core.management import call_command

    from accounts import services
    from accounts.models import User, UserKind
    from accounts.services import Roles
    from goodwill.models import Program
    from workflows.models import WorkflowPolicy

    call_command("migrate", interactive=False, verbosity=0)
    organisation, _ = services.create_organisation(organisation_id=ORGANISATION, name="Example Stores")
    Program.objects.create(organisation=organisation, program_id=1, name="Example Points", is_default=True)
    people = {
        "amira": Roles(administrator=True), "asha": Roles(checker=True), "ben": Roles(checker=True, supervisor=True),
        "tom": Roles(maker=True),
    }  # fmt: skip
    for name, roles in people.items():
        user, _ = services.create_user(
            username=name, kind=UserKind.PERSON, email=f"{name}@example.com", name=name.title(), is_staff=True
        )
        services.set_membership(user=user, organisation=organisation, roles=roles)
    policy = WorkflowPolicy.objects.create(organisation=organisation, request_type="GOODWILL-POINTS")
    with tempfile.TemporaryDirectory() as kept:
        call_command(
            "create_demo", "--json", "--sandbox-url", "http://127.0.0.1:9", "--secrets", f"{kept}/secrets.json",
            stdout=open(os.devnull, "w"),  # noqa: SIM115
        )  # fmt: skip
    of_demo = WorkflowPolicy.objects.get(organisation=51250, request_type="GOODWILL-POINTS")
    return (
        (_session(User.objects.get(username="amira")), policy.pk),
        (_session(User.objects.get(username="admin")), of_demo.pk),
    )


def _session(user: Any) -> str:
    """The cookie of somebody who has logged in."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "accounts.backends.PeopleBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


@contextmanager
def _served() -> Iterator[str]:
    """The service, on a port of its own."""
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.daemon_threads = True
    server.set_app(get_wsgi_application())
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def _walk(url: str, images: Path, example: tuple[str, int], demo: tuple[str, int]) -> None:
    from playwright.sync_api import sync_playwright

    from tests.e2e.chromium import ARGUMENTS, find_chromium

    chromium = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium.program), env={**os.environ, **chromium.environment}, args=list(ARGUMENTS)
        )
        for (session, policy), walk in ((example, _set_up_by_hand), (demo, _replay)):
            context = browser.new_context(viewport=WIDE, base_url=url)
            context.add_cookies([{"name": "sessionid", "value": session, "url": url}])
            page = context.new_page()
            page.set_default_timeout(60_000)
            page.goto(f"/admin/workflows/workflowpolicy/{policy}/change/")
            walk(page, images)
            context.close()
        browser.close()


def _set_up_by_hand(page: Any, images: Path) -> None:
    page.get_by_role("link", name="Add a rule").click()
    page.get_by_label("Name of the rule").fill("up to 10")
    page.get_by_label("Points up to").fill("10")
    page.get_by_label("It is carried out at once, nobody is asked").check()
    _take(page, images / "policy-rule.png")
    _save(page)
    page.get_by_role("link", name="Add a rule").click()
    page.get_by_label("Name of the rule").fill("up to 1,000")
    page.get_by_label("Points over").fill("10")
    page.get_by_label("Points up to").fill("1,000")
    _save(page)
    page.get_by_role("link", name="Edit what becomes of everything else").click()
    page.get_by_text("Level 2", exact=True).click()
    second = page.locator("details", has_text="Level 2").first
    second.get_by_label("How many people").fill("1")
    second.get_by_label("Each of them a").select_option("supervisor")
    _take(page, images / "policy-levels.png")
    _save(page)
    page.get_by_role("link", name="Add a limit").click()
    page.get_by_label("Name of the limit").fill("2,000 per customer")
    page.get_by_label("At most").fill("2,000")
    _take(page, images / "policy-limit.png")
    _save(page)
    _take(page, images / "policy-draft.png", full_page=True)
    page.get_by_role("link", name="Try it on a request").click()
    page.get_by_label("Points", exact=True).fill("1,200")
    page.get_by_label("Customer").fill("382332518")
    page.get_by_label("Reason").fill("Late delivery")
    page.get_by_label("Maker").fill("tom")
    page.get_by_role("button", name="Try it").click()
    page.get_by_text("It would wait for people.").wait_for()
    page.get_by_role("link", name="Goodwill points").click()
    page.get_by_role("link", name="See the difference and put in force").click()
    page.get_by_label("Why").fill("The three bands that we agreed on")
    _take(page, images / "policy-force.png", full_page=True)
    page.get_by_role("button", name="Put in force").click()
    page.get_by_text("is in force now").wait_for()


def _take(page: Any, picture: Path, **options: Any) -> None:
    page.screenshot(path=picture, **options)
    keep_small(picture)


def _save(page: Any) -> None:
    page.get_by_role("button", name="Save into the draft").click()
    page.get_by_role("heading", name="Limits over time").wait_for()


def _replay(page: Any, images: Path) -> None:
    page.get_by_role("link", name="Edit up to 10", exact=True).click()
    page.get_by_label("Points up to").fill("50")
    _save(page)
    page.get_by_role("link", name="Edit up to 1,000", exact=True).click()
    page.get_by_label("Points over").fill("50")
    _save(page)
    page.get_by_role("link", name="Replay the last 90 days").click()
    page.get_by_role("button", name="Replay").click()
    page.get_by_role("heading", name="The draft against what happened").wait_for()
    _take(page, images / "policy-replay.png", full_page=True)


if __name__ == "__main__":
    main()

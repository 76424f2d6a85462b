"""axe-core finds nothing on any page of the desk, light and dark, wide and narrow; and no page moves sideways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from tests.e2e.desk import (
    NARROW,
    PATIENCE_MS,
    REQUESTS,
    RUNS,
    TASKS,
    TOGETHER,
    WIDE,
    Desk,
    new_customer,
    rows,
)

pytestmark = TOGETHER
expect.set_options(timeout=PATIENCE_MS)

# All rules twice; what only the colours decide in every combination.
LOOKS: list[tuple[Any, Any, list[str]]] = [
    (WIDE, "light", []),
    (WIDE, "dark", ["color-contrast"]),
    (NARROW, "dark", []),
    (NARROW, "light", ["color-contrast"]),
]
# What lies behind the bar of bulk decisions comes out by scrolling; its size is not what is seen of it.
# A colour that is still on its way to the next look is no fault.
# axe would fetch the style sheets once more, and write some of its own, which our policy forbids.
_RUN = """async (only) => {
  for (const change of document.getAnimations()) if (change instanceof CSSTransition) change.finish();
  for (const bar of document.querySelectorAll(".bulk-bar")) bar.style.position = "static";
  const rules = { "target-size": { enabled: true } };
  const options = { preload: false, resultTypes: ["violations"], rules };
  if (only.length) options.runOnly = only;
  const found = await axe.run(options);
  const places = (violation) => violation.nodes.map((node) => node.target.join(" ")).join(", ");
  return found.violations.map((it) => `${it.id} (${it.impact}): ${places(it)}`);
}"""


def faults(page: Page, *, but: str = "") -> list[str]:
    """What is wrong with the page as it stands, in each of its looks; `but` is a rule that is not asked for."""
    page.evaluate(AXE_SCRIPT)
    found = []
    for size, scheme, only in LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        violations = [text for text in page.evaluate(_RUN, only) if not but or not text.startswith(but)]
        found += [f"{page.url} {size['width']} {scheme}: {fault}" for fault in violations]
        if page.evaluate("document.documentElement.scrollWidth") > size["width"]:
            found.append(f"{page.url} {size['width']} {scheme}: moves sideways")
    page.set_viewport_size(WIDE)
    return found


def assert_accessible(page: Page) -> None:
    found = faults(page)
    assert not found, "\n".join(found)


def test_the_log_in(desk: Desk) -> None:
    with desk.anybody() as page:
        page.goto("/admin/")
        assert_accessible(page)
        page.get_by_label("Username").fill("nobody")
        page.get_by_label("Password").fill("nothing")
        page.get_by_role("button", name="Log in").click()
        page.get_by_text("Please enter the correct").wait_for()
        assert_accessible(page)


@pytest.mark.parametrize(
    "path",
    [
        "/admin/", TASKS, f"{TASKS}?q=nothing", f"{TASKS}?show=decided&points_from=1", REQUESTS, RUNS,
        "/admin/goodwill/goodwillrequest/", "/admin/workflows/auditevent/", "/admin/notifications/",
        "/admin/second-factor/set-up/", "/admin/password_change/", f"{TASKS}999999999/change/",
    ],
)  # fmt: skip
def test_the_pages_of_a_checker(desk: Desk, path: str) -> None:
    with desk.person("checker") as page:
        page.goto(path)
        for folded in page.locator("details.filters:not([open]) > summary").all():
            folded.click()
        assert_accessible(page)


@pytest.mark.parametrize("path", [REQUESTS, "/admin/goodwill/goodwillrequest/", "/admin/workflows/auditevent/"])
def test_the_page_behind_a_row(desk: Desk, path: str) -> None:
    with desk.person("checker") as page:
        page.goto(path)
        page.locator(".row-link").first.click()
        for folded in page.locator("details.paper:not([open]) > summary").all():
            folded.click()
        assert_accessible(page)


@pytest.mark.parametrize("path", ["/admin/", f"{TASKS}?show=mine", "/admin/new/goodwill-points/"])
def test_the_pages_of_a_maker(desk: Desk, path: str) -> None:
    with desk.person("maker") as page:
        page.goto(path)
        assert_accessible(page)


@pytest.mark.parametrize("path", ["/admin/", "/admin/workflows/delivery/", "/admin/goodwill/goodwillimport/"])
def test_the_pages_of_an_auditor(desk: Desk, path: str) -> None:
    with desk.person("auditor") as page:
        page.goto(path)
        assert_accessible(page)


def test_how_full_the_limits_are(desk: Desk) -> None:
    with desk.person("admin") as page:
        page.goto("/admin/workflows/workflowpolicy/")
        page.get_by_role("row").filter(has_text="Goodwill points").get_by_role("link").first.click()
        page.get_by_role("link", name="How full the limits are").click()
        page.get_by_role("heading", name="2,000 per customer").wait_for()
        assert_accessible(page)


def test_the_set_up_of_an_administrator(desk: Desk) -> None:
    with desk.person("admin") as page:
        page.goto("/admin/")
        assert_accessible(page)
        for path in links(page, "#set-up a"):
            page.goto(path)
            assert_accessible(page)


def test_the_forms_of_an_administrator(desk: Desk) -> None:
    with desk.person("admin") as page:
        page.goto("/admin/")
        found = []
        for path in links(page, "#set-up a"):
            page.goto(path)
            for form in links(page, "#result_list tbody tr:first-child th a, .object-tools a"):
                page.goto(form)
                # Django's own tables of related rows have heads without a text above the columns of their tools.
                found += faults(page, but="empty-table-header")
        assert not found, "\n".join(found)


def test_a_task_from_the_first_look_to_the_decision(desk: Desk) -> None:
    customer = new_customer()
    for _ in range(2):
        desk.submit(customer=customer, points=90)
    with desk.person("checker") as page:
        page.goto(f"{TASKS}?q={customer}")
        rows(page).get_by_role("link").first.click()
        page.get_by_role("link", name="1 look-alike").wait_for()
        assert_accessible(page)
        page.get_by_role("button", name="Approve").click()
        page.get_by_role("alert").wait_for()
        assert_accessible(page)
        page.get_by_text("Ticket checked", exact=True).click()
        page.get_by_role("button", name="Approve").click()
        page.locator(".followed").wait_for()
        assert_accessible(page)
        page.keyboard.press("?")
        page.get_by_role("dialog").wait_for()
        assert_accessible(page)


def test_a_bulk_decision_from_the_choice_to_the_result(desk: Desk) -> None:
    customer = new_customer()
    request_ids = [desk.submit(customer=customer, points=points) for points in (91, 92)]
    with desk.person("checker") as page:
        page.goto(f"{TASKS}?q={customer}")
        for box in rows(page).get_by_role("checkbox").all():
            box.check()
        page.get_by_role("button", name="Decide the chosen ones").click()
        page.get_by_text("Within the rules", exact=True).click()
        assert_accessible(page)
        desk.decide(request_ids[0], "rejected")
        page.reload()
        page.get_by_role("heading", name="is left out").wait_for()
        assert_accessible(page)
        page.get_by_text("Within the rules", exact=True).click()
        page.get_by_role("button", name="Reject 1").click()
        page.get_by_role("heading", name="What happened").wait_for()
        assert_accessible(page)


def test_a_maker_who_made_mistakes_and_then_none(desk: Desk) -> None:
    with desk.person("maker") as page:
        page.goto("/admin/new/goodwill-points/")
        page.get_by_role("button", name="Send to a checker").click()
        page.get_by_role("alert").wait_for()
        assert_accessible(page)
        customer = new_customer()
        desk.submit(customer=customer)
        page.goto(f"{TASKS}?show=mine&q={customer}")
        rows(page).get_by_role("link").click()
        page.get_by_role("button", name="Withdraw").wait_for()
        assert_accessible(page)


def links(page: Page, selector: str) -> list[str]:
    read: Callable[[str, str], list[str]] = page.eval_on_selector_all
    return read(selector, "found => [...new Set(found.map((it) => it.href))]")

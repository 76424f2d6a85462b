"""`make screenshots`: the pictures of the README and the documentation, of the demo, in docs/images/.

They are taken anew as a whole, so that they show one state of one service.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

from tests.e2e.browser import chromium
from tests.e2e.desk import NARROW, PATIENCE_MS, TASKS, Desk, new_customer, rows
from tests.e2e.pictures import keep_small
from tests.e2e.started import PROJECT, embedded_servers, free_ports, started

IMAGES = PROJECT / "docs" / "images"
MESSAGE = "Checked against the tickets of the outage"


def main() -> int:
    IMAGES.mkdir(exist_ok=True)
    with _demo() as desk:
        _as_checker(desk)
        _as_others(desk)
    return 0


@contextmanager
def _demo() -> Iterator[Desk]:
    with (
        tempfile.TemporaryDirectory(prefix="goodwill-screenshots-") as kept,
        embedded_servers() as environment,
        started(environment, Path(kept) / "var", free_ports()) as run,
        chromium() as browser,
    ):
        run.wait_until_ready()
        yield Desk(run, browser)


def _take(page: Page, name: str) -> None:
    """The part that a person sees first, without the mouse and without a cursor."""
    page.mouse.move(0, 0)
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path, animations="disabled", caret="hide")
    print(f"{path.relative_to(PROJECT)} ({keep_small(path):,} bytes)", flush=True)


def _as_checker(desk: Desk) -> None:
    with desk.person("checker", viewport=NARROW) as page:
        page.goto(TASKS)
        _take(page, "inbox-phone")
        _open_second(page)
        _take(page, "task-phone")
    with desk.person("checker", color_scheme="dark") as page:
        page.goto(TASKS)
        _open_second(page)
        _take(page, "task-dark")
    with desk.person("checker") as page, desk.person("checker2") as other:
        page.goto("/admin/")
        _take(page, "home")
        page.goto(TASKS)
        _take(page, "inbox")
        _open_second(page)
        _take(page, "task")

        page.goto(TASKS)
        other.goto(TASKS)
        for place in range(10):
            rows(page).get_by_role("checkbox").nth(place).check()
        page.get_by_role("button", name="Decide the chosen ones").click()
        page.get_by_label("One message for all").fill(MESSAGE)
        _take(page, "bulk-confirmation")
        _decide_one(other)
        page.get_by_role("button", name="Approve 10").click()
        page.get_by_role("heading", name="What happened").wait_for()
        _take(page, "bulk-result")


def _open_second(page: Page) -> None:
    """The demo's second oldest task, whose customer has got something before."""
    rows(page).get_by_role("link").nth(1).click()
    page.get_by_label("Message", exact=True).wait_for()


def _decide_one(page: Page) -> None:
    """As somebody else does while a choice of many is looked at."""
    rows(page).get_by_role("link").first.click()
    page.get_by_text("No ticket found", exact=True).click()
    page.get_by_role("button", name="Reject").click()
    page.locator(".messagelist").wait_for(timeout=PATIENCE_MS)


def _as_others(desk: Desk) -> None:
    with desk.person("maker") as page:
        page.goto("/admin/new/goodwill-points/")
        _take(page, "new-request")
    desk.let_intouch_say("429", times=0)
    for points, reason in ((40, "Late delivery"), (75, "Damaged item"), (20, "Stock error")):
        desk.decide(desk.submit(customer=new_customer(), points=points, reason=reason), "approved")
    with desk.person("auditor") as page:
        page.goto("/admin/workflows/delivery/?show=executing")
        _take(page, "operations")


if __name__ == "__main__":
    sys.exit(main())

"""Many tasks at once, in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from playwright.sync_api import Page, expect

from tests.e2e.desk import PATIENCE_MS, RUNS, TASKS, TOGETHER, Desk, new_customer, rows
from tests.e2e.test_accessibility import assert_accessible

pytestmark = TOGETHER
expect.set_options(timeout=PATIENCE_MS)
# One more than are decided before the answer.
IN_BACKGROUND = 201


def choose(page: Page, customer: int, number: int) -> None:
    page.goto(f"{TASKS}?q={customer}")
    for place in range(number):
        rows(page).get_by_role("checkbox").nth(place).check()
    expect(page.locator("[data-chosen]")).to_have_text(f"chosen: {number}")
    page.get_by_role("button", name="Decide the chosen ones").click()
    expect(page.get_by_role("heading", name=f"Decide {number} at once")).to_be_visible()


def test_the_box_in_the_head_chooses_all_on_the_page_and_shows_when_it_is_some(desk: Desk) -> None:
    customer = new_customer()
    for _ in range(3):
        desk.submit(customer=customer, points=12)
    with desk.person("checker") as page:
        page.goto(f"{TASKS}?q={customer}")
        everything, chosen = page.get_by_label("Choose all on this page"), page.locator("[data-chosen]")
        everything.check()
        expect(chosen).to_have_text("chosen: 3")
        rows(page).get_by_role("checkbox").first.uncheck()
        expect(chosen).to_have_text("chosen: 2")
        assert everything.evaluate("box => box.indeterminate")
        everything.check()
        everything.uncheck()
        expect(chosen).to_have_text("none chosen")


def test_of_24_chosen_tasks_the_20_that_another_browser_has_decided_are_named_and_the_rest_is_decided(
    desk: Desk,
) -> None:
    customer = new_customer()
    for number in range(24):
        desk.submit(customer=customer, points=number + 11, reason=f"Case {number + 1}")
    with desk.person("checker") as page, desk.person("checker2") as other:
        choose(page, customer, 24)
        expect(page.locator("dl.leads")).to_contain_text("540")  # 11 + 12 + … + 34
        choose(other, customer, 20)
        other.get_by_label("One message for all").fill("All of one complaint")
        other.get_by_role("button", name="Reject 20").click()
        expect(other.get_by_role("status")).to_contain_text("20 of 20: 20 decided, 0 not decided")

        page.get_by_label("One message for all").fill("Within the rules")
        page.get_by_role("button", name="Approve 24").click()

        expect(page.get_by_role("status")).to_contain_text("24 of 24: 4 decided, 0 not decided, 20 left out")
        told = rows(page).all_inner_texts()
        assert len(told) == 24
        assert ["Already decided." in text for text in told] == [True] * 20 + [False] * 4
        page.get_by_role("button", name="Choose again the 20 that were not decided").click()
        expect(page.get_by_text("Nothing of this can be decided by you now.")).to_be_visible()
        page.goto(f"{TASKS}?show=decided&q={customer}")
        expect(rows(page).filter(has_text="Approved")).to_have_count(4)
        expect(rows(page).filter(has_text="Rejected")).to_have_count(20)


def test_everything_that_a_filter_finds_is_decided_with_one_message(desk: Desk) -> None:
    customer = new_customer()
    for points in (60, 70, 80):
        desk.submit(customer=customer, points=points)
    with desk.person("checker") as page:
        page.goto(f"{TASKS}?q={customer}")
        page.get_by_role("button", name="Decide all that match").click()
        expect(page.get_by_role("heading", name="Decide 3 at once")).to_be_visible()
        page.get_by_role("button", name="Approve 3").click()
        expect(page.get_by_role("alert")).to_contain_text("Say why")

        page.get_by_text("Within the rules", exact=True).click()
        page.get_by_role("button", name="Approve 3").click()

        expect(page.get_by_role("status")).to_contain_text("3 of 3: 3 decided, 0 not decided")


@contextmanager
def hearing_nothing(page: Page) -> Iterator[None]:
    """What the page asks for meanwhile is answered afterwards."""
    page.route("**/progress/*", lambda _route: None)
    yield
    page.unroute("**/progress/*")


def test_what_goes_on_in_the_background_is_followed_left_and_come_back_to(desk: Desk) -> None:
    reason, customers = "After the storm", [new_customer() for _ in range(IN_BACKGROUND)]
    with ThreadPoolExecutor(4) as clients:
        list(clients.map(lambda customer: desk.submit(customer=customer, points=11, reason=reason), customers))
    desk.let_intouch_say("429", times=0)
    with desk.person("checker") as page:
        page.goto(f"{TASKS}?reason={reason}")
        page.get_by_role("button", name="Decide all that match").click()
        page.get_by_label("One message for all").fill("All of one complaint")
        with hearing_nothing(page):
            page.get_by_role("button", name=f"Approve {IN_BACKGROUND}").click()
            expect(page.get_by_role("progressbar")).to_be_visible()
            assert_accessible(page)
            address = page.url
            page.goto(TASKS)

        page.goto(RUNS)
        rows(page).get_by_role("link", name=str(IN_BACKGROUND)).click()
        assert page.url.startswith(address.partition("?")[0])
        # While it is on its way, the page changes by itself; at the end it has its list.
        expect(page.get_by_role("status")).to_contain_text(f"{IN_BACKGROUND} of {IN_BACKGROUND}: 201 decided, 0 not")
        expect(page.get_by_role("progressbar")).to_have_count(0)
        expect(page.locator("[data-became]")).to_contain_text("being carried out")

        page.evaluate("window.isStillTheSame = true")
        desk.let_intouch_work()
        expect(page.locator("[data-became]")).to_have_text(f"{IN_BACKGROUND} credited", timeout=4 * PATIENCE_MS)
        expect(rows(page).filter(has_text="Credited")).to_have_count(100)
        assert page.evaluate("window.isStillTheSame")


def test_leaving_the_confirmation_decides_nothing(desk: Desk) -> None:
    customer = new_customer()
    desk.submit(customer=customer)
    with desk.person("checker") as page:
        choose(page, customer, 1)
        page.get_by_role("link", name="Back to the list, deciding nothing").click()
        expect(page.get_by_role("heading", name="Tasks", exact=True)).to_be_visible()
        page.goto(f"{TASKS}?q={customer}")
        expect(rows(page)).to_have_count(1)

"""Many tasks at once, in a browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.e2e.desk import PATIENCE_MS, TASKS, TOGETHER, Desk, new_customer, rows

pytestmark = TOGETHER
expect.set_options(timeout=PATIENCE_MS)


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


def test_leaving_the_confirmation_decides_nothing(desk: Desk) -> None:
    customer = new_customer()
    desk.submit(customer=customer)
    with desk.person("checker") as page:
        choose(page, customer, 1)
        page.get_by_role("link", name="Back to the list, deciding nothing").click()
        expect(page.get_by_role("heading", name="Tasks", exact=True)).to_be_visible()
        page.goto(f"{TASKS}?q={customer}")
        expect(rows(page)).to_have_count(1)

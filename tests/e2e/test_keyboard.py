"""The desk without a mouse."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.e2e.desk import NARROW, PATIENCE_MS, TASKS, TOGETHER, WIDE, Desk, new_customer, rows

pytestmark = TOGETHER
expect.set_options(timeout=PATIENCE_MS)


def tab_stops(page: Page, number: int) -> list[str]:
    """What each of the next presses of Tab leads to, by the name that a screen reader says."""
    found = []
    for _ in range(number):
        page.keyboard.press("Tab")
        found.append(page.evaluate(_NAME))
    return found


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what is called so has the focus."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate(_NAME).startswith(name):
            return
    raise AssertionError(f"{name} is not reached by Tab")


_NAME = """() => {
  const element = document.activeElement;
  const label = element.labels && element.labels.length ? element.labels[0].textContent : "";
  return (element.getAttribute("aria-label") || label || element.textContent).trim();
}"""


def test_a_checker_logs_in_finds_opens_and_decides_with_the_keyboard_alone(desk: Desk) -> None:
    customer = new_customer()
    for points in (52, 53):
        desk.submit(customer=customer, points=points)
    with desk.anybody() as page:
        page.goto("/admin/")
        page.keyboard.type("checker")
        page.keyboard.press("Tab")
        page.keyboard.type(desk.passwords["checker"])
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Your desk").wait_for()
        tab_to(page, "Tasks")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Tasks").wait_for()

        page.keyboard.press("/")
        page.keyboard.type(str(customer))
        page.keyboard.press("Enter")
        expect(rows(page)).to_have_count(2)
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("k")
        expect(rows(page).first.get_by_role("link")).to_be_focused()
        page.keyboard.press("Enter")

        expect(page.get_by_label("Message", exact=True)).to_be_visible()
        page.keyboard.press("a")
        expect(page.get_by_label("Message", exact=True)).to_be_focused()
        page.keyboard.type("rather not: a and r are letters here")
        page.keyboard.press("Control+Enter")
        expect(page.get_by_role("button", name="Approve")).to_be_focused()
        page.keyboard.press("r")
        expect(page.get_by_role("button", name="Reject")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator(".messagelist")).to_contain_text(f"Rejected: 52 for customer {customer}")


def test_n_opens_the_next_task_and_decides_nothing(desk: Desk) -> None:
    customer = new_customer()
    desk.submit(customer=customer)
    desk.submit(customer=new_customer())
    with desk.person("checker") as page:
        page.goto(f"{TASKS}?q={customer}")
        rows(page).get_by_role("link").click()
        expect(page.get_by_label("Message", exact=True)).to_be_visible()
        before = page.url
        page.keyboard.press("n")
        expect(page).not_to_have_url(before)
        expect(page.get_by_label("Message", exact=True)).to_be_visible()
        page.goto(f"{TASKS}?q={customer}")
        expect(rows(page)).to_have_count(1)


def test_j_and_k_go_through_the_tasks_and_the_slash_searches_from_there(desk: Desk) -> None:
    customer = new_customer()
    for points in (61, 62):
        desk.submit(customer=customer, points=points)
    with desk.person("checker") as page:
        page.goto(f"{TASKS}?q={customer}")
        rows(page).first.get_by_role("link").click()
        first = page.locator(".leads")
        expect(first).to_contain_text("61")
        page.keyboard.press("j")
        expect(first).to_contain_text("62")
        page.keyboard.press("k")
        expect(first).to_contain_text("61")
        page.keyboard.press("/")
        page.keyboard.type(str(customer))
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Requests")).to_be_visible()
        expect(rows(page)).to_have_count(2)


def test_the_row_that_has_the_focus_is_never_hidden_behind_the_bar(desk: Desk) -> None:
    customer = new_customer()
    for _ in range(25):
        desk.submit(customer=customer, points=11)
    with desk.person("checker") as page:
        for size in (WIDE, NARROW):
            page.set_viewport_size(size)
            page.goto(f"{TASKS}?q={customer}")
            expect(rows(page)).to_have_count(25)
            hidden = []
            for place in range(25):
                page.keyboard.press("j")
                if page.evaluate(_BELOW_THE_BAR) > 0:
                    hidden.append(place)
            assert hidden == []


_BELOW_THE_BAR = """() => {
  const row = document.activeElement.closest("tr").getBoundingClientRect();
  return Math.round(row.bottom - document.querySelector(".bulk-bar").getBoundingClientRect().top);
}"""


def test_x_chooses_the_row_and_the_question_mark_tells_all_keys(desk: Desk) -> None:
    customer = new_customer()
    desk.submit(customer=customer)
    with desk.person("checker") as page:
        page.goto(f"{TASKS}?q={customer}")
        page.keyboard.press("j")
        page.keyboard.press("x")
        expect(rows(page).get_by_role("checkbox")).to_be_checked()

        page.keyboard.press("?")
        told = page.get_by_role("dialog", name="Keyboard")
        expect(told).to_be_visible()
        page.keyboard.press("Escape")
        expect(told).to_be_hidden()


def test_keys_that_are_switched_off_do_nothing(desk: Desk) -> None:
    customer = new_customer()
    desk.submit(customer=customer)
    with desk.person("checker") as page:
        page.goto(f"{TASKS}?q={customer}")
        page.keyboard.press("?")
        page.get_by_label("Use these keys in this browser").uncheck()
        page.get_by_role("button", name="Close").click()
        page.keyboard.press("j")
        expect(rows(page).get_by_role("link")).not_to_be_focused()
        page.reload()
        page.keyboard.press("/")
        expect(page.get_by_label("Find", exact=True)).not_to_be_focused()


def test_tab_leads_from_the_skip_link_to_the_decision_in_the_order_of_reading(desk: Desk) -> None:
    customer = new_customer()
    desk.submit(customer=customer)
    with desk.person("checker") as page:
        page.goto(f"{TASKS}?q={customer}")
        rows(page).get_by_role("link").click()
        page.get_by_label("Message", exact=True).wait_for()
        assert tab_stops(page, 1) == ["Skip to main content"]
        page.keyboard.press("a")
        stops = tab_stops(page, 4)
        assert stops == ["Ticket checked", "Approve", "Reject", "Then open the next task"]
        for name in ("Approve", "Reject"):
            button = page.get_by_role("button", name=name)
            button.focus()
            assert button.evaluate("element => getComputedStyle(element).outlineStyle") != "none"

"""One task after the other, in a browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.e2e.desk import NARROW, PATIENCE_MS, REQUESTS, TASKS, TOGETHER, Desk, new_customer, rows

pytestmark = TOGETHER
expect.set_options(timeout=PATIENCE_MS)


def test_whoever_logs_in_lands_on_their_desk_and_a_wrong_password_says_so(desk: Desk) -> None:
    with desk.anybody() as page:
        page.goto("/")
        page.get_by_label("Username").fill("checker")
        page.get_by_label("Password").fill("not this one")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_text("Please enter the correct username and password")).to_be_visible()

        desk.log_in(page, "checker")
        expect(page.get_by_role("heading", name="Waiting for you")).to_be_visible()


def test_approving_needs_a_message_and_shows_the_credit_without_reloading(desk: Desk) -> None:
    customer = new_customer()
    desk.submit(customer=customer, points=45)
    with desk.person("checker") as page:
        page.goto(f"{TASKS}?q={customer}")
        rows(page).get_by_role("link").click()
        page.get_by_label("Then open the next task").uncheck()
        page.get_by_role("button", name="Approve").click()
        expect(page.get_by_role("alert")).to_contain_text("Say why")

        page.get_by_label("Message", exact=True).fill("Ticket 4711 says so")
        page.get_by_role("button", name="Approve").click()

        expect(page.locator(".messagelist")).to_contain_text(f"Approved: 45 for customer {customer}")
        expect(page.locator(".page-head .chip")).to_have_text("Credited")
        expect(page.locator("blockquote").first).to_have_text("Ticket 4711 says so")


def test_a_usual_task_needs_no_scrolling_on_a_laptop(desk: Desk) -> None:
    customer = new_customer()
    desk.submit(customer=customer, points=44)
    with desk.person("checker2", viewport={"width": 1366, "height": 680}) as page:
        page.goto(f"{TASKS}?q={customer}")
        rows(page).get_by_role("link").click()
        page.get_by_label("Message", exact=True).wait_for()
        assert page.evaluate("document.documentElement.scrollHeight - innerHeight") <= 0


def test_what_happened_is_told_on_an_open_page_without_a_reload(desk: Desk) -> None:
    request_id = desk.submit(customer=new_customer())
    with desk.person("checker") as page:
        page.goto(f"{REQUESTS}{request_id}/change/")
        told = page.get_by_role("region", name="What happened")
        expect(told).to_contain_text("made the request")
        desk.decide(request_id, "rejected")
        expect(told).to_contain_text("rejected")
        expect(page.locator(".page-head .chip")).to_have_text("Rejected")


def test_an_open_page_says_that_its_reader_is_logged_out_by_now_and_asks_no_more(desk: Desk) -> None:
    customer = new_customer()
    desk.submit(customer=customer)
    with desk.person("checker") as page:
        page.goto(f"{TASKS}?q={customer}")
        rows(page).get_by_role("link").click()
        page.get_by_label("Message", exact=True).wait_for()
        page.context.clear_cookies()
        expect(page.get_by_text("You are logged out")).to_be_visible()
        page.get_by_role("link", name="Reload").click()
        expect(page.get_by_label("Password")).to_be_visible()


def test_on_a_phone_the_chosen_tab_and_the_orders_are_in_sight(desk: Desk) -> None:
    desk.submit(customer=new_customer())
    with desk.person("checker", viewport=NARROW) as page:
        page.goto(f"{TASKS}?show=decided")
        expect(page.locator(".tabs [aria-current]")).to_be_in_viewport(ratio=1)
        page.goto(TASKS)
        orders = page.locator(".rows thead a")
        assert orders.count() == 4
        for order in orders.all():
            expect(order).to_be_in_viewport(ratio=1)


def test_the_inbox_shows_twelve_tasks_on_a_laptop(desk: Desk) -> None:
    for _ in range(12):
        desk.submit(customer=new_customer(), points=11)
    with desk.person("checker2") as page:
        page.goto(TASKS)
        expect(rows(page).nth(11)).to_be_in_viewport()
        twelfth, bar = rows(page).nth(11).bounding_box(), page.locator(".bulk-bar").bounding_box()
        assert twelfth["y"] + twelfth["height"] <= bar["y"]


def test_rejecting_needs_a_message_and_a_usual_one_is_a_click_away(desk: Desk) -> None:
    customer = new_customer()
    desk.submit(customer=customer, points=46)
    with desk.person("checker") as page:
        page.goto(f"{TASKS}?q={customer}")
        rows(page).get_by_role("link").click()
        page.get_by_role("button", name="Reject").click()
        expect(page.get_by_role("alert")).to_contain_text("Say why")

        page.get_by_text("No ticket found", exact=True).click()
        expect(page.get_by_label("Message", exact=True)).to_have_value("No ticket found")
        page.get_by_role("button", name="Reject").click()

        expect(page.locator(".messagelist")).to_contain_text(f"Rejected: 46 for customer {customer}")
        page.goto(f"{TASKS}?show=decided&q={customer}")
        expect(rows(page)).to_contain_text("Rejected")


def test_the_outcome_of_an_approval_appears_on_whatever_page_is_open_by_then(desk: Desk) -> None:
    customer = new_customer()
    request_id = desk.submit(customer=customer, points=47, referenceId="walk-busy")
    desk.let_intouch_say("429", referenceId="walk-busy", times=0)
    with desk.person("checker") as page:
        page.goto(f"{TASKS}?q={customer}")
        rows(page).get_by_role("link").click()
        page.get_by_label("Message", exact=True).fill("Within the rules")
        page.get_by_role("button", name="Approve").click()

        mine = page.locator(f"[data-followed='{request_id}'] .chip")
        expect(mine).to_have_text("Being carried out")
        desk.let_intouch_work()
        opened = page.evaluate("performance.timeOrigin")
        expect(mine).to_have_text("Credited")
        expect(page.locator("[data-live-said]")).to_contain_text(f"47 · {customer}: Credited")
        assert page.evaluate("performance.timeOrigin") == opened, "the page was loaded again"


def test_a_task_that_somebody_else_decides_says_so_before_the_click(desk: Desk) -> None:
    customer = new_customer()
    request_id = desk.submit(customer=customer, points=48)
    with desk.person("checker2") as page:
        page.goto(f"{TASKS}?q={customer}")
        rows(page).get_by_role("link").click()
        page.get_by_label("Message", exact=True).fill("I was slower")
        expect(page.get_by_role("button", name="Approve")).to_be_enabled()

        desk.decide(request_id, "rejected")

        expect(page.locator("[data-live-notice]")).to_contain_text("This task was already rejected by")
        expect(page.get_by_role("button", name="Approve")).to_be_disabled()
        expect(page.get_by_role("button", name="Reject")).to_be_disabled()


def test_a_maker_withdraws_and_the_checker_finds_nothing_to_decide(desk: Desk) -> None:
    customer = new_customer()
    desk.submit(customer=customer, points=49)
    with desk.person("maker") as page:
        page.goto(f"{TASKS}?show=mine&q={customer}")
        rows(page).get_by_role("link").click()
        expect(page.get_by_role("button", name="Approve")).to_have_count(0)
        page.get_by_label("Withdraw your request, because").fill("Entered twice")
        page.get_by_role("button", name="Withdraw").click()
        expect(page.locator(".page-head .chip")).to_have_text("Withdrawn")
    with desk.person("checker") as page:
        page.goto(f"{TASKS}?q={customer}")
        expect(page.get_by_text("Nothing here matches")).to_be_visible()


def test_on_a_phone_a_task_is_read_and_decided_without_moving_sideways(desk: Desk) -> None:
    customer = new_customer()
    desk.submit(customer=customer, points=50)
    with desk.person("checker", viewport=NARROW, has_touch=True, is_mobile=True) as page:
        page.goto(f"{TASKS}?q={customer}")
        rows(page).get_by_role("link").tap()
        page.get_by_text("Ticket checked", exact=True).tap()
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
        page.get_by_role("button", name="Approve").tap()
        expect(page.locator(".messagelist")).to_contain_text(f"Approved: 50 for customer {customer}")


def test_in_the_dark_the_desk_is_dark_and_the_switch_makes_it_light(desk: Desk) -> None:
    with desk.person("checker", color_scheme="dark") as page:
        page.goto(TASKS)
        assert brightness(page) < 0.2
        page.get_by_role("button", name="Toggle theme").click()
        assert brightness(page) > 0.8


def brightness(page: Page) -> float:
    """Of the page's background, from 0 to 1."""
    channels = page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).slice(0, 3).map(Number)"
    )
    return float(sum(channels)) / (3 * 255)


def test_stored_markup_is_shown_as_text_wherever_it_comes_back(desk: Desk) -> None:
    customer = new_customer()
    markup = "<img src=x onerror=alert(1)><script>document.title='owned'</script>"
    request_id = desk.submit(customer=customer, points=51, reason=markup, comments=f"<b>{markup}</b>")
    with desk.person("checker") as page:
        page.on("dialog", lambda dialog: dialog.dismiss())
        page.goto(f"{TASKS}?q={customer}")
        expect(rows(page)).to_contain_text(markup)
        rows(page).get_by_role("checkbox").check()
        page.get_by_role("button", name="Decide the chosen ones").click()
        expect(page.locator(".few")).to_contain_text("<img src=x onerror=alert(1)>")
        page.goto(f"{TASKS}?q={customer}")
        rows(page).get_by_role("link").click()
        expect(page.get_by_text(markup, exact=True).first).to_be_visible()
        page.get_by_label("Message", exact=True).fill(markup)
        page.get_by_label("Then open the next task").uncheck()
        page.get_by_role("button", name="Reject").click()
        expect(page.locator("blockquote").first).to_have_text(markup)
        page.goto(f"/admin/workflows/workflowrequest/{request_id}/change/")
        expect(page.locator("blockquote").first).to_have_text(markup)
        assert page.locator("img[src='x']").count() == 0
        assert "owned" not in page.title()

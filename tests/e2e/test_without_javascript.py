"""Everything but live updates works in a browser that runs no scripts."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.desk import PATIENCE_MS, TASKS, TOGETHER, Desk, new_customer, rows

pytestmark = TOGETHER
expect.set_options(timeout=PATIENCE_MS)


def downloaded(page: Page, button: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return Path(download.value.path()).read_bytes()


def test_a_checker_logs_in_and_decides(desk: Desk) -> None:
    customer = new_customer()
    desk.submit(customer=customer, points=54)
    with desk.anybody(java_script_enabled=False) as page:
        desk.log_in(page, "checker")
        page.goto(f"{TASKS}?q={customer}")
        rows(page).get_by_role("link").click()
        page.get_by_text("The store promised it", exact=True).click()
        page.get_by_role("button", name="Approve").click()
        expect(page.locator(".messagelist")).to_contain_text(f"Approved: 54 for customer {customer}")


def test_a_checker_decides_in_bulk_and_exports_what_was_decided(desk: Desk) -> None:
    customer = new_customer()
    for points in (55, 56):
        desk.submit(customer=customer, points=points, reason="=1+1")
    with desk.person("checker", java_script_enabled=False) as page:
        page.goto(f"{TASKS}?q={customer}")
        for box in rows(page).get_by_role("checkbox").all():
            box.check()
        page.get_by_role("button", name="Decide the chosen ones").click()
        page.get_by_label("One message for all").fill("Within the rules")
        page.get_by_role("button", name="Reject 2").click()
        expect(page.get_by_role("status")).to_contain_text("2 of 2: 2 decided")

        page.goto(f"{TASKS}?show=decided&q={customer}")
        lines = list(csv.reader(io.StringIO(downloaded(page, "Export as CSV").decode("utf-8-sig"))))
        assert len(lines) == 3
        assert all(str(customer) in line and "'=1+1" in line for line in lines[1:])
        workbook = zipfile.ZipFile(io.BytesIO(downloaded(page, "Export as XLSX")))
        assert "xl/worksheets/sheet1.xml" in workbook.namelist()


def test_a_maker_is_told_what_is_wrong_and_then_submits_and_withdraws(desk: Desk) -> None:
    customer = new_customer()
    with desk.person("maker", java_script_enabled=False) as page:
        page.goto("/admin/")
        page.get_by_role("link", name="New request").first.click()
        page.get_by_label("Points").fill("-1")
        page.get_by_role("button", name="Send to a checker").click()
        expect(page.get_by_role("alert")).to_contain_text("Nothing was sent yet")

        page.get_by_label("Customer", exact=True).fill(str(customer))
        page.get_by_label("Points").fill("57")
        page.get_by_label("Reason").fill("Late delivery")
        for name in ("Till", "Store", "Zone", "Concept"):
            page.get_by_label(name, exact=True).fill("50682289")
        page.get_by_role("button", name="Send to a checker").click()
        expect(page.locator(".messagelist")).to_contain_text(f"Sent: 57 for customer {customer}")

        page.get_by_role("button", name="Withdraw").click()
        expect(page.locator(".messagelist")).to_contain_text("withdrawn")

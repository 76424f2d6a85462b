"""What somebody finds who has just typed `make run`: the demo data, and a desk that explains itself."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.desk import PATIENCE_MS, REQUESTS, TOGETHER, Desk, rows

pytestmark = TOGETHER
expect.set_options(timeout=PATIENCE_MS)


def test_a_newcomer_finds_varied_requests_decides_one_decides_ten_and_exports_the_result(desk: Desk) -> None:
    with desk.anybody(viewport={"width": 1366, "height": 768}) as page:
        desk.log_in(page, "checker")

        page.get_by_role("link", name="Start with the oldest").click()
        page.get_by_text("Ticket checked", exact=True).click()
        page.get_by_role("button", name="Approve").click()
        expect(page.locator(".messagelist")).to_contain_text("Approved:")

        page.get_by_role("link", name="Tasks").first.click()
        for place in range(10):
            rows(page).get_by_role("checkbox").nth(place).check()
        page.get_by_role("button", name="Decide the chosen ones").click()
        page.get_by_text("Within the rules", exact=True).click()
        page.get_by_role("button", name="Approve 10").click()
        expect(page.get_by_role("status")).to_contain_text("10 of 10: 10 decided")

        page.get_by_role("link", name="Tasks").first.click()
        page.get_by_role("navigation", name="List").get_by_role("link", name="Decided", exact=True).click()
        with page.expect_download() as download:
            page.get_by_role("button", name="Export as CSV").click()
        lines = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig"))))
        assert len(lines) >= 11


def test_the_demo_has_at_least_thirty_requests_of_several_makers_in_every_common_state(desk: Desk) -> None:
    with desk.person("auditor") as page:
        page.goto(f"{REQUESTS}?made_from=2000-01-01")
        with page.expect_download() as download:
            page.get_by_role("button", name="Export as CSV").click()
        lines = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig"))))
        demo = [line for line in lines if line["Reference"].startswith("demo-")]
        assert len(demo) >= 30
        assert len({line["Maker"] for line in demo}) >= 3
        assert len({line["Reason"] for line in demo}) >= 8
        assert len({line["Points"] for line in demo}) >= 10

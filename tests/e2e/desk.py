"""The desk as people see it: a running service with its demo data, and browsers in which somebody has logged in."""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.e2e.started import PROJECT, Started

# One group, so that all of them share one service and one browser.
TOGETHER = [pytest.mark.e2e, pytest.mark.timeout(600), pytest.mark.xdist_group("browser")]
# Ample on a machine that does much else meanwhile; nothing waits longer than it has to.
PATIENCE_MS = 45_000
WIDE, NARROW = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
TASKS, REQUESTS, RUNS = "/admin/workflows/admintask/", "/admin/workflows/workflowrequest/", "/admin/workflows/bulkrun/"
SEED = json.loads((PROJECT / "tests/seeds/submit_request.json").read_text())
_customers = itertools.count(700_000_001)
_references = itertools.count(1)


def new_customer() -> int:
    """A customer whom no other test knows, so that their number finds exactly the test's own requests."""
    return next(_customers)


class Desk:
    def __init__(self, run: Started, browser: Browser) -> None:
        self.url = run.summary["base_url"]
        self.sandbox_url = run.summary["sandbox_url"]
        self.passwords = dict(re.findall(r"^  (\w+) +(\S+)  \w", run.printed, re.MULTILINE))
        self._run = run
        self._browser = browser
        self._logged_in: dict[str, Any] = {}

    # Browsers

    @contextmanager
    def anybody(self, **options: Any) -> Iterator[Page]:
        """A fresh browser. Whatever its pages say on the console, CSP violations included, fails the test."""
        with self._context(**options) as context:
            yield context.new_page()

    @contextmanager
    def person(self, username: str, **options: Any) -> Iterator[Page]:
        """A browser of their own in which they have logged in; each gets the session of one log-in."""
        if username not in self._logged_in:
            with self._context() as context:
                page = context.new_page()
                self.log_in(page, username)
                self._logged_in[username] = context.storage_state()
        with self._context(storage_state=self._logged_in[username], **options) as context:
            yield context.new_page()

    def log_in(self, page: Page, username: str) -> None:
        page.goto("/admin/")
        page.get_by_label("Username").fill(username)
        page.get_by_label("Password").fill(self.passwords[username])
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("heading", name="Your desk").wait_for()

    @contextmanager
    def _context(self, **options: Any) -> Iterator[BrowserContext]:
        options = {"viewport": WIDE, "base_url": self.url, **options}
        context = self._browser.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        complaints: list[str] = []
        context.on("console", lambda message: complaints.extend(_complaint(message)))
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        try:
            yield context
        finally:
            context.close()
        assert complaints == []

    # The service, as other clients of it

    def submit(self, *, customer: int, maker: str = "maker", **fields: Any) -> str:
        """A request that waits for a checker, its fields being those of the innermost body; its id."""
        body = copy.deepcopy(SEED)
        inner = body["payload"]["IntouchAPITask-Payload"]["body"]
        inner |= {"referenceId": f"walk-{next(_references)}", "earningEntityId": customer, **fields}
        answered = self._call(maker, "POST", "/GOODWILL-POINTS", body)
        assert answered["state"] == "AdminTask"
        return str(answered["requestId"])

    def decide(self, request_id: str, decision: str, *, checker: str = "checker") -> None:
        """Over the API, at once."""
        task = {"AdminTask-Payload": {"actionDecision": decision, "actionMessage": "decided over the API"}}
        body = {"requestId": request_id, "actionName": "AdminTask", "payload": task}
        self._call(checker, "PUT", "/GOODWILL-POINTS", body)

    def let_intouch_say(self, fault: str, **options: Any) -> None:
        answer = requests.post(f"{self.sandbox_url}/faults", json={"fault": fault, **options}, timeout=30)
        assert answer.status_code == 201, answer.text

    def let_intouch_work(self) -> None:
        assert requests.delete(f"{self.sandbox_url}/faults", timeout=30).ok

    def _call(self, role: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
        headers = {
            "X-CAP-API-AUTH-ORG-ID": str(self._run.summary["org_id"]),
            "X-CAP-UI-AUTH-TOKEN": self._run.summary[role]["ui_token"],
        }
        url = f"{self.url}/api_gateway/v2/request-workflow{path}"
        answer = requests.request(method, url, headers=headers, json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data


def _complaint(message: ConsoleMessage) -> list[str]:
    """What the browser complains of. A page that answers 4xx, as a refused form does, is no fault of the page."""
    if message.type not in ("error", "warning"):
        return []
    place = message.location.get("url", "")
    if message.text.startswith("Failed to load resource") and "/admin/" in place and "/static/" not in place:
        return []
    return [f"{place}: {message.text}"]


def rows(page: Page) -> Any:
    """The rows of the list."""
    return page.locator("table.rows tbody tr")

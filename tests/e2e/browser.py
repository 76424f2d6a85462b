"""The browser of the walks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.e2e.chromium import ARGUMENTS, find_chromium


@contextmanager
def chromium() -> Iterator[Browser]:
    found = find_chromium()
    environment = {**os.environ, **found.environment}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found.program, env=environment, args=list(ARGUMENTS), timeout=120_000
        )
        yield browser
        browser.close()

"""One service with its demo data and one browser for all walks; both end with this directory's last test.

They do not outlive it: while Playwright runs, Django takes the process for an asynchronous one and refuses queries.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.e2e.browser import chromium
from tests.e2e.desk import Desk
from tests.e2e.started import Started, embedded_servers, free_ports, started

QUICK = {"SWEEP_SECONDS": "1", "INTOUCH_BACKOFF_SECONDS": "0.5", "INTOUCH_BACKOFF_MOST_SECONDS": "1"}


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """`make run`, without make."""
    var = tmp_path_factory.mktemp("walks") / "var"
    with embedded_servers() as environment, started(environment | QUICK, var, free_ports()) as run:
        run.wait_until_ready()
        yield run


@pytest.fixture(scope="package")
def desk(serving: Started, browser: Browser) -> Desk:
    return Desk(serving, browser)

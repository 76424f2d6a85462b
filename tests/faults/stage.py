"""The fixtures of the whole service as processes, for `conftest.py`. See `tests.faults.service`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.service import Service


@pytest.fixture(scope="session")
def furnished_service() -> Iterator[Service]:
    """Servers, sandboxes, two organisations and one web process; no worker and no beat."""
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="goodwill-faults-"))
        service = Service(Path(directory), stack, max_connections=40)
        service.web()
        yield service


@pytest.fixture(scope="module")
def service(furnished_service: Service) -> Service:
    """The service with an empty broker, so that a module meets no message of another."""
    furnished_service.broker.flushdb()
    return furnished_service

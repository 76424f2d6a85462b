"""The whole service as processes, at its most talkative, for the tests that need real ones; and the API's client."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.api.gateway import gateway
from tests.faults.service import Service

__all__ = ["gateway"]


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """Servers, sandboxes and organisations, everything logged; no process of ours yet."""
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="goodwill-security-"))
        yield Service(Path(directory), stack, LOG_LEVEL="DEBUG", LOG_FORMAT="json")


@pytest.fixture
def silent() -> Iterator[None]:
    """A walk over all pages meets thousands of refusals; writing them all down would take longer than the walk."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)

"""The broker's database of this test process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from tests.faults.stage import furnished_service, service  # noqa: F401 - fixtures of the tests that kill servers


@pytest.fixture
def broker() -> Iterator[Any]:
    """Empty before and after; other databases of the same broker are not ours."""
    client = redis.Redis.from_url(os.environ["CELERY_BROKER_URL"])
    client.flushdb()
    yield client
    client.flushdb()
    client.close()

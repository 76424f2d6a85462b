"""A committed house that calls a sandbox in a process of its own, and this process's database of the broker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.faults.processes import Sandbox, sandbox_process
from tests.faults.stage import furnished_service, service  # noqa: F401 - fixtures of tests with killed servers
from tests.house import House


@pytest.fixture
def sandbox(tmp_path: Path, transactional_db: Any) -> Iterator[Sandbox]:
    with sandbox_process(tmp_path) as running:
        yield running


@pytest.fixture
def house(committed_house: House, sandbox: Sandbox) -> House:
    committed_house.target.base_url = sandbox.url
    committed_house.target.save()
    return committed_house


@pytest.fixture(autouse=True)
def broker() -> Iterator[Any]:
    """The broker's database of this test process, empty before and after; other databases of it are not ours."""
    client = redis.Redis.from_url(os.environ["CELERY_BROKER_URL"])
    client.flushdb()
    yield client
    client.flushdb()
    client.close()

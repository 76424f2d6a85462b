"""Configurations under which the promises would not hold are refused, by `check` and by a worker that starts."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.checks import run_checks
from django.db import connection

from config.embedded.directories import PROJECT
from tests.faults.killable import OwnValkey
from tests.faults.processes import environment
from workflows.checks import errors_at_worker_start

PATIENCE = 60
WORKER = [sys.executable, "-m", "celery", "-A", "config", "worker", "--pool", "threads", "--concurrency", "1"]


def found() -> set[str]:
    """The errors of ours, of every kind of check."""
    messages = run_checks(databases=["default"], include_deployment_checks=True)
    return {str(message.id) for message in messages} & {f"workflows.E00{number}" for number in (1, 4, 5, 6, 7, 8)}


@pytest.fixture
def broker(tmp_path: Path, settings: Any) -> Iterator[redis.Redis]:
    """A broker of this test's own: what is set there holds for the whole server."""
    server = OwnValkey(tmp_path)
    settings.CELERY_BROKER_URL = server.start()
    try:
        yield redis.Redis.from_url(settings.CELERY_BROKER_URL)
    finally:
        server.end(signal.SIGKILL)


@pytest.fixture
def forgetful_database(transactional_db: Any) -> Iterator[None]:
    """New sessions of this database do not wait for the disk."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        (name,) = cursor.fetchone()
        cursor.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        yield
        cursor.execute(f'ALTER DATABASE "{name}" RESET synchronous_commit')


def test_the_configuration_of_the_tests_is_good(db: None) -> None:
    assert (found(), errors_at_worker_start()) == (set(), [])


@pytest.mark.parametrize(("lease", "errors"), [(59.9, {"workflows.E001"}), (60, set()), (1000, set())])
def test_a_lease_has_to_outlive_two_whole_calls(db: None, settings: Any, lease: float, errors: set[str]) -> None:
    settings.INTOUCH_TOTAL_SECONDS, settings.INTOUCH_LEASE_SECONDS = 30.0, lease
    assert found() == errors
    assert {error.id for error in errors_at_worker_start()} == errors


@pytest.mark.parametrize(("settle", "errors"), [(19.9, {"workflows.E007"}), (20, set())])
def test_a_look_up_has_to_wait_for_the_call(db: None, settings: Any, settle: float, errors: set[str]) -> None:
    settings.INTOUCH_TOTAL_SECONDS, settings.INTOUCH_SETTLE_SECONDS = 20.0, settle
    assert found() == errors
    assert {error.id for error in errors_at_worker_start()} == errors


@pytest.mark.parametrize(
    ("policy", "errors"),
    [("allkeys-lru", {"workflows.E006"}), ("allkeys-random", {"workflows.E006"}), ("volatile-lru", set())],
)
def test_a_broker_that_throws_messages_away_is_refused(
    db: None, broker: redis.Redis, policy: str, errors: set[str]
) -> None:
    broker.config_set("maxmemory-policy", policy)
    assert found() == errors
    assert {error.id for error in errors_at_worker_start()} == errors


@pytest.mark.parametrize("url", ["redis://127.0.0.1:9/0", "sentinel://127.0.0.1:9/0"])
def test_a_broker_that_cannot_be_asked_is_no_error(db: None, settings: Any, url: str) -> None:
    settings.CELERY_BROKER_URL = url
    assert found() == set()


def test_a_database_that_forgets_commits_is_refused(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
    assert found() == {"workflows.E005"}


@pytest.mark.usefixtures("forgetful_database")
def test_a_worker_says_all_that_is_wrong_and_does_not_start(broker: redis.Redis, settings: Any) -> None:
    broker.config_set("maxmemory-policy", "allkeys-lru")
    changes = {
        "INTOUCH_TOTAL_SECONDS": "30",
        "INTOUCH_LEASE_SECONDS": "31",
        "CELERY_BROKER_URL": settings.CELERY_BROKER_URL,
    }
    done = subprocess.run(
        WORKER, env=environment(**changes), cwd=PROJECT, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode not in (0, -signal.SIGKILL)
    for name in ("INTOUCH_LEASE_SECONDS", "maxmemory-policy", "synchronous_commit"):
        assert re.search(rf"^.*{name}.* [Ss]et it to ", done.stderr, re.MULTILINE), done.stderr

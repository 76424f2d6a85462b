"""What all tests share: a real PostgreSQL and a real Valkey, from the environment. Without them the tests fail."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """One broker database per test process, so that parallel ones do not take each other's messages."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    broker = os.environ.get("CELERY_BROKER_URL", "")
    if broker.rpartition("/")[2].isdigit():
        os.environ["CELERY_BROKER_URL"] = f"{broker.rpartition('/')[0]}/{1 + int(worker)}"
        os.environ["CACHE_URL"] = f"{broker.rpartition('/')[0]}/{8 + int(worker)}"


@pytest.fixture(scope="session", autouse=True)
def _flush_past_the_guards() -> Iterator[None]:
    """Tests that commit are cleaned up by TRUNCATE, which our own triggers refuse; only the clean-up goes past them."""
    from django.db.backends.postgresql.operations import DatabaseOperations

    original = DatabaseOperations.execute_sql_flush

    def flush(self: Any, statements: list[str]) -> None:
        guarded = ["SET session_replication_role = replica", *statements, "SET session_replication_role = origin"]
        original(self, guarded)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", flush)
        yield


@pytest.fixture(autouse=True)
def _cheap_passwords(settings: Any) -> None:
    """A password of a test needs no million rounds; the tests of the slow hash set it back."""
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "accounts.hashers.GeneratedSecretHasher",
    ]


@pytest.fixture(autouse=True)
def _no_failed_attempts_remembered() -> None:
    from django.core.cache import cache

    cache.clear()


@pytest.fixture
def house(db: Any) -> Any:
    """An organisation with its people, program, target and policy."""
    from tests.house import build_house

    return build_house()


@pytest.fixture
def committed_house(transactional_db: Any) -> Any:
    """The same, committed, for tests with several connections or processes."""
    from tests.house import build_house

    return build_house()

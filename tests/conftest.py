"""What all tests share: a real PostgreSQL and a real Valkey, from the environment. Without them the tests fail."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from typing import Any

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """One broker and one cache per test process, so that parallel ones take and clear nothing of each other's.

    pytest-django has read the settings before this runs, so they are changed and not the environment alone.
    """
    from django.conf import settings

    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    server, _, number = settings.CELERY_BROKER_URL.rpartition("/")
    if number.isdigit():
        os.environ["CELERY_BROKER_URL"] = settings.CELERY_BROKER_URL = f"{server}/{1 + worker}"
        settings.CACHES["default"]["LOCATION"] = f"{server}/{8 + worker}"
        # A busy machine must not look like a cache that is away.
        settings.CACHES["default"]["OPTIONS"] = {"socket_timeout": 30, "socket_connect_timeout": 30}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of an `xdist_group` in one process.

    pytest-xdist 3.8 writes the group into `_nodeid`, which pytest 9.2 reads no more, so groups would be scattered.
    """
    for item in items:
        grouped: str = vars(item).get("_nodeid", "")
        if grouped and grouped != item.nodeid:
            item._id = dataclasses.replace(item.id, names=tuple(grouped.split("::")[1:]), params=None)


# Made by `migrate`, changed by nobody, and costly to make again.
_KEPT = frozenset({"django_content_type", "auth_permission"})


@pytest.fixture(scope="session", autouse=True)
def _flush_past_the_guards() -> Iterator[None]:
    """Tests that commit are cleaned up past our own triggers, which refuse it; only the clean-up goes past them.

    By DELETE: sixty tables that are almost empty are emptied ten times as fast as they are truncated.
    """
    from django.core.management.commands import flush
    from django.db.backends.postgresql.operations import DatabaseOperations

    def sql_flush(self: Any, style: Any, tables: list[str], **_options: Any) -> list[str]:
        emptied = [f"DELETE FROM {self.quote_name(table)}" for table in tables if table not in _KEPT]
        return ["SET session_replication_role = replica", *emptied, "SET session_replication_role = origin"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", sql_flush)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *_args: None)
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

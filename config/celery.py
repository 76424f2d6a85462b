"""The Celery application. `celery -A config worker --pool threads` and `celery -A config beat` start it."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, task_prerun, worker_init, worker_ready

from config.settled import settle
from wire import correlation

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("goodwill")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """Connected so that Celery leaves the logging of `config.logs` alone."""


@worker_init.connect
def _refuse_to_break_promises(**_: Any) -> None:
    """A worker that would fail every request, or call twice for one, does not start; it says all that is wrong."""
    from workflows.checks import errors_at_worker_start

    if errors := errors_at_worker_start():
        raise SystemExit("\n".join(f"{error.msg} {error.hint}" for error in errors))


@worker_ready.connect
def _settle(**_: Any) -> None:
    settle()


@task_prerun.connect
def _take_correlation_id(task: Any = None, **_: Any) -> None:
    correlation.begin(_header(task, correlation.TASK_HEADER))


def _header(task: Any, name: str) -> str | None:
    value = (task.request.headers or {}).get(name)
    return value if isinstance(value, str) else None

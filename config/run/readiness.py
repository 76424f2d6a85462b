"""Waiting until everything that was started answers."""

from __future__ import annotations

import time
from collections.abc import Callable

import requests
from celery import Celery
from kombu.exceptions import OperationalError

from config.run.children import Children
from config.run.place import Place
from config.run.trouble import Trouble

START_SECONDS = 180


def wait_until_ready(children: Children, place: Place) -> None:
    """Return when web, sandbox and worker have each answered once.

    Raises:
        Trouble: one of them ended, or stays silent.
    """
    questions: dict[str, Callable[[], bool]] = {
        "sandbox": lambda: _answers(f"{place.sandbox_url}/ledger"),
        "web": lambda: _answers(f"{place.base_url}/readyz"),
        "worker": lambda: _worker_answers(place.environment()["CELERY_BROKER_URL"]),
    }
    deadline = time.monotonic() + START_SECONDS
    for name, answers in questions.items():
        while not answers():
            children.watch()
            if time.monotonic() > deadline:
                raise Trouble(f"{name} does not answer within {START_SECONDS} s: see {place.logs / f'{name}.log'}")


def _answers(url: str) -> bool:
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(url, timeout=5).ok
        except requests.RequestException:
            return False


def _worker_answers(broker: str) -> bool:
    """Whether a worker answers a ping; the settings of the service are not needed for that."""
    with Celery(broker=broker, set_as_current=False) as asker:
        try:
            return bool(asker.control.ping(timeout=0.5, limit=1))
        except (OperationalError, OSError):
            return False

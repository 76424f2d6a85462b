"""No full collection makes a process of the service stand still."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.e2e.started import PROJECT

COUNTED = "import gc; print(gc.get_freeze_count(), len(gc.get_objects()))"
LOADED = "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'; "
SERVED = LOADED + "import config.wsgi; "
WORKED = (
    LOADED + "import django; django.setup(); from celery.signals import worker_ready;"
    " import config.celery; worker_ready.send(None); "
)
# The same service without it.
UNSETTLED = LOADED + (
    "from django.core.wsgi import get_wsgi_application; get_wsgi_application();"
    " from django.urls import get_resolver; get_resolver().reverse_dict; "
)


def objects_of(code: str) -> tuple[int, int]:
    """How many objects the collector leaves alone in a process that has done this, and how many it walks through."""
    done = subprocess.run(
        [sys.executable, "-c", code + COUNTED], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    frozen, walked = done.stdout.split()[-2:]
    return int(frozen), int(walked)


@pytest.mark.parametrize("code", [SERVED, WORKED], ids=["web", "worker"])
def test_what_a_process_has_loaded_is_not_looked_at_again(code: str) -> None:
    frozen, walked = objects_of(code)
    assert frozen > 100_000
    assert walked < frozen / 20


def test_otherwise_all_of_it_would_be_walked_through_by_every_full_collection() -> None:
    frozen, walked = objects_of(UNSETTLED)
    assert frozen == 0
    assert walked > 100_000

"""django-viewflow: a process per life under a row lock, in a database of its own; the call between two of its tasks.

Its free edition brings no queue, so one process drives every life, as it does with SpiffWorkflow.
"""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import writes

SERVER, STUB, NUMBER = urlsplit(sys.argv[1]), sys.argv[2], int(sys.argv[3])
OWN = SERVER._replace(path="/viewflow")


def set_up() -> None:
    """Django, and the tables of viewflow and of what it needs."""
    import django
    from django.conf import settings
    from django.core.management import call_command

    with psycopg.connect(SERVER.geturl(), autocommit=True) as connection:
        if not connection.execute("SELECT FROM pg_database WHERE datname = 'viewflow'").fetchall():
            connection.execute("CREATE DATABASE viewflow")
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql", "NAME": "viewflow", "USER": OWN.username,
                "PASSWORD": OWN.password, "HOST": OWN.hostname, "PORT": OWN.port,
            }
        },
        INSTALLED_APPS=[
            "django.contrib.auth", "django.contrib.contenttypes", "viewflow", "viewflow.workflow", "django_viewflow"
        ],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", USE_TZ=True,
    )  # fmt: skip
    django.setup()
    call_command("migrate", verbosity=0)


def begin(ids: list[int]) -> list[int]:
    """A process that waits for its decision, for each request."""
    from django_viewflow.flows import LifeFlow

    return [LifeFlow.start.run(request=request).pk for request in ids]


def live(process: int) -> None:
    from django_viewflow.flows import LifeFlow
    from viewflow.workflow.models import Task

    LifeFlow.decide.run(Task.objects.get(process=process, flow_task=LifeFlow.decide))
    answer = writes.call(STUB)
    LifeFlow.outcome.run(Task.objects.get(process=process, flow_task=LifeFlow.outcome), answer=answer)


def main() -> None:
    set_up()
    processes = begin(writes.submitted(OWN.geturl(), NUMBER))
    writes.timed(lambda: [live(process) for process in processes] and None, OWN.geturl(), NUMBER)


main()

"""Where the CPU of a submission and of the engine goes: a sample of the stack for every millisecond of CPU.

    python -m config.embedded --temporary -- python -m bench.profile [--quick] [--docs] [--json FILE]

In process, without a web server and without Celery's consumer. Each sample counts for the innermost part that it finds
in the stack, so what the standard library does counts for whoever asked it to; the ratio is the part's share of all
that the process spends. What PostgreSQL spends stands beside it.
"""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from types import FrameType
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["INTOUCH_ALLOW_LOOPBACK"] = "1"
os.environ["LOG_LEVEL"] = "ERROR"

from bench.application import Service
from bench.databases import tidy
from bench.engine import Engine
from bench.in_turn import Meter
from bench.life_sides import GATEWAY, stub
from bench.report import PROJECT, Row, Table, parser, publish

EVERY_SECONDS = 0.001
ROUNDS, TIMES = 3, 400
_LIBRARY = re.compile(r".*/python3\.[0-9]+/")
REST = "everything else"
# What a file's path, from its package on, begins with; the first that fits.
PARTS = {
    "wire/prepared.py": "the database: psycopg, libpq and the socket",
    "wire/postgresql/": "the database: psycopg, libpq and the socket",
    "psycopg": "the database: psycopg, libpq and the socket",
    "django/db/": "Django's models, queries and transactions",
    "wire/kept_queries.py": "Django's models, queries and transactions",
    "workflows/new_rows.py": "Django's models, queries and transactions",
    "django/": "Django's requests, responses and middleware",
    "whitenoise/": "Django's requests, responses and middleware",
    "csp/": "Django's requests, responses and middleware",
    "rest_framework/": "Django REST framework",
    "pydantic/": "validation and JSON",
    "simplejson/": "validation and JSON",
    "json/": "validation and JSON",
    "urllib3/": "the call to Intouch",
    "http/client.py": "the call to Intouch",
    "workflows/intouch/": "the call to Intouch",
    "kombu/": "the hint to the workers",
    "redis/": "the hint to the workers",
    "celery/": "the hint to the workers",
    "workflows/queue.py": "the hint to the workers",
    "accounts/": "rules, rights, policy, audit and the rest of this service",
    "goodwill/": "rules, rights, policy, audit and the rest of this service",
    "wire/": "rules, rights, policy, audit and the rest of this service",
    "workflows/": "rules, rights, policy, audit and the rest of this service",
}


def part_of(frame: FrameType | None) -> str:
    """The part that the innermost known frame belongs to."""
    while frame is not None:
        path = frame.f_code.co_filename.removeprefix(f"{PROJECT}/").rpartition("/site-packages/")[2]
        path = _LIBRARY.sub("", path)
        for beginning, part in PARTS.items():
            if path.startswith(beginning):
                return part
        frame = frame.f_back
    return REST


@contextmanager
def sampled() -> Iterator[Counter[str]]:
    """How many samples fell to each part while the block ran."""
    found: Counter[str] = Counter()
    before = signal.signal(signal.SIGPROF, lambda _, frame: found.update([part_of(frame)]))
    signal.setitimer(signal.ITIMER_PROF, EVERY_SECONDS, EVERY_SECONDS)
    try:
        yield found
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def profiled(name: str, act: Callable[[], object], rounds: int, times: int) -> list[Row]:
    """The microseconds that an act costs, and how they are spread over the parts.

    They are measured apart from the samples, which cost something themselves.
    """
    meter, whole, database, samples = Meter(), [], [], Counter[str]()

    def repeat() -> None:
        for _ in range(times):
            act()

    repeat()  # until every statement is planned, and every query compiled
    tidy()
    for _ in range(rounds):
        own, sessions = meter.spent(repeat)
        whole.append(own / times / 1000)
        database.append(sessions / times / 1000)
        with sampled() as found:
            repeat()
        samples += found
    rows = [Row.of(f"{name}: the process", whole, "µs CPU"), Row.of(f"{name}: PostgreSQL", database, "µs CPU")]
    for part, number in samples.most_common():
        share = number / samples.total()
        rows.append(Row.of(f"{name}: {part}", [share * one for one in whole], "µs CPU", ratio=share))
    return rows


def measured(rounds: int, times: int) -> list[Row]:
    with stub() as port:
        engine = Engine(port)
        service, numbers = Service(engine.house), count()

        def submit() -> Any:
            return service.post(GATEWAY, engine.house.body(referenceId=f"profile-{next(numbers)}"))

        rows = profiled("E1", submit, rounds, times)
        engine.furnish((2 * rounds + 1) * times)
        return rows + profiled("the engine", engine.life, rounds, times)


def main() -> None:
    options = parser(__doc__).parse_args()
    rounds, times = (1, 60) if options.quick else (ROUNDS, TIMES)
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    said = f"{rounds} rounds of {times} each; the ratio is the share of what the process spends."
    publish(Table("profile", said, measured(rounds, times)), options)


if __name__ == "__main__":
    main()

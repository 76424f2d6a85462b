"""Calls to a slow Intouch by workers on one host and on two, which share PostgreSQL and broker with each other.

    python -m config.embedded --temporary -- python -m bench.two_hosts [--quick] [--docs] [--json FILE]

A host is a network namespace with a loopback and an address of its own; on each runs one Celery worker with the same
number of threads, and Intouch takes 200 ms to answer. The time goes from the first call's start to the last one's end,
as their rows say. Needs the right to make namespaces (root); the table says so where it is missing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["LOG_LEVEL"] = "ERROR"

from bench.hosts import ADDRESS, Host, NoHosts, hosts
from bench.processes import free_port, running, wait_until
from bench.report import Row, Table, parser, publish

THREADS = 4
ANSWER_SECONDS = 0.2
READY_SECONDS = 180
TARGET = 1.8
SERVERS = ("DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL")


def main() -> None:
    options = parser(__doc__).parse_args()
    rounds, calls = (1, 60) if options.quick else (2, 120)
    said = f"{rounds} rounds of {calls} calls per host in turn, {THREADS} threads each, {ANSWER_SECONDS:g} s per call."
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    table = Table("two_hosts", said)
    try:
        with hosts(2) as (one, other), _surroundings() as port:
            table.rows = rows_of(*measured(one, other, port, rounds, calls))
    except NoHosts as error:
        table.said = f"Not measured here, for want of a second host: {error}."
    publish(table, options)


@contextmanager
def _surroundings() -> Iterator[int]:
    """PostgreSQL and the broker as the hosts reach them, and the stand-in for Intouch; its port."""
    ports = {str(urlsplit(os.environ[name]).port) for name in SERVERS if os.environ.get(name)}
    port = free_port()
    stub = [sys.executable, "-m", "bench.stub", str(port), str(ANSWER_SECONDS), ADDRESS]
    with running([sys.executable, "-m", "bench.forward", ADDRESS, *ports]), running(stub):
        yield port


def measured(one: Host, other: Host, port: int, rounds: int, calls: int) -> tuple[list[float], list[float]]:
    """Calls per second on one host, and on both, round by round. All that is called for was decided before."""
    waiting = decided(port, (rounds * 3 + 2) * calls)

    def take(number: int) -> list[Any]:
        return [waiting.pop() for _ in range(number)]

    alone, together = [], []
    with working(one):
        rate_of(take(calls))  # not counted: the worker begins to know its work
        for _ in range(rounds):
            alone.append(rate_of(take(calls)))
            with working(other):
                together.append(rate_of(take(2 * calls)))
    return alone, together


def decided(port: int, number: int) -> list[Any]:
    """Approved requests that nobody knows of: their messages to the workers are lost."""
    from celery import current_app

    from tests.house import build_house

    house = build_house(base_url=f"http://{ADDRESS}:{port}")
    found = [house.approve(house.submit()).pk for _ in range(number)]
    current_app.control.purge()
    return found


@contextmanager
def working(host: Host) -> Iterator[None]:
    """A worker on this host, ready."""
    from celery import current_app

    def outside(name: str) -> str:
        url = urlsplit(os.environ[name])
        return url._replace(netloc=url.netloc.replace("127.0.0.1", ADDRESS)).geturl()

    environment = {name: outside(name) for name in SERVERS if os.environ.get(name)}
    name = f"worker@{host.name}"
    worker = host.command(
        sys.executable, "-m", "celery", "--app", "config", "worker", "--pool", "threads", "--hostname", name,
        "--concurrency", str(THREADS), "--without-gossip", "--without-mingle", "--loglevel", "ERROR",
    )  # fmt: skip
    with running(worker, environment):
        wait_until(lambda: bool(current_app.control.ping([name], timeout=0.5)), f"{name} is ready", READY_SECONDS)
        yield


def rate_of(requests: Sequence[Any]) -> float:
    """Calls per second from the first one's start to the last one's end, once the workers know of them."""
    from django.db.models import Max, Min

    from workflows import queue
    from workflows.models import IntouchCall

    calls = IntouchCall.objects.filter(request__in=requests, finished_at__isnull=False)
    queue.publish(requests)
    wait_until(lambda: calls.count() == len(requests), f"{len(requests)} calls are made", 180)
    span = calls.aggregate(first=Min("started_at"), last=Max("finished_at"))
    return len(requests) / float((span["last"] - span["first"]).total_seconds())


def rows_of(alone: Sequence[float], together: Sequence[float]) -> list[Row]:
    ratios = [both / one for both, one in zip(together, alone, strict=True)]
    ratio = sorted(ratios)[len(ratios) // 2]
    return [
        Row.of("workers on one host", alone, "calls/s"),
        Row.of("workers on two hosts", together, "calls/s", ratio=ratio, target=f"≥ {TARGET} ×", met=ratio >= TARGET),
    ]


if __name__ == "__main__":
    main()

"""What one submission costs: validation alone, the whole of E1 in process, and two bare INSERTs for comparison.

    python -m config.embedded --temporary -- python -m bench.submit [--rounds 5] [--times 200]

Prints CPU microseconds of this process per operation (median of the rounds, then least and most), the number of
statements, and the ratio of E1 to the bare INSERTs. The server's own CPU is not in it.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import statistics
import time
from collections.abc import Callable
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def measure(act: Callable[[], object], *, rounds: int, times: int) -> list[float]:
    """CPU microseconds per call, one figure per round, after a round that is not counted."""
    figures = []
    for number in range(rounds + 1):
        started = time.process_time()
        for _ in range(times):
            act()
        if number:
            figures.append((time.process_time() - started) / times * 1e6)
    return figures


def show(name: str, figures: list[float]) -> None:
    median, least, most = statistics.median(figures), min(figures), max(figures)
    print(f"{name:<42} {median:10.1f} µs CPU   ({least:.1f} to {most:.1f})")


def bare_inserts() -> None:
    """Two rows in one transaction through Django's cursor: what the least possible service would do."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute("INSERT INTO bench_bare (id, body) VALUES (%s, %s)", [str(uuid4()), "{}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--times", type=int, default=200)
    options = parser.parse_args()
    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from tests.house import build_house
    from workflows.submission import envelope_of, read_submission

    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS bench_bare (id uuid PRIMARY KEY, body text)")
    house = build_house()
    client = Client(HTTP_HOST="localhost")
    basic = base64.b64encode(f"{house.service_account.username}:{house.service_secret}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "X-CAP-API-AUTH-ORG-ID": str(house.organisation.pk)}

    def submit() -> None:
        answer = client.post(
            "/api_gateway/v2/request-workflow/GOODWILL-POINTS", json.dumps(house.body()),
            content_type="application/json", headers=headers,
        )  # fmt: skip
        assert answer.status_code == 200, answer.content

    body = house.body()
    context = _context(house)
    schema = envelope_of("GOODWILL-POINTS")
    runs = {"rounds": options.rounds, "times": options.times}
    show("payload validation", measure(lambda: schema.model_validate(body, context=context), **runs))
    show(
        "validation with the organisation's facts",
        measure(lambda: read_submission(body, organisation=house.organisation, slug="GOODWILL-POINTS"), **runs),
    )
    bare, whole = measure(bare_inserts, **runs), measure(submit, **runs)
    show("two bare INSERTs", bare)
    show("E1 in process, all layers", whole)
    print(f"E1 / two bare INSERTs: {statistics.median(whole) / statistics.median(bare):.1f}")
    with CaptureQueriesContext(connection) as statements:
        submit()
    print(f"statements per submission: {len(statements)}")


def _context(house: object) -> object:
    from goodwill.request_type import GOODWILL_POINTS
    from workflows.submission import Context
    from workflows.targets import enabled_targets

    organisation, terms = house.organisation, house.policy.terms  # type: ignore[attr-defined]
    facts = GOODWILL_POINTS.facts(organisation, terms)
    return Context(organisation, GOODWILL_POINTS, terms, enabled_targets(organisation), facts)


if __name__ == "__main__":
    main()

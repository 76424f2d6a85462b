"""`/metrics` for Prometheus: read from the database at each scrape, so that every process tells the same.

What to alert on: `goodwill_requests_given_up` above zero (a person has to look), `goodwill_requests_stuck` above zero
(nobody can decide), `goodwill_oldest_due_seconds` above a few sweeps (nobody works), `goodwill_breakers_open` above
zero (Intouch is away).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

# Ended requests are not counted: there may be a billion of them. Each query reads a partial index.
_OPEN = """
    SELECT organisation_id, request_type, state, count(*) FROM workflows_workflowrequest
     WHERE state IN ('executing', 'unknown') GROUP BY 1, 2, 3
    UNION ALL
    SELECT t.organisation_id, r.request_type, 'waiting', count(*) FROM workflows_admintask t
      JOIN workflows_workflowrequest r ON r.id = t.request_id WHERE t.decision IS NULL GROUP BY 1, 2
"""
_GIVEN_UP = """
    SELECT organisation_id, request_type, count(*) FROM workflows_workflowrequest
     WHERE state = 'unknown' AND due_at IS NULL GROUP BY 1, 2
"""
_OLDEST_DUE = """
    SELECT coalesce(extract(epoch FROM clock_timestamp() - min(due_at)), 0) FROM workflows_workflowrequest
     WHERE state IN ('executing', 'unknown') AND due_at <= clock_timestamp()
       AND (lease_expires_at IS NULL OR lease_expires_at <= clock_timestamp())
"""
_STUCK = """
    SELECT organisation_id, request_type, count(*) FROM workflows_workflowrequest
     WHERE state = 'waiting' AND stuck_at IS NOT NULL GROUP BY 1, 2
"""
_BREAKERS = "SELECT count(*) FROM workflows_targetbreaker WHERE open_until IS NOT NULL"
_PAUSES = "SELECT count(*) FROM workflows_pause"


class DatabaseCollector:
    """Gauges, each one statement."""

    def collect(self) -> Iterator[Metric]:
        labels = ["organisation", "request_type"]
        waiting = GaugeMetricFamily(
            "goodwill_requests_open", "Requests that have not ended.", labels=[*labels, "state"]
        )
        for *values, count in _rows(_OPEN):
            waiting.add_metric([str(value) for value in values], count)
        yield waiting
        given_up = GaugeMetricFamily(
            "goodwill_requests_given_up", "Unknown outcome and no try left: a person has to look.", labels=labels
        )
        for *values, count in _rows(_GIVEN_UP):
            given_up.add_metric([str(value) for value in values], count)
        yield given_up
        stuck = GaugeMetricFamily(
            "goodwill_requests_stuck", "Nobody can decide them: people have to be named.", labels=labels
        )
        for *values, count in _rows(_STUCK):
            stuck.add_metric([str(value) for value in values], count)
        yield stuck
        yield _single("goodwill_oldest_due_seconds", "How long the longest waiting due request is due.", _OLDEST_DUE)
        yield _single("goodwill_breakers_open", "Targets that are left alone.", _BREAKERS)
        yield _single("goodwill_pauses", "Pauses in force.", _PAUSES)


def _rows(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _single(name: str, description: str, statement: str) -> Metric:
    return GaugeMetricFamily(name, description, value=float(_rows(statement)[0][0]))


_registry = CollectorRegistry(auto_describe=False)
_registry.register(DatabaseCollector())


def metrics(request: HttpRequest) -> HttpResponse:
    """The figures, for whoever has the token; without METRICS_TOKEN there is no such page."""
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not settings.METRICS_TOKEN or not constant_time_compare(sent, settings.METRICS_TOKEN):
        raise Http404
    return HttpResponse(generate_latest(_registry), content_type=CONTENT_TYPE_LATEST)

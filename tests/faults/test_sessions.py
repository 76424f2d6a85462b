"""Connections to PostgreSQL are kept open: neither a request nor a task opens one once the service is warm."""

from __future__ import annotations

import psycopg
import pytest

from tests.faults.killable import wait_until
from tests.faults.service import Service

pytestmark = [pytest.mark.xdist_group("processes"), pytest.mark.timeout(300)]

LIVES = 12


class Observer:
    """One connection that looks on, so that looking opens none."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def number(self, query: str, *values: object) -> int:
        row = self._connection.execute(query, values).fetchone()
        assert row is not None
        return int(row[0])

    def sessions(self) -> int:
        """Connections that this database has ever accepted, as far as they have told of themselves."""
        return self.number("SELECT sessions FROM pg_stat_database WHERE datname = current_database()")

    def live(self, service: Service, prefix: str) -> None:
        """Lives one after the other, each waited for to its end."""
        query = "SELECT count(*) FROM workflows_workflowrequest WHERE reference_id = %s AND state = 'credited'"
        for place in range(LIVES):
            reference = f"{prefix}-{place}"
            service.approved(reference)
            wait_until(lambda reference=reference: self.number(query, reference) == 1, f"{reference} is credited")


def test_a_warm_service_opens_no_connection_for_a_request_or_a_task(service: Service) -> None:
    with (
        service.running(service.worker()),
        psycopg.connect(service.database_url, autocommit=True) as connection,
    ):
        observer = Observer(connection)
        observer.live(service, "warming")
        before = observer.sessions()
        observer.live(service, "warm")
        assert observer.sessions() == before
        psycopg.connect(service.database_url).close()
        wait_until(lambda: observer.sessions() == before + 1, "a connection of ours is counted")

"""With a read replica, lists are read from it; what a decision rests on, and what writes, is not."""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.api.gateway import Gateway, gateway_of
from tests.api.rows import history_row
from tests.house import House
from workflows.models import AuditEvent


@pytest.fixture
def replica(committed_house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A second connection that refuses to write, as a replica does; its statements tell who was asked."""
    named = copy.deepcopy(connection.settings_dict)
    named["OPTIONS"]["options"] = f"{named['OPTIONS'].get('options', '')} -c default_transaction_read_only=on"
    monkeypatch.setitem(settings.DATABASES, "replica", named)
    found = connections["replica"]
    found.connect()  # at once: a test may open no connection to a database that it did not declare
    yield found
    found.close()
    found.close_pool()
    del connections["replica"]


@pytest.fixture
def gateway(committed_house: House) -> Gateway:
    return gateway_of(committed_house)


def asked(database: Any, act: Any) -> list[str]:
    """What this database was asked meanwhile."""
    with CaptureQueriesContext(database) as statements:
        act()
    return [found["sql"] for found in statements.captured_queries]


def test_lists_are_read_from_the_replica(gateway: Gateway, replica: Any) -> None:
    history_row(gateway.house)
    gateway.submit()

    of_history = asked(replica, lambda: gateway.history())
    of_requests = asked(replica, lambda: gateway.list())

    assert any("goodwill_goodwillrequest" in sql for sql in of_history)
    assert any("workflows_workflowrequest" in sql for sql in of_requests)


def test_credentials_and_rights_are_read_from_the_primary(gateway: Gateway, replica: Any) -> None:
    statements = asked(replica, lambda: gateway.list())

    assert statements
    assert not any("accounts_membership" in sql or "secret" in sql.split("FROM")[-1] for sql in statements)


def test_what_writes_or_is_decided_on_never_asks_the_replica(gateway: Gateway, replica: Any) -> None:
    house = gateway.house
    made = gateway.submit().data["requestId"]

    def act() -> None:
        assert gateway.show(made).status == 200
        assert gateway.submit().status == 200
        assert gateway.by(house.checker).decide(made, "rejected").status == 200

    assert asked(replica, act) == []


def test_an_export_reads_the_replica_and_writes_its_audit_to_the_primary(
    gateway: Gateway, replica: Any, tmp_path: Path
) -> None:
    history_row(gateway.house)
    before = AuditEvent.objects.count()
    organisation, out = str(gateway.house.organisation.pk), tmp_path / "history.csv"

    statements = asked(
        replica, lambda: call_command("export_goodwill", "--org", organisation, "--out", str(out), stdout=io.StringIO())
    )

    assert any("goodwill_goodwillrequest" in sql for sql in statements)
    assert AuditEvent.objects.count() == before + 2


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("name", ["admintask", "workflowrequest"])
def test_an_export_of_the_desk_reads_the_replica_and_is_audited_in_the_primary(
    gateway: Gateway, replica: Any, name: str, kind: str
) -> None:
    gateway.submit()
    gateway.submit()
    client = Client()
    client.force_login(gateway.house.auditor)
    posted = {"format": kind, "query": "show=waiting"}

    statements = asked(replica, lambda: client.post(f"/admin/workflows/{name}/export/", posted))

    assert any(f"workflows_{name}" in sql for sql in statements)
    assert not any("accounts_membership" in sql for sql in statements)
    assert AuditEvent.objects.get(action="export.made").details["rows"] == 2


def test_the_desk_itself_never_asks_the_replica(gateway: Gateway, replica: Any) -> None:
    gateway.submit()
    client = Client()
    client.force_login(gateway.house.checker)

    def act() -> None:
        assert client.get("/admin/workflows/admintask/").status_code == 200

    assert asked(replica, act) == []

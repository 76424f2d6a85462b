"""Exports by command: the filters of the API, one snapshot, no formula, no credential, and who did it."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from goodwill.management.commands import export_goodwill
from goodwill.models import GoodwillRequest
from tests.factories import MembershipFactory
from tests.goodwill.history_files import as_csv, backfill, row, stored
from tests.house import House, build_house
from workflows.models import AuditEvent, WorkflowRequest

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def house(committed_house: House, tmp_path: Path) -> House:
    """With history from before, and with requests made here."""
    path = tmp_path / "history.csv"
    rows = [
        row(1, comments="=1+1"), row(2, userId=7, points="2.5", comments="'=x"), row(3, updatedBy__id=75160009),
        row(4, goodwillStatus="REJECTED", points="", reason="two\nlines"),
    ]  # fmt: skip
    path.write_text(as_csv(rows, header=[*row(1), "updatedBy.id"]))
    assert backfill(path)[0] == 0
    committed_house.submit(earningEntityId=7, reason="@late")
    committed_house.approve(committed_house.submit())
    return committed_house


@pytest.fixture
def export(tmp_path: Path) -> Any:
    def run(command: str, *options: str, name: str = "export.csv") -> list[dict[str, Any]]:
        path = tmp_path / name
        call_command(command, "--org", "51250", "--out", str(path), *options, stdout=io.StringIO())
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        if "jsonl" in options:
            return [json.loads(line) for line in data.decode().splitlines()]
        return list(csv.DictReader(io.StringIO(data.decode(), newline="")))

    return run


@pytest.mark.parametrize("options", [("--format", "csv"), ("--format", "jsonl")])
def test_what_was_exported_can_be_moved_in_elsewhere(house: House, export: Any, tmp_path: Path, options: Any) -> None:
    export("export_goodwill", *options, name="export.gz")
    there = build_house(70001)
    # Elsewhere is another database; in this one, the ids of the rows are taken, and the people are known.
    for person in (house.maker, house.checker):
        MembershipFactory(user=person, organisation=there.organisation)
    text = gzip.decompress((tmp_path / "export.gz").read_bytes()).decode()
    (tmp_path / "there").write_text(text.replace("requestId,id,", "requestId,theirs,").replace('"id":', '"theirs":', 1))
    if options[1] == "jsonl":
        lines = [json.loads(line) for line in text.splitlines()]
        (tmp_path / "there").write_text("".join(json.dumps({**line, "id": None}) + "\n" for line in lines))
    code, summary = backfill(tmp_path / "there", "--defused", org=70001)
    assert (code, summary["inserted"]) == (0, 6)
    assert stored() == stored(70001)


def test_what_was_exported_changes_nothing_when_it_is_fed_back(house: House, export: Any, tmp_path: Path) -> None:
    export("export_goodwill")
    code, summary = backfill(tmp_path / "export.csv", "--defused")
    assert (code, summary["unchanged"], summary["records"]) == (0, 6, 6)


def test_no_cell_of_an_export_runs_as_a_formula(house: House, export: Any) -> None:
    rows = [*export("export_goodwill"), *export("export_requests")]
    assert len(rows) == 8
    assert not [cell for found in rows for cell in found.values() if cell.startswith(("=", "+", "@", "\t"))]
    assert {found["comments"] for found in rows if "comments" in found} >= {"'=1+1", "''=x"}


@pytest.mark.parametrize(
    ("command", "filters", "count"),
    [
        ("export_goodwill", {}, 6),
        ("export_goodwill", {"customerId": "7"}, 2),
        ("export_goodwill", {"requestId": "3"}, 1),
        ("export_goodwill", {"autoApprove": "true"}, 4),
        ("export_requests", {}, 2),
        ("export_requests", {"states": "AdminTask"}, 1),
        ("export_requests", {"customerId": "7", "tillId": "50682289"}, 1),
        ("export_requests", {"endDate": "2001-01-01"}, 0),
    ],
)
def test_the_filters_are_those_of_the_api(
    house: House, export: Any, command: str, filters: dict[str, str], count: int
) -> None:
    given = [text for name, value in filters.items() for text in ("--filter", f"{name}={value}")]
    assert len(export(command, *given)) == count
    assert len(export(command, *given, "--format", "jsonl")) == count


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("programId=x", "programId must be a whole number"),
        ("customerId=-1", "customerId must be a whole number"),
        ("color=red", "color is not a parameter of this list"),
        ("limit=5", "--filter limit=5: write NAME=VALUE"),
        ("programId", "--filter programId: write NAME=VALUE"),
    ],
)
def test_a_wrong_filter_is_refused_and_nothing_is_written(
    house: House, export: Any, tmp_path: Path, given: str, message: str
) -> None:
    with pytest.raises(CommandError, match=message) as refused:
        export("export_goodwill", "--filter", given)
    assert refused.value.returncode == 2
    assert not (tmp_path / "export.csv").exists()
    assert not AuditEvent.objects.filter(action__startswith="goodwill.export").exists()


def test_no_credential_is_exported(house: House, export: Any, tmp_path: Path) -> None:
    assert WorkflowRequest.objects.exclude(secret=None).exists()
    export("export_requests", "--format", "jsonl", name="export.jsonl")
    text = (tmp_path / "export.jsonl").read_text()
    assert base64.b64encode(b"fake:fake").decode() not in text
    assert '"Authorization":"***"' in text


def test_other_organisations_are_not_exported(house: House, export: Any) -> None:
    build_house(70001).submit(earningEntityId=777001)
    for command in ("export_goodwill", "export_requests"):
        assert "777001" not in json.dumps(export(command, "--format", "jsonl"))


def test_who_exported_what_stands_in_the_audit(house: House, export: Any) -> None:
    export("export_requests", "--as", house.auditor.username, "--filter", "states=AdminTask")
    started, finished = AuditEvent.objects.filter(action__startswith="request.export").order_by("id")
    assert (started.action, finished.action) == ("request.export.started", "request.export.finished")
    assert {started.actor, finished.actor} == {house.auditor}
    assert (finished.details["rows"], started.details["filters"]) == (1, ["states=AdminTask"])


def test_rows_are_read_by_a_cursor_of_the_server(house: House, export: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def look(self: Any, found: GoodwillRequest) -> dict[str, Any]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_cursors WHERE NOT is_holdable")
            seen.append(cursor.fetchone()[0])
        return {}

    monkeypatch.setattr(export_goodwill.Command, "present", look)
    export("export_goodwill")
    assert seen == [1] * 6
    assert connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] is True


def test_an_interrupted_export_leaves_no_half_of_a_file(
    house: House, export: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: Any, found: GoodwillRequest) -> dict[str, Any]:
        raise KeyboardInterrupt

    monkeypatch.setattr(export_goodwill.Command, "present", interrupt)
    with pytest.raises(CommandError) as ended:
        export("export_goodwill")
    assert ended.value.returncode == 130
    assert [path.name for path in tmp_path.iterdir()] == ["history.csv"]


def test_without_a_file_the_rows_go_to_standard_output(house: House, capfdbinary: Any) -> None:
    call_command("export_goodwill", "--org", "51250", "--format", "jsonl")
    assert len(capfdbinary.readouterr().out.splitlines()) == 6

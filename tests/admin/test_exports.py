"""Exports: the rows of the list, harmless to spreadsheets, and nobody takes one unseen."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest
from django.http import QueryDict

from tests.admin.test_lists import REQUESTS, TASKS
from tests.factories import MembershipFactory
from workflows import exporting
from workflows.models import AuditEvent

EVIL = '=HYPERLINK("http://evil.example","x")'


def export(client, kind, query="", address=TASKS):
    return client.post(f"{address}export/", {"format": kind, "query": query})


def lines(response):
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_the_file_holds_the_rows_of_the_list_in_its_order(at_desk, house):
    house.submit(points=10, reason="late")
    small, big = house.submit(points=20, reason="too late"), house.submit(points=300, reason="late")
    client = at_desk(house.checker)
    query = "show=for-me&reason=late&points_from=11&order=most-points"
    response = export(client, "csv", query)
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="admintask-')
    found = lines(response)
    assert [line["Reference"] for line in found] == [big.reference_id, small.reference_id]
    listed = client.get(f"{TASKS}?{query}").context["cl"].result_list
    assert [line["Request id"] for line in found] == [str(task.request_id) for task in listed]
    assert (found[0]["Points"], found[0]["Money"], found[0]["Program"]) == ("300", "300", house.program.name)


def test_more_than_a_page_is_exported(at_desk, house):
    for _ in range(30):
        house.submit()
    assert len(lines(export(at_desk(house.checker), "csv"))) == 30


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_no_cell_is_a_formula(at_desk, house, kind):
    house.submit(reason=EVIL)
    response = export(at_desk(house.auditor), kind, "show=waiting")
    if kind == "csv":
        assert lines(response)[0]["Reason"] == f"'{EVIL}"
        return
    book = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "HYPERLINK" in sheet
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert "<v>20</v>" in sheet


def test_an_export_is_audited_with_what_was_taken(at_desk, house):
    house.submit(reason="late")
    export(at_desk(house.checker), "xlsx", "reason=late&foo=bar")
    event = AuditEvent.objects.get(action="export.made")
    assert (event.actor, event.organisation) == (house.checker, house.organisation)
    assert QueryDict(event.details.pop("query")) == QueryDict("reason=late")
    assert event.details == {"list": "admintask", "format": "xlsx", "rows": 1}
    page = at_desk(house.auditor).get("/admin/workflows/auditevent/").content.decode()
    assert "exported a list" in page


def test_an_export_without_rows_is_audited_too(at_desk, house):
    assert lines(export(at_desk(house.checker), "csv", "reason=nothing")) == []
    assert AuditEvent.objects.get(action="export.made").details["rows"] == 0


def test_every_organisation_hears_of_its_own_rows(at_desk, house, other_house):
    MembershipFactory(user=house.checker, organisation=other_house.organisation, is_checker=True)
    house.submit()
    other_house.submit()
    other_house.submit()
    assert len(lines(export(at_desk(house.checker), "csv"))) == 3
    told = AuditEvent.objects.filter(action="export.made").values_list("organisation", "details__rows")
    assert sorted(told) == [(51250, 1), (70001, 2)]


def test_a_list_that_is_too_long_is_refused_whole(at_desk, house, monkeypatch):
    monkeypatch.setattr(exporting, "MOST_ROWS", 2)
    for _ in range(3):
        house.submit()
    client = at_desk(house.checker)
    response = export(client, "csv", "show=waiting")
    assert (response.status_code, response["Location"]) == (302, f"{TASKS}?show=waiting")
    assert "More than 2 rows" in client.get(response["Location"]).content.decode()
    assert not AuditEvent.objects.filter(action="export.made").exists()


@pytest.mark.parametrize("address", [TASKS, REQUESTS])
def test_nobody_exports_what_they_may_not_see(at_desk, house, other_house, root, address):
    other_house.submit(reason="of the other organisation")
    house.submit()
    query = "show=waiting&organisation=70001"
    text = b"".join(export(at_desk(house.auditor), "csv", query, address).streaming_content).decode()
    assert "of the other organisation" not in text
    assert export(at_desk(root), "csv", query, address).status_code == 403


def test_no_credential_is_exported(at_desk, house):
    house.submit()
    for address in (TASKS, REQUESTS):
        text = b"".join(export(at_desk(house.auditor), "csv", "show=waiting", address).streaming_content).decode()
        assert "ZmFrZTpmYWtl" not in text
        assert len(text.splitlines()) == 2


def test_a_filter_that_cannot_be_read_exports_nothing(at_desk, house):
    house.submit()
    assert lines(export(at_desk(house.checker), "csv", "points_from=much")) == []

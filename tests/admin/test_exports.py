"""Exports: the rows of the list, harmless to spreadsheets, and nobody takes one unseen."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest
from django.http import QueryDict

from tests.admin.conftest import task_of
from tests.admin.test_lists import REQUESTS, TASKS
from tests.factories import MembershipFactory
from workflows import exporting
from workflows.models import AuditEvent, BulkRun, SavedView

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


def test_states_and_decisions_are_said_as_on_the_page(at_desk, house):
    house.submit(points=1)
    house.approve(house.submit(points=2))
    client = at_desk(house.auditor)
    tasks = lines(export(client, "csv", "show=waiting")) + lines(export(client, "csv", "show=decided"))
    assert [(line["State"], line["Decision"]) for line in tasks] == [("Waiting", ""), ("Being carried out", "Approved")]
    requests = lines(export(client, "csv", address=REQUESTS))
    assert {line["Approved automatically"] for line in requests} == {"no"}


def test_in_a_spreadsheet_numbers_are_numbers_unless_it_would_round_them(at_desk, house):
    house.submit(points=20, earningEntityId=382332518)
    house.submit(points=20, earningEntityId=2**63 - 1)
    response = export(at_desk(house.auditor), "xlsx", "show=waiting")
    book = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert f"<v>{house.program.program_id}</v>" in sheet
    assert "<v>382332518</v>" in sheet
    assert f"<t>{2**63 - 1}</t>" in sheet


class TestALongAddress:
    """Half of it would mean more rows than the whole: nothing is exported, kept or chosen by it, and nothing is cut."""

    LONG = "show=waiting&points_from=500&q=382332518&reason=" + "%E0%A4%A6" * 220

    def refused(self, client, address, **given):
        answer = client.post(address, {"query": self.LONG, **given})
        assert answer.status_code == 302
        assert QueryDict(answer["Location"].partition("?")[2])["points_from"] == "500"
        return "are too long to be kept, so nothing was done" in client.get(answer["Location"]).content.decode()

    def test_exports_nothing(self, at_desk, house):
        house.submit()
        assert self.refused(at_desk(house.checker), f"{TASKS}export/", format="csv")
        assert not AuditEvent.objects.filter(action="export.made").exists()

    def test_is_kept_as_no_view(self, at_desk, house):
        assert self.refused(at_desk(house.checker), f"{TASKS}views/save/", name="mine")
        assert not SavedView.objects.exists()

    @pytest.mark.parametrize("how", [{"all": "1"}, {}])
    def test_chooses_nothing(self, at_desk, house, how):
        request = house.submit()
        chosen = how or {"chosen": f"{task_of(request).pk}:{request.digest}"}
        assert self.refused(at_desk(house.checker), "/admin/workflows/bulkrun/choose/", **chosen)
        assert not BulkRun.objects.exists()

    def test_of_an_address_that_grows_when_it_is_kept_nothing_is_chosen_either(self, at_desk, house):
        house.submit()
        given = {"all": "1", "query": "show=waiting&q=" + "द" * 400}
        at_desk(house.checker).post("/admin/workflows/bulkrun/choose/", given)
        assert not BulkRun.objects.exists()


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

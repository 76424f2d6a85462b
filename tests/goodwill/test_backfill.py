"""Moving history in: what is stored, what a second run does, and what becomes of rows in error."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from accounts.management.progress import ProgressReport
from accounts.models import User
from goodwill.backfill import run as running
from goodwill.backfill.rejects import for_spreadsheets, form_of, rejects_of
from goodwill.models import GoodwillImport, GoodwillRequest, ImportStage, Program
from tests.api.gateway import Gateway
from tests.goodwill.history_files import as_csv, as_jsonl, backfill, row, stored
from tests.house import House, build_house
from workflows.models import AuditEvent

pytestmark = pytest.mark.django_db(transaction=True)

SEED = json.loads((Path(__file__).parents[1] / "seeds/history_response.json").read_text())


@pytest.fixture
def house(committed_house: House) -> House:
    return committed_house


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def write(content: str | bytes, name: str = "history.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def test_what_the_api_showed_there_it_shows_here(house: House, file: Any) -> None:
    """The very answer of the documentation, as a line of JSON."""
    [item] = SEED["data"]
    code, summary = backfill(file(json.dumps(item), "history.jsonl"), "--create-programs")
    assert (code, summary["inserted"], summary["programs_made"]) == (0, 1, [973])
    Program.objects.filter(program_id=973).update(is_default=True)  # which an import decides of no program

    account = Gateway(house, {}).by(house.service_account, house.service_secret)
    assert account.history(item["userId"]).data == [item]


def test_csv_and_json_lines_store_the_same(house: House, file: Any) -> None:
    build_house(70001)
    rows = [
        row(1, comments='quoted "text"\nand a line, \\N', reason="Grüße\tGroße"),
        row(2, points="", goodwillStatus="REJECTED", addedOn="2025-04-22T18:01:45.120+02:00"),
        row(3, points="0012.50", updatedBy__id=75160005, enteredBy__id=75160006, oneStep="TRUE", updatedOn=""),
        row(4, goodwillType="", earningEntityType="CUSTOMER", updatedComments=""),
    ]
    names = list(dict.fromkeys(name for found in rows for name in found))
    assert backfill(file(as_csv(rows, header=names)))[0] == 0
    assert backfill(file(gzip.compress(as_jsonl(rows).encode()), "history.gz"), org=70001)[0] == 0

    assert stored() == stored(70001)
    first, second, third, fourth = GoodwillRequest.objects.filter(organisation=51250).order_by("request_number")
    assert (first.comments, first.reason) == ('quoted "text"\nand a line, \\N', "Grüße\tGroße")
    assert (second.points, second.added_on.isoformat()) == (None, "2025-04-22T16:01:45.120000+00:00")
    assert (str(third.points), third.updated_by_id, third.entered_by_id, third.one_step) == (
        "12.500000", 75160005, 75160006, True,
    )  # fmt: skip
    assert third.updated_on == third.added_on
    assert [one.auto_approved for one in (first, fourth)] == [True, False]


def test_people_are_made_with_what_is_told_of_them_and_can_do_nothing(house: House, file: Any) -> None:
    told = row(
        1, addedBy__type="ADMIN_USER", addedBy__isActive="false", addedBy__referenceId="x", updatedBy__id=75160007
    )
    backfill(file(as_csv([told])))
    person = User.objects.get(pk=75160042)
    assert (person.name, person.code, person.is_active, person.reference_id) == (
        "1739864911_aditi", "1739864912683_", False, -1,
    )  # fmt: skip
    assert not person.has_usable_password()
    assert not person.memberships.exists()
    assert User.objects.get(pk=75160007).name == ""
    assert User.objects.create_user("somebody new").pk > 75160042


def test_nobody_who_is_there_is_changed(house: House, file: Any) -> None:
    backfill(file(as_csv([row(1, addedBy__id=house.checker.pk, addedBy__name="somebody else")])))
    assert User.objects.get(pk=house.checker.pk).name == house.checker.name


@pytest.mark.parametrize("column", ["addedBy.id", "updatedBy.id", "enteredBy.id"])
def test_a_row_that_names_somebody_of_another_organisation_is_refused(house: House, file: Any, column: str) -> None:
    stranger = build_house(70001).checker
    rows = [row(1), row(2, **{column: stranger.pk}), row(3), row(4, **{column: stranger.pk})]
    path = file(as_csv(rows, header=list(rows[1])))
    code, rehearsed = backfill(path, "--dry-run")
    assert (code, rehearsed["inserted"], rehearsed["conflicts"]) == (1, 2, 2)
    code, summary = backfill(path, "--batch-rows", "1")
    assert (code, summary["inserted"], summary["conflicts"], summary["rejected"]) == (1, 2, 2, 2)
    assert f"{column} {stranger.pk} is somebody else's here" in Path(summary["rejects"]).read_text()
    assert not GoodwillRequest.objects.filter(request_number__in=[2, 4]).exists()


def test_whom_an_import_of_another_organisation_has_made_may_be_named(house: House, file: Any) -> None:
    build_house(70001)
    path = file(as_csv([row(1)]))
    assert backfill(path, org=70001)[0] == 0
    assert backfill(path)[0] == 0


def test_rows_of_somebody_who_has_left_are_known_again(house: House, file: Any) -> None:
    path = file(as_csv([row(1, addedBy__id=house.checker.pk)]))
    backfill(path)
    house.membership(house.checker).delete()
    code, summary = backfill(path)
    assert (code, summary["unchanged"]) == (0, 1)


def test_the_same_file_again_changes_nothing(house: House, file: Any) -> None:
    path = file(as_csv([row(1), row(2), row(3)]))
    backfill(path)
    before = stored()
    code, summary = backfill(path)
    assert (code, summary["inserted"], summary["unchanged"]) == (0, 0, 3)
    assert stored() == before
    assert GoodwillImport.objects.count() == 2


def test_a_changed_row_is_a_conflict_and_changed_only_when_asked(house: House, file: Any) -> None:
    backfill(file(as_csv([row(1), row(2)])))
    before = stored()
    path = file(as_csv([row(1, points=7, reason="other"), row(2)]))
    code, summary = backfill(path)
    assert (code, summary["conflicts"], summary["rejected"], summary["unchanged"]) == (1, 1, 1, 1)
    assert "differs from the row that is there in points, reason" in Path(summary["rejects"]).read_text()
    assert stored() == before

    code, summary = backfill(path, "--update")
    assert (code, summary["updated"], summary["unchanged"]) == (0, 1, 1)
    assert [found.points for found in GoodwillRequest.objects.order_by("request_number")] == [7, 500]


def test_of_several_changes_in_one_file_the_last_one_stands(house: House, file: Any) -> None:
    rows = [row(1), row(1, points=2), row(1, points=3)]
    for batch_rows in ("1", "100"):
        code, summary = backfill(file(as_csv(rows)), "--update", "--batch-rows", batch_rows)
        assert (code, summary["rejected"]) == (0, 0)
        assert GoodwillRequest.objects.get().points == 3


def test_a_request_made_here_is_changed_by_no_file(house: House, file: Any) -> None:
    kept = house.submit().goodwill
    code, summary = backfill(file(as_csv([row(kept.request_number)])), "--update")
    assert (code, summary["conflicts"], summary["updated"]) == (1, 1, 0)
    assert "which no file changes" in Path(summary["rejects"]).read_text()


def test_a_row_keeps_its_id_and_no_other_gets_it(house: House, file: Any) -> None:
    build_house(70001)
    assert backfill(file(as_csv([row(1, id=317841)])))[0] == 0
    assert GoodwillRequest.objects.get().pk == 317841
    code, summary = backfill(file(as_csv([row(2, id=317841), row(3, id=9), row(4, id=9)])), org=70001)
    assert (code, summary["inserted"], summary["conflicts"]) == (1, 1, 2)
    code, summary = backfill(file(as_csv([row(1, id=12)])), "--update")
    assert (code, summary["conflicts"]) == (1, 1)
    assert house.submit().goodwill.pk > 317841


def test_new_requests_are_numbered_beyond_the_imported_ones(house: House, file: Any) -> None:
    backfill(file(as_csv([row(100_000_123)])))
    assert house.submit().goodwill.request_number > 100_000_123


def test_rejected_rows_can_be_mended_and_fed_back(house: House, file: Any, tmp_path: Path) -> None:
    good = as_csv([row(1), row(2), row(3)])
    code, summary = backfill(file(good.replace("GoodGuy", "Good\0Guy", 1).replace("\n3,565039505", "\n3,x")))
    assert (code, summary["inserted"], summary["rejected"]) == (1, 1, 2)
    rejected = Path(summary["rejects"])
    assert rejected == tmp_path / "history.rejects.csv"
    header, first, second = rejected.read_text().splitlines()
    assert header.startswith("reject_line,reject_reason,requestId,")
    assert first.startswith("2,reason must hold no control character,1,")
    assert second.startswith("4,userId must be a whole number from 1 to 9223372036854775807,3,x,")

    mended = rejected.read_text().replace("\0", "").replace(",3,x,", ",3,565039505,")
    code, summary = backfill(file(mended, "mended.csv"))
    assert (code, summary["inserted"]) == (0, 2)


def test_rejected_lines_of_json_can_be_mended_and_fed_back(house: House, file: Any) -> None:
    content = as_jsonl([row(1), row(2, userId="x")]) + "{}\nno json\n"
    code, summary = backfill(file(content, "history.jsonl"))
    assert (code, summary["inserted"], summary["rejected"]) == (1, 1, 3)
    second, third, fourth = Path(summary["rejects"]).read_text().splitlines()
    assert json.loads(second)["reject_line"] == 2
    assert "requestId is missing" in json.loads(third)["reject_reason"]
    assert json.loads(fourth)["reject_raw"] == "no json"
    code, summary = backfill(file(second.replace('"x"', "7"), "mended.jsonl"))
    assert (code, summary["inserted"]) == (0, 1)


def test_a_download_for_spreadsheets_holds_no_formula(house: House, file: Any) -> None:
    _, summary = backfill(file(as_csv([row(1, comments="=1+1", userId="@x"), row(2, userId='"')])))
    record = GoodwillImport.objects.get(pk=summary["import"])
    text = b"".join(for_spreadsheets(rejects_of(record), form_of(record), bytes(record.header))).decode()
    assert ",'=1+1," in text
    assert ",'@x," in text
    assert ",=1+1," in Path(summary["rejects"]).read_text()


def test_it_stops_when_too_many_rows_are_in_error_and_goes_on_when_more_are_allowed(house: House, file: Any) -> None:
    path = file(as_csv([row(1), *(row(number, userId="x") for number in range(2, 6)), row(6), row(7)]))
    code, summary = backfill(path, "--max-errors", "2", "--batch-rows", "1")
    assert (code, summary["rejected"], summary["finished"]) == (3, 3, False)
    code, again = backfill(path, "--max-errors", "2", "--batch-rows", "1")
    assert (code, again["rejected"], again["import"]) == (3, 3, summary["import"])
    code, summary = backfill(path, "--batch-rows", "1")
    assert (code, summary["records"], summary["inserted"], summary["rejected"]) == (1, 7, 3, 4)
    assert (summary["import"], summary["finished"]) == (again["import"], True)


def test_interrupted_it_goes_on_behind_the_last_batch(house: House, file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file(gzip.compress(as_csv([row(number) for number in range(1, 11)]).encode()), "history.csv.gz")
    batches = running.batches

    def interrupted(*arguments: Any) -> Any:
        found = batches(*arguments)
        yield from itertools.islice(found, 3)
        raise KeyboardInterrupt

    told: list[tuple[int, ...]] = []
    monkeypatch.setattr(ProgressReport, "update", lambda self, *figures: told.append(figures))
    with monkeypatch.context() as patch:
        patch.setattr(running, "batches", interrupted)
        assert backfill(path, "--batch-rows", "2")[0] == 130
    record = GoodwillImport.objects.get()
    assert (record.stage, record.line, record.inserted) == (ImportStage.STOPPED, 7, 6)
    told.clear()
    code, summary = backfill(path, "--batch-rows", "2")
    assert (code, summary["inserted"], summary["unchanged"], summary["records"]) == (0, 10, 0, 10)
    assert GoodwillImport.objects.get().stage == ImportStage.FINISHED
    assert [rows for _, rows, _ in told] == [6, 8, 10]
    assert told[0][0] > 0


def test_with_other_options_it_begins_anew(house: House, file: Any) -> None:
    path = file(as_csv([row(1), row(2, userId="x")]))
    backfill(path, "--max-errors", "0")
    record = GoodwillImport.objects.get()
    assert record.stage == ImportStage.STOPPED
    _, summary = backfill(path, "--update")
    assert (summary["import"] != record.pk, summary["records"]) == (True, 2)


@pytest.mark.parametrize("form", [as_csv, as_jsonl])
def test_a_rehearsal_writes_the_rejects_that_a_run_would_write(house: House, tmp_path: Path, form: Any) -> None:
    path, wanted = tmp_path / "history", tmp_path / "wanted"
    path.write_text(form([row(1), row(2, userId="x"), row(1, points=7), row(3, points="y")]))
    code, summary = backfill(path, "--dry-run", "--rejects", str(wanted))
    assert (code, summary["rejects"]) == (1, str(wanted))
    rehearsed = wanted.read_bytes()
    assert (rehearsed.count(b"userId must be"), len(rehearsed.splitlines())) == (1, 4 if form is as_csv else 3)
    wanted.unlink()
    backfill(path, "--rejects", str(wanted))
    assert wanted.read_bytes() == rehearsed


def test_a_process_that_another_one_overtook_stops(house: House, file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one wants rows that the batch behind has written, which waits for the one that is overtaken."""
    monkeypatch.setattr(running.writing, "PATIENCE", 0.2)
    path = file(as_csv([row(number) for number in range(1, 7)]))
    write = running.writing.write
    overtaken = []

    def overtake(*arguments: Any, **options: Any) -> Any:
        found = write(*arguments, **options)
        if not overtaken:
            overtaken.append(True)
            call_command("backfill_goodwill", str(path), "--org", "51250", "--batch-rows", "2", stdout=io.StringIO())
        return found

    monkeypatch.setattr(running.writing, "write", overtake)
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("backfill_goodwill", str(path), "--org", "51250", "--batch-rows", "2", stdout=out)
    assert ended.value.code == 4
    record = GoodwillImport.objects.get()
    assert (record.stage, record.inserted, record.records) == (ImportStage.FINISHED, 6, 6)


def test_standard_input_is_read_and_goes_on_too(house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    content = as_csv([row(1), row(2, userId="x")]).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    code, summary = backfill("-", "--rejects", str(tmp_path / "bad.csv"))
    assert (code, summary["inserted"], summary["rejected"]) == (1, 1, 1)
    assert (tmp_path / "bad.csv").exists()
    assert GoodwillImport.objects.get().file_name == "(standard input)"


def test_an_import_is_a_record_and_stands_in_the_audit(house: House, file: Any) -> None:
    path = file(as_csv([row(1), row(2, userId="x")]))
    backfill(path, "--as", house.auditor.username)
    record = GoodwillImport.objects.get()
    assert (record.file_name, record.started_by, record.inserted, record.rejected) == (
        "history.csv", house.auditor, 1, 1,
    )  # fmt: skip
    events = AuditEvent.objects.filter(organisation=house.organisation, action__startswith="goodwill.").order_by("id")
    assert [event.action for event in events] == ["goodwill.import_started", "goodwill.import_finished"]
    assert {event.actor for event in events} == {house.auditor}
    assert events[1].details["sha256"] == record.file_hash
    assert (events[1].details["inserted"], events[1].details["rejected"]) == (1, 1)


def test_programs_are_made_when_asked_with_what_is_told_of_them(house: House, file: Any) -> None:
    told = row(1, programId=99, program__programName="Stars", program__pointsToCurrencyRatio="0.25")
    assert backfill(file(as_csv([told])))[0] == 1
    assert backfill(file(as_csv([told])), "--create-programs")[0] == 0
    program = Program.objects.get(program_id=99)
    assert (program.name, float(program.points_to_currency_ratio)) == ("Stars", 0.25)

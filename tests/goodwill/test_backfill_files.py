"""Odd files: each is read, or refused with a message that says what to do. Nothing is written in a rehearsal."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from goodwill.models import GoodwillImport, GoodwillRequest, Program
from tests.goodwill.history_files import as_csv, as_jsonl, backfill, row
from wire.lines import LONGEST_RECORD

pytestmark = pytest.mark.django_db

GOOD = as_csv([row(1), row(2)])
HEADER, FIRST, SECOND = GOOD.splitlines()


@pytest.fixture
def rehearse(house: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Validate a content: the exit code, the summary and what was said about the rows."""

    def run(content: str | bytes, *options: str) -> tuple[int, dict[str, Any], str]:
        path = tmp_path / "history"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        code, summary = backfill(path, "--dry-run", *options)
        return code, summary, capsys.readouterr().err

    return run


def with_cells(**cells: Any) -> str:
    return as_csv([row(1), row(2, **cells)])


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(GOOD, id="plain"),
        pytest.param(b"\xef\xbb\xbf" + GOOD.encode(), id="BOM"),
        pytest.param(GOOD.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(GOOD.rstrip("\n"), id="no end of the last line"),
        pytest.param(GOOD + "\n\n", id="empty lines"),
        pytest.param(gzip.compress(GOOD.encode()), id="gzip"),
        pytest.param(gzip.compress(GOOD.encode()[:50]) + gzip.compress(GOOD.encode()[50:]), id="gzip in two parts"),
        pytest.param(as_jsonl([row(1), row(2)]), id="JSON Lines"),
        pytest.param(b"\xef\xbb\xbf" + as_jsonl([row(1), row(2)]).encode(), id="JSON Lines with BOM"),
        pytest.param(with_cells(comments="first line\nsecond, line"), id="quoted newline"),
        pytest.param(with_cells(comments='=HYPERLINK("http://x")'), id="formula"),
        pytest.param(with_cells(comments="Grüße \\ C:\\new\ttab"), id="backslashes"),
    ],
)
def test_a_readable_file_is_read(rehearse: Any, content: str | bytes) -> None:
    code, summary, _ = rehearse(content)
    assert (code, summary["records"], summary["inserted"], summary["rejected"]) == (0, 2, 2, 0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("", "The file is empty", id="empty"),
        pytest.param(b"\xef\xbb\xbf", "The file is empty", id="BOM alone"),
        pytest.param(gzip.compress(b""), "The file is empty", id="empty gzip"),
        pytest.param(GOOD.encode("utf-16"), "The file is UTF-16. Save it as UTF-8.", id="UTF-16"),
        pytest.param(b"\x1f\x8bnonsense", "The gzip file is damaged", id="no gzip"),
        pytest.param(
            gzip.compress(as_csv([row(n) for n in range(1, 9999)]).encode())[:-9], "damaged after line", id="cut gzip"
        ),
        pytest.param(GOOD.replace("userId", "customer"), "lacks the columns userId", id="missing column"),
        pytest.param(GOOD.replace("comments", "reason", 1), "names a column twice: reason", id="column twice"),
        pytest.param("\udcff".encode("utf-8", "surrogateescape") + GOOD.encode(), "The header cannot", id="header"),
    ],
)
def test_an_unusable_file_is_refused_as_a_whole(rehearse: Any, content: str | bytes, message: str) -> None:
    code, summary, _ = rehearse(content)
    assert code == 2
    assert message in summary["error"]


def test_a_header_alone_is_a_file_without_rows(rehearse: Any) -> None:
    code, summary, _ = rehearse(f"{HEADER}\n")
    assert (code, summary["records"]) == (0, 0)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        pytest.param(f"{SECOND},x", "the row has 15 cells, the header has 14", id="surplus cell"),
        pytest.param(SECOND.rpartition(",")[0], "the row has 13 cells, the header has 14", id="missing cell"),
        pytest.param(SECOND.replace("yes,", '"yes,'), "quotation mark that is never closed", id="open quotation mark"),
        pytest.param(SECOND.replace("yes,", '"yes"!,'), "the row cannot be read", id="text behind a quotation mark"),
        pytest.param(SECOND.replace("yes,", f"{'y' * 2**20},"), "comments must be at most 1000", id="field of 1 MB"),
        pytest.param(f"2,{'x' * LONGEST_RECORD}", "the row is longer than", id="line without end"),
    ],
)
def test_a_bad_row_is_told_of_and_the_next_one_is_read(rehearse: Any, second: str, message: str) -> None:
    third = FIRST.replace("1,", "3,", 1)
    code, summary, told = rehearse(f"{HEADER}\n{FIRST}\n{second}\n{third}\n")
    assert (code, summary["inserted"], summary["rejected"]) == (1, 2, 1)
    assert "line 3: " in told
    assert message in told


def test_an_open_quotation_mark_costs_one_row_of_many(rehearse: Any) -> None:
    lines = as_csv([row(number) for number in range(1, 2001)]).splitlines()
    lines[5] = lines[5].replace("yes,", '"yes,')
    code, summary, _ = rehearse("\n".join(lines), "--max-errors", "1")
    assert (code, summary["records"], summary["inserted"], summary["rejected"]) == (1, 2000, 1999, 1)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"requestId": ""}, "requestId is missing"),
        ({"requestId": "1.0"}, "requestId must be a whole number from 1 to 999999999999999"),
        ({"requestId": "٣"}, "requestId must be a whole number"),
        ({"userId": "0"}, "userId must be a whole number"),
        ({"userId": 2**63}, "userId must be a whole number from 1 to 9223372036854775807"),
        ({"programId": 5}, "programId 5 is no program of this organisation; --create-programs would make it"),
        ({"points": "0.000"}, "points must be a number greater than 0"),
        ({"points": "1e3"}, "points must be a number greater than 0"),
        ({"points": "-5"}, "points must be a number greater than 0"),
        ({"points": "1.1234567"}, "points must be a number greater than 0"),
        ({"points": ""}, "points is missing: an approved request has a value"),
        ({"goodwillStatus": "approved"}, "goodwillStatus must be one of PENDING, APPROVED, REJECTED, FAILURE"),
        ({"oneStep": "yes"}, "oneStep must be true or false"),
        ({"addedOn": "2025-04-22T16:01:45"}, "addedOn must be a time with its zone, such as 2025-04-22T16:01:45Z"),
        ({"addedOn": "2025-02-30T16:01:45Z"}, "addedOn must be a time with its zone"),
        ({"addedOn": "0001-01-01T00:00:00+14:00"}, "addedOn must be a time with its zone"),
        ({"comments": "a\0b"}, "comments must hold no control character"),
        ({"reason": "x" * 1001}, "reason must be at most 1000 characters long"),
        ({"userId": "x", "points": "y"}, "userId must be a whole number from 1 to 9223372036854775807; points must"),
    ],
)
def test_every_bad_cell_is_named_with_what_it_must_be(rehearse: Any, cells: dict[str, Any], message: str) -> None:
    for content in (with_cells(**cells), as_jsonl([row(1), row(2, **cells)])):
        code, summary, told = rehearse(content)
        assert (code, summary["inserted"], summary["rejected"]) == (1, 1, 1)
        assert message in told


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[1, 2]", "it must be one JSON object"),
        ('{"requestId": 2,', "the row is not JSON"),
        ('{"requestId": NaN}', "NaN is not a JSON number"),
        ('{"requestId": 2, "requestId": 3}', "a key appears twice"),
        ('{"requestId": [2]}', "requestId must be a text, a number, true, false or null"),
        ('{"a": ' * 100_000, "nested too deep"),
    ],
)
def test_a_line_that_is_no_json_object_is_told_of(rehearse: Any, line: str, message: str) -> None:
    code, summary, told = rehearse(f"{as_jsonl([row(1)])}{line}\n{as_jsonl([row(3)])}")
    assert (code, summary["inserted"], summary["rejected"]) == (1, 2, 1)
    assert "line 2: " in told
    assert message in told


def test_a_row_in_another_encoding_is_told_of_and_the_encoding_can_be_named(rehearse: Any) -> None:
    content = with_cells(comments="Grüße").encode("cp1252")
    code, summary, told = rehearse(content)
    assert (code, summary["inserted"]) == (1, 1)
    assert "line 3: the row is not utf-8" in told
    assert "--encoding" in told
    assert rehearse(content, "--encoding", "cp1252")[0] == 0


def test_columns_are_named_by_their_header_or_by_the_map(rehearse: Any) -> None:
    content = GOOD.replace("userId", "Customer").replace("reason", "Why", 1)
    assert rehearse(content, "--map", "Customer=userId", "--map", "Why=reason")[0] == 0
    code, summary, _ = rehearse(GOOD, "--map", "Customer=userId")
    assert (code, summary["error"]) == (2, "--map names columns that the file has not: Customer.")
    code, summary, _ = rehearse(GOOD, "--map", "Customer")
    assert (code, summary["error"]) == (2, "--map Customer: write THEIRS=OURS.")


def test_surplus_columns_are_passed_over_and_named(rehearse: Any) -> None:
    code, _, told = rehearse(as_csv([row(1, shoe_size=44)]))
    assert code == 0
    assert "Columns that were passed over: shoe_size." in told


def test_another_delimiter_can_be_named(rehearse: Any) -> None:
    assert rehearse(GOOD.replace(",", "|"), "--delimiter", "|")[0] == 0
    code, summary, _ = rehearse(GOOD, "--delimiter", "::")
    assert (code, summary["error"].partition(" must")[0]) == (2, "--delimiter")


def test_repeated_lines_count_once_and_contradicting_ones_are_told_of(rehearse: Any) -> None:
    code, summary, told = rehearse(as_csv([row(1), row(1), row(1, points=7)]))
    assert (code, summary["inserted"], summary["unchanged"], summary["conflicts"]) == (1, 1, 1, 1)
    assert "line 4: requestId 1: differs from the row that is there in points; --update would change it" in told


def test_a_rehearsal_writes_nothing(rehearse: Any, tmp_path: Path) -> None:
    people = User.objects.count()
    code, summary, _ = rehearse(with_cells(programId=99), "--create-programs")
    assert (code, summary["inserted"], summary["programs_made"]) == (0, 2, [99])
    assert rehearse(with_cells(userId="x"))[0] == 1
    assert not GoodwillRequest.objects.exists()
    assert not GoodwillImport.objects.exists()
    assert not Program.objects.filter(program_id=99).exists()
    assert User.objects.count() == people
    assert [path.name for path in tmp_path.iterdir()] == ["history"]


def test_a_rehearsal_without_rejects_writes_no_file(house: Any, tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_text(GOOD)
    code, summary = backfill(path, "--dry-run", "--rejects", str(tmp_path / "wanted"))
    assert (code, summary["rejects"]) == (0, None)
    assert [found.name for found in tmp_path.iterdir()] == ["history"]


def test_a_file_that_is_not_there_is_named(house: Any, tmp_path: Path) -> None:
    code, summary = backfill(tmp_path / "no.csv")
    assert code == 2
    assert "no.csv cannot be read: No such file or directory." in summary["error"]


def test_so_many_new_programs_are_a_column_mapped_wrong(rehearse: Any) -> None:
    rows = [row(number, programId=10_000 + number) for number in range(1, 1010)]
    code, summary, _ = rehearse(as_csv(rows), "--create-programs")
    assert code == 2
    assert "more than 1000 new programs" in summary["error"]

"""Reading big files record by record, from any place on."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from wire.lines import LONGEST_RECORD, Lines
from wire.records import Format, Record, Records, Source

CSV = b'number,text\n1,"a\nb"\n\n2,c\n3,"broken"x\n4,\xff\n5,last'
NAMES = ("number", "text")


@pytest.fixture(params=[False, True], ids=["plain", "gzip"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(CSV) if request.param else CSV)
    return Source(str(path))


def test_every_record_comes_with_its_line_and_its_bytes(source: Source) -> None:
    found = list(Records(source, Format("csv"), NAMES))
    assert [(record.line, record.raw, list(record.values)) for record in found if not record.problem] == [
        (2, b'1,"a\nb"\n', ["1", "a\nb"]), (5, b"2,c\n", ["2", "c"]), (8, b"5,last", ["5", "last"]),
    ]  # fmt: skip
    assert [(record.line, record.raw) for record in found if record.problem] == [
        (6, b'3,"broken"x\n'), (7, b"4,\xff\n"),
    ]  # fmt: skip


def test_reading_goes_on_from_every_place_between_two_records(source: Source) -> None:
    whole = Records(source, Format("csv"), NAMES)
    places = [(whole.position, whole.line, 0)]
    everything = []
    for record in whole:
        everything.append(record)
        places.append((whole.position, whole.line, len(everything)))
    for position, line, behind in places:
        rest = Records(source, Format("csv"), NAMES, position=position, line=line)
        assert list(rest) == everything[behind:]


def test_the_position_is_that_of_the_unpacked_file(source: Source) -> None:
    records = Records(source, Format("csv"), NAMES)
    assert records.position == len(b"number,text\n")
    list(records)
    assert records.position == len(CSV)


def test_a_source_knows_its_hash_whatever_is_read_of_it(source: Source, tmp_path: Path) -> None:
    again = Source(str(tmp_path / "file"))
    list(Records(source, Format("csv"), NAMES))
    assert source.sha256 == again.sha256
    assert len(source.sha256) == 64


def read(path: Path, content: bytes, *, position: int = 0, line: int = 0) -> list[Record]:
    path.write_bytes(content)
    return list(Records(Source(str(path)), Format("csv"), NAMES, position=position, line=line))


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("behind", "problem"),
    [
        pytest.param(b"2,b\n3,c\n", "never closed", id="never closed"),
        pytest.param(b'2,"b"\n3,c\n', "cannot be read", id="closed by the next quotation mark"),
        pytest.param(b"2,b\n3," + b"c" * (LONGEST_RECORD - 9) + b"\n", "is longer than", id="too long"),
        pytest.param(b"2,b\n3," + b"\xff" + b"\n", "never closed", id="bytes of another encoding"),
    ],
)
def test_a_quotation_mark_that_stays_open_costs_its_line_alone(
    tmp_path: Path, behind: bytes, problem: str, packed: bool
) -> None:
    content = b'number,text\n1,"a\n' + behind
    first, *others = read(tmp_path / "file", gzip.compress(content) if packed else content)
    assert (first.line, first.raw, problem in first.problem) == (2, b'1,"a\n', True)
    assert [(record.line, record.raw) for record in others] == list(enumerate(behind.splitlines(keepends=True), 3))
    assert b"".join(record.raw for record in (first, *others)) == content.removeprefix(b"number,text\n")


def test_reading_goes_on_from_a_place_among_lines_that_were_read_twice(tmp_path: Path) -> None:
    content = b'number,text\n1,"a\n2,b\n3,"c\n4,d\n'
    (tmp_path / "file").write_bytes(content)
    records = Records(Source(str(tmp_path / "file")), Format("csv"), NAMES)
    everything, places = [], []
    for record in records:
        everything.append(record)
        places.append((records.position, records.line))
    assert [record.line for record in everything] == [2, 3, 4, 5]
    for number, (position, line) in enumerate(places, 1):
        assert read(tmp_path / "file", content, position=position, line=line) == everything[number:]


def test_a_record_of_several_lines_in_another_encoding_stays_one(tmp_path: Path) -> None:
    broken, good = read(tmp_path / "file", b'number,text\n1,"a\n\xff\nb"\n2,c\n')
    assert (broken.line, broken.raw) == (2, b'1,"a\n\xff\nb"\n')
    assert "is not utf-8 at byte 1 of its line 2" in broken.problem
    assert (good.line, good.values) == (5, ["2", "c"])


def test_a_file_of_open_quotation_marks_is_not_read_again_from_every_line_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # From outside, such a line opens a quotation mark; within one, it closes it and opens the next.
    content = b"number,text\n" + (b'5",6,"' + b"x" * 1017 + b"\n") * 4000
    real, count = Lines.__next__, 0

    def counted(lines: Lines) -> str:
        nonlocal count
        count += 1
        return real(lines)

    monkeypatch.setattr(Lines, "__next__", counted)
    found = read(tmp_path / "file", content)
    assert len(found) == 4000
    assert count < 4000 * 70

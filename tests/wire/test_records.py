"""Reading big files record by record, from any place on."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from wire.records import Format, Records, Source

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

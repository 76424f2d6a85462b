"""The table of threats names code and tests that exist."""

from __future__ import annotations

import re

import pytest

from tests.architecture.house_rules import ROOT
from tests.architecture.test_reliability_table import named_in

PAGE = (ROOT / "docs" / "security.md").read_text()
ROWS = re.findall(r"^\| (.+) \| (.+) \| `(.+)` \| `(tests/.+)::(.+)` \|$", PAGE, re.MULTILINE)
LINES = [line for line in PAGE.splitlines() if line.startswith("| ")]


def test_every_line_of_the_table_has_its_four_parts() -> None:
    assert len(ROWS) == len(LINES) - 1 > 25


@pytest.mark.parametrize(("threat", "defence", "code", "path", "name"), ROWS, ids=[row[0] for row in ROWS])
def test_code_and_test_of_a_threat_exist(threat: str, defence: str, code: str, path: str, name: str) -> None:
    assert (ROOT / code).exists()
    assert name in named_in(path)


def test_every_other_file_that_is_named_exists() -> None:
    named = set(re.findall(r"`((?:tests|workflows|accounts|config|wire)/[\w/.]+)`", PAGE))
    assert len(named) > 20
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_the_page_says_against_whom_it_does_not_help() -> None:
    assert len(re.findall(r"^\* \*\*", PAGE.partition("## Against whom not")[2], re.MULTILINE)) >= 6

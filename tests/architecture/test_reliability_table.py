"""The table of faults names tests that exist, and leaves no fault without a word."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.architecture.house_rules import ROOT

FAULTS = 62
PAGE = (ROOT / "docs" / "reliability.md").read_text()
ROWS = re.findall(r"^\| (\d+) \| (.+) \| (.+) \| (.+) \|$", PAGE.partition("## The faults")[2], re.MULTILINE)
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::([\w:]+)`", PAGE)))


@cache
def named_in(path: str) -> set[str]:
    """Functions as `name`, methods as `Class::name`."""
    names = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            names |= {f"{node.name}::{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
    return {name for name in names if name.rpartition("::")[2].startswith("test_")}


@pytest.mark.parametrize(("path", "name"), NAMED, ids=[name for _, name in NAMED])
def test_a_test_that_the_table_names_exists(path: str, name: str) -> None:
    assert name in named_in(path)


def test_every_fault_has_a_promise_and_a_test_or_the_reason_why_there_is_none() -> None:
    assert [int(number) for number, *_ in ROWS] == list(range(1, FAULTS + 1))
    for _, what, promise, injected in ROWS:
        assert what
        assert promise
        assert re.match(r"`tests/[\w/]+\.py::test_|`tests/[\w/]+\.py::Test|not injected here", injected), what


def test_the_check_sees_a_test_that_does_not_exist() -> None:
    assert "test_that_nobody_has_written" not in named_in("tests/architecture/test_reliability_table.py")
    assert "test_the_check_sees_a_test_that_does_not_exist" in named_in("tests/architecture/test_reliability_table.py")

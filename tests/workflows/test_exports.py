"""Cells of an export that a spreadsheet would run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.exports import defused, undefused


@pytest.mark.parametrize(
    "text",
    [
        '=cmd|"/c calc"!A1', "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "＋1", "－1", "＠A",
        "|x", "%x",
    ],
)  # fmt: skip
def test_what_begins_like_a_formula_begins_with_an_apostrophe(text: str) -> None:
    assert defused(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "late order", "a=b", "-5", "-0.5", "12", "'quoted'", "O'Neil", "2025-04-22"])
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert defused(text) == text


@given(st.text(alphabet=st.one_of(st.sampled_from("'=+-@ \t19x"), st.characters()), max_size=12))
def test_every_text_can_be_read_back(text: str) -> None:
    assert undefused(defused(text)) == text
    assert not defused(text).startswith(("=", "+", "@", "\t", "\r"))

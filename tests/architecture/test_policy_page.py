"""docs/policy.md names everything that a policy can say."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from tests.architecture.house_rules import ROOT
from workflows.terms.document import Conditions, Level, Limit, LookAlike, Patience, Result, Splitting, Terms

PAGE = (ROOT / "docs/policy.md").read_text()


@pytest.mark.parametrize("part", [Terms, Conditions, Level, Limit, Patience, LookAlike, Splitting])
def test_the_page_names_every_field(part: type[BaseModel]) -> None:
    assert [name for name in part.model_fields if name != "name" and f"`{name}`" not in PAGE] == []


def test_the_page_names_every_result() -> None:
    assert {"kind", "levels", "message"} == set(Result.model_fields)
    assert all(f"`{kind}`" in PAGE for kind in ("approve", "levels", "refuse", "message"))

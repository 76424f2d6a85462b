"""Whatever is thrown at the reader of submissions, it answers with a submission or with a refusal that it names."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.house import SEED_BODY, House
from wire import strict_json
from wire.strict_json import InvalidJSON
from workflows.errors import InvalidPayload, TypeNotSupported, WorkflowDisabled
from workflows.submission import Submission, read_submission

# The house is read and never written to by these tests, so one house serves all examples of a test.
thorough = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

scalars = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=12)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**16)
)  # fmt: skip
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def _paths(value: Any, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every place in the seed's body."""
    if not isinstance(value, dict):
        return [above]
    return [*([above] if above else []), *(path for key in value for path in _paths(value[key], (*above, key)))]


@st.composite
def mutated_bodies(draw: st.DrawFn) -> Any:
    """The seed's request with one to three places replaced, removed or joined by something unknown."""
    body = copy.deepcopy(SEED_BODY)
    for path in draw(st.lists(st.sampled_from(_paths(SEED_BODY)), min_size=1, max_size=3)):
        node = body
        for part in path[:-1]:
            node = node.get(part) if isinstance(node, dict) else None
        if not isinstance(node, dict):
            continue
        match draw(st.sampled_from(["replace", "remove", "add"])):
            case "replace":
                node[path[-1]] = draw(json_values)
            case "remove":
                node.pop(path[-1], None)
            case "add":
                node[draw(st.text(max_size=8))] = draw(json_values)
    return body


def _read(house: House, body: Any, slug: str = "GOODWILL-POINTS") -> Submission | None:
    """The submission, or None where it was refused in one of the ways that there are."""
    try:
        found = read_submission(body, organisation=house.organisation, slug=slug)
    except (InvalidPayload, WorkflowDisabled, TypeNotSupported):
        return None
    assert isinstance(found, Submission)
    return found


@thorough
@given(body=json_values)
def test_any_json_is_read_or_refused(house: House, body: Any) -> None:
    assert _read(house, body) is None


@thorough
@given(body=mutated_bodies())
def test_any_mutation_of_a_right_body_is_read_or_refused(house: House, body: Any) -> None:
    found = _read(house, body)

    if found is not None:
        assert found.secret is None or found.secret.value not in strict_json.dumps(found.content)
        assert found.subject.amount is not None
        assert 0 < found.subject.amount <= 10_000
        assert len(found.digest) == 64


@thorough
@given(slug=st.text(max_size=20))
def test_any_other_type_is_refused(house: House, slug: str) -> None:
    if slug != "GOODWILL-POINTS":
        assert _read(house, house.body(), slug) is None


@thorough
@given(raw=st.binary(max_size=200))
def test_any_bytes_are_refused_on_the_way_in(house: House, raw: bytes) -> None:
    try:
        body = strict_json.parse(raw)
    except InvalidJSON:
        return
    assert _read(house, body) is None


@pytest.mark.parametrize("points", [1, 20, 10_000])
def test_the_seeds_request_is_read(house: House, points: int) -> None:
    found = _read(house, house.body(points=points))

    assert found is not None
    assert found.subject.amount == points

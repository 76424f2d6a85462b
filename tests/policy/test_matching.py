"""A matching, not a head count."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from workflows.terms.matching import unfilled

PLACES = st.lists(st.lists(st.integers(1, 5), max_size=4, unique=True), max_size=5)


def test_two_places_that_one_person_alone_can_fill_are_not_filled_by_a_crowd_elsewhere() -> None:
    assert unfilled([["anna"], ["anna"], ["ben", "cleo", "dan"]]) == [1]


def test_whoever_can_move_makes_room() -> None:
    assert unfilled([["anna", "ben"], ["anna"], ["ben", "cleo"]]) == []


@given(PLACES)
def test_as_many_are_filled_as_any_arrangement_could(places: list[list[int]]) -> None:
    people = sorted({person for place in places for person in place})
    nobody = [0] * len(places)
    best = max(
        (
            sum(person in place for person, place in zip(order, places, strict=False))
            for order in permutations([*people, *nobody], len(places))
        ),
        default=0,
    )
    assert len(places) - len(unfilled(places)) == best

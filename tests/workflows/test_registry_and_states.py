"""The pure parts: the state machine, and request types that are registered once and then fixed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from goodwill.request_type import GOODWILL_POINTS
from workflows import registry
from workflows.errors import TypeNotSupported
from workflows.states import ENDED, OPEN, QUEUED, TRANSITIONS, WHY, State, as_markdown, can_move


def test_every_state_is_either_open_or_ended() -> None:
    assert set(State) == OPEN | ENDED
    assert not OPEN & ENDED
    assert QUEUED < OPEN


def test_every_move_has_its_reason_and_every_reason_its_move() -> None:
    moves = {(before, after) for before, afters in TRANSITIONS.items() for after in afters}
    assert moves == set(WHY)
    assert set(TRANSITIONS) == {None, *State}


def test_an_unknown_outcome_never_becomes_a_failure() -> None:
    assert not can_move(State.UNKNOWN, State.FAILED)


def test_nothing_leads_away_from_a_credit() -> None:
    assert TRANSITIONS[State.CREDITED] == frozenset()


def test_a_credit_is_reached_only_through_a_call() -> None:
    assert {before for before in TRANSITIONS if can_move(before, State.CREDITED)} == QUEUED


def test_every_state_can_be_reached_and_left_towards_an_end() -> None:
    reached: set[State] = set()
    edge = set(TRANSITIONS[None])
    while edge - reached:
        reached |= edge
        edge = {after for before in edge for after in TRANSITIONS[before]}
    assert reached == set(State)


def test_the_diagram_for_the_docs_shows_every_move() -> None:
    text = as_markdown()
    for (before, after), why in WHY.items():
        assert f"{before or '[*]'} --> {after}: {why}" in text


def test_a_type_is_found_by_its_slug_alone() -> None:
    assert registry.get("GOODWILL-POINTS") is GOODWILL_POINTS
    for slug in ("goodwill-points", "GOODWILL_POINTS", "", "GOODWILL-POINTS ", "POINTS-REDEMPTION"):
        with pytest.raises(TypeNotSupported, match="GOODWILL-POINTS"):
            registry.get(slug)


def test_after_the_first_look_up_no_type_is_added() -> None:
    registry.get("GOODWILL-POINTS")
    with pytest.raises(RuntimeError, match="ready"):
        registry.register(replace(GOODWILL_POINTS, slug="ANOTHER"))


@pytest.mark.parametrize("slug", ["GOODWILL-POINTS", "goodwill", "A_B", "", "-A", "A--B", "A1"])
def test_a_slug_that_is_taken_or_malformed_is_refused(slug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_frozen", False)
    with pytest.raises(ValueError, match="taken"):
        registry.register(replace(GOODWILL_POINTS, slug=slug))


def test_all_types_are_listed() -> None:
    assert GOODWILL_POINTS in registry.all_types()

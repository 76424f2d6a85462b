"""The difference between two documents leaves nothing out, and says what it says in words."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.terms.differences import Difference, differences
from workflows.terms.document import (
    Backup,
    Conditions,
    Level,
    Limit,
    LookAlike,
    Patience,
    Per,
    Range,
    Result,
    Role,
    Rule,
    SoFar,
    Splitting,
    Terms,
    Window,
)
from workflows.terms.words import Names

amounts = st.sampled_from([1, 10, 250, "0.5"])
users = st.lists(st.sampled_from([1, 2]), max_size=2, unique=True).map(tuple)
ids = st.lists(st.sampled_from(["a", "b"]), max_size=2, unique=True).map(tuple)
backups = st.none() | st.builds(Backup, role=st.sampled_from(Role), users=users)
levels = st.builds(
    Level, people=st.integers(1, 2), role=st.sampled_from(Role), users=users, stores=ids, zones=ids, backup=backups
)
results = st.one_of(
    st.builds(Result, kind=st.just("levels"), levels=st.lists(levels, min_size=1, max_size=2).map(tuple)),
    st.just(Result(kind="approve")),
    st.builds(Result, kind=st.just("refuse"), message=st.sampled_from(["No.", "Never."])),
)
conditions = st.builds(
    Conditions, points=st.none() | st.builds(Range, over=st.none() | amounts, up_to=st.none() | amounts),
    programs=users, makers=users, sources=st.lists(st.sampled_from(["api", "file"]), unique=True).map(tuple),
    reasons=ids, concepts=ids, look_alike=st.none() | st.booleans(), splitting=st.none() | st.booleans(),
    so_far=st.none() | st.builds(SoFar, days=st.sampled_from([30, 90]), measure=st.just("points"), more_than=amounts),
)  # fmt: skip
rules = st.builds(Rule, name=st.sampled_from(["one", "two", "three"]), when=conditions, then=results)
limits = st.builds(
    Limit, name=st.sampled_from(["one", "two"]), per=st.sampled_from(Per),
    measure=st.sampled_from(["points", "requests"]), window=st.sampled_from(Window), most=amounts,
    at_limit=st.just("refuse") | levels,
)  # fmt: skip


def _by_name(items: Any) -> Any:
    return st.lists(items, max_size=3, unique_by=lambda item: item.name).map(tuple)


documents = st.builds(
    Terms, is_enabled=st.booleans(), cap=st.none() | amounts, auto_approval=st.sampled_from(["off", "all", "up_to"]),
    auto_approval_up_to=st.none() | amounts, reasons=st.none() | ids, notify=ids, rules=_by_name(rules),
    default=results, limits=_by_name(limits), patience=st.builds(Patience, remind_after=st.none() | st.integers(1, 3)),
    look_alike=st.builds(LookAlike, days=st.integers(1, 3)),
    splitting=st.builds(Splitting, threshold=st.none() | amounts),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(before=documents, after=documents)
def test_two_documents_show_no_difference_exactly_where_they_say_the_same(before: Terms, after: Terms) -> None:
    found = differences(before, after)
    assert bool(found) == (before.as_json() != after.as_json())
    assert all(item.before != item.after for item in found)
    assert differences(after, after) == []


@settings(max_examples=100, deadline=None)
@given(before=documents, after=documents)
def test_the_way_back_is_the_same_difference_turned_round(before: Terms, after: Terms) -> None:
    there = {(item.place, item.before, item.after) for item in differences(before, after)}
    back = {(item.place, item.after, item.before) for item in differences(after, before)}
    assert there == back


def test_a_rule_that_only_moved_is_a_changed_order_and_nothing_else() -> None:
    one, two = (Rule(name=name, when=Conditions(look_alike=True), then=Result(kind="approve")) for name in ("a", "b"))
    assert differences(Terms(rules=(one, two)), Terms(rules=(two, one))) == [
        Difference("Rules, in order", "1. a; 2. b", "1. b; 2. a")
    ]


def test_people_and_programs_are_shown_by_their_names() -> None:
    after = Terms(default=Result(kind="levels", levels=(Level(users=(7, 8)),)))
    [found] = differences(Terms(), after, Names(users={7: "asha"}))
    assert (found.place, found.before) == ("Everything else: Level 1", "1 checker")
    assert found.after == "1 checker; only asha, 8"


def test_what_is_gone_stands_where_it_stood() -> None:
    limit = Limit(name="old", per=Per.MAKER, measure="points", window=Window.DAY, most=5)
    found = differences(Terms(limits=(limit,)), Terms())
    assert [(item.place, item.after) for item in found] == [
        ("Limits, in order", "none"), ("Limit “old”: At most", ""), ("Limit “old”: Per", ""),
        ("Limit “old”: In", ""), ("Limit “old”: What would pass it", ""),
    ]  # fmt: skip


def test_lists_that_read_alike_are_still_told_apart() -> None:
    found = differences(Terms(reasons=("a”, “b",)), Terms(reasons=("a", "b")))
    assert len(found) == 1

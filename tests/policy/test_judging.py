"""Which rule fires: every condition, their order, and what a verdict asks for. No database."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from workflows.terms.document import Conditions, Level, Limit, Range, Result, Rule, SoFar, Splitting, Terms
from workflows.terms.judging import Case, judge, steps_of

APPROVE = Result(kind="approve")
SUPERVISOR = Level(role="supervisor")
OTHER = UUID("0198c0de-0000-7000-8000-000000000001")


def case(**changes: Any) -> Case:
    values: dict[str, Any] = {
        "amount": Decimal(20), "money": Decimal(5), "program_id": 2739, "customer_id": 7, "maker_id": 1,
        "maker_kinds": {"person"}, "source": "api", "concept_id": "c", "zone_id": "z", "store_id": "s",
        "till_id": "t", "reason": "late", "so_far": {}, **changes,
    }  # fmt: skip
    return Case(**values)


def fired(when: Conditions, asked: Case, **terms: Any) -> bool:
    rule = Rule(name="the rule", when=when, then=APPROVE)
    return judge(Terms(rules=(rule,), **terms), asked, {}).rule == "the rule"


@pytest.mark.parametrize(
    ("when", "holds", "misses"),
    [
        ({"points": Range(over=10, up_to=20)}, {"amount": Decimal(20)}, {"amount": Decimal(10)}),
        ({"points": Range(over=10)}, {"amount": Decimal("10.000001")}, {"amount": None}),
        ({"money": Range(up_to=5)}, {"money": Decimal(5)}, {"money": Decimal("5.01")}),
        ({"money": Range(up_to=5)}, {"money": Decimal(1)}, {"money": None}),
        ({"programs": (2739, 1)}, {"program_id": 1}, {"program_id": 2}),
        ({"makers": (4,)}, {"maker_id": 4}, {"maker_id": 5}),
        ({"maker_kinds": ("service",)}, {"maker_kinds": {"service"}}, {"maker_kinds": {"person", "checker"}}),
        ({"maker_kinds": ("checker",)}, {"maker_kinds": {"person", "checker"}}, {"maker_kinds": {"person"}}),
        ({"sources": ("file",)}, {"source": "file"}, {"source": "api"}),
        ({"concepts": ("1",)}, {"concept_id": "1"}, {"concept_id": "2"}),
        ({"zones": ("1",)}, {"zone_id": "1"}, {"zone_id": "2"}),
        ({"stores": ("1",)}, {"store_id": "1"}, {"store_id": "2"}),
        ({"tills": ("1",)}, {"till_id": "1"}, {"till_id": "2"}),
        ({"reasons": ("late",)}, {"reason": "late"}, {"reason": "Late"}),
        ({"look_alike": True}, {"look_alikes": (OTHER,)}, {"look_alikes": ()}),
        ({"look_alike": False}, {"look_alikes": ()}, {"look_alikes": (OTHER,)}),
        (
            {"so_far": SoFar(days=30, measure="points", more_than=100)},
            {"so_far": {30: (Decimal(81), 4)}},
            {"so_far": {30: (Decimal(80), 4), 90: (Decimal(500), 9)}},
        ),
        (
            {"so_far": SoFar(days=90, measure="requests", more_than=3)},
            {"so_far": {90: (Decimal(1), 3)}},
            {"so_far": {90: (Decimal(1), 2)}},
        ),
    ],
)
def test_a_condition_holds_and_misses(when: dict[str, Any], holds: dict[str, Any], misses: dict[str, Any]) -> None:
    conditions = Conditions(**when)
    assert fired(conditions, case(**holds))
    assert not fired(conditions, case(**misses))


def test_all_conditions_of_a_rule_must_hold() -> None:
    both = Conditions(points=Range(up_to=50), reasons=("late",))
    assert fired(both, case())
    assert not fired(both, case(reason="lost"))
    assert not fired(both, case(amount=Decimal(51)))


def test_the_first_rule_that_matches_decides() -> None:
    small = Rule(name="small", when=Conditions(points=Range(up_to=50)), then=APPROVE)
    late = Rule(name="late", when=Conditions(reasons=("late",)), then=Result(kind="levels", levels=(SUPERVISOR,)))
    assert judge(Terms(rules=(small, late)), case(), {}).rule == "small"
    assert judge(Terms(rules=(late, small)), case(), {}).rule == "late"


def test_where_no_rule_matches_one_checker_is_asked() -> None:
    never = Rule(name="never", when=Conditions(makers=(99,)), then=APPROVE)
    verdict = judge(Terms(rules=(never,)), case(), {})
    assert (verdict.rule, verdict.levels) == ("default", (Level(),))


def test_a_default_that_would_approve_still_asks_a_checker() -> None:
    assert judge(Terms(default=APPROVE), case(), {}).levels == (Level(),)


@pytest.mark.parametrize(
    ("terms", "amount", "automatic"),
    [
        ({"auto_approval": "all"}, 10**9, True),
        ({"auto_approval": "up_to", "auto_approval_up_to": 20}, 20, True),
        ({"auto_approval": "up_to", "auto_approval_up_to": 20}, "20.01", False),
        ({"auto_approval": "up_to", "auto_approval_up_to": 20}, None, False),
        ({"auto_approval": "off"}, 1, False),
    ],
)
def test_automatic_approval_comes_after_the_rules(terms: dict[str, Any], amount: Any, automatic: bool) -> None:
    asked = case(amount=None if amount is None else Decimal(amount))
    assert (judge(Terms(**terms), asked, {}).levels == ()) is automatic
    supervisor = Rule(name="late", when=Conditions(reasons=("late",)), then=Result(kind="levels", levels=(SUPERVISOR,)))
    assert judge(Terms(rules=(supervisor,), **terms), asked, {}).levels == (SUPERVISOR,)


@pytest.mark.parametrize(
    ("amount", "split_sum", "split"), [(60, 50, True), (60, 40, False), (101, 50, False), (100, 1, True)]
)
def test_splitting_is_what_passes_the_threshold_only_together(amount: int, split_sum: int, split: bool) -> None:
    terms = Terms(splitting=Splitting(threshold=100))
    asked = case(amount=Decimal(amount), split_with=(OTHER,), split_sum=Decimal(split_sum))
    assert (judge(terms, asked, {}).split_with == (OTHER,)) is split


def limit(**changes: Any) -> Limit:
    return Limit(**{"name": "most", "per": "customer", "measure": "points", "window": "30", "most": 100, **changes})


@pytest.mark.parametrize(("used", "passed"), [(79, False), (80, False), (81, True)])
def test_a_limit_takes_this_request_in(used: int, passed: bool) -> None:
    verdict = judge(Terms(limits=(limit(),)), case(), {"most": Decimal(used)})
    assert bool(verdict.passed_hard) is passed
    assert verdict.limits[0].after == used + 20


def test_a_soft_limit_adds_its_level_to_those_of_the_rule() -> None:
    soft = limit(at_limit=SUPERVISOR)
    verdict = judge(Terms(limits=(soft,), auto_approval="all"), case(), {"most": Decimal(90)})
    assert (verdict.passed_hard, verdict.levels) == ((), (SUPERVISOR,))
    assert judge(Terms(limits=(soft,)), case(), {"most": Decimal(90)}).levels == (Level(), SUPERVISOR)


def test_a_limit_for_some_programs_does_not_touch_the_others() -> None:
    budget = limit(per="program", programs=(1,))
    assert judge(Terms(limits=(budget,)), case(program_id=2), {"most": Decimal(999)}).limits == ()
    assert judge(Terms(limits=(budget,)), case(program_id=1), {"most": Decimal(999)}).passed_hard


def test_a_level_of_two_people_is_two_steps() -> None:
    steps = steps_of((Level(people=2), SUPERVISOR))
    assert [(stage, level.role) for stage, level in steps] == [(1, "checker"), (1, "checker"), (2, "supervisor")]


def test_only_a_result_that_says_so_is_automatic() -> None:
    """A result of people without people is a document that somebody wrote past the checks."""
    nobody = Result(kind="levels", levels=())
    for terms in (
        Terms(default=nobody),
        Terms(rules=(Rule(name="x", when=Conditions(reasons=("late",)), then=nobody),)),
    ):
        verdict = judge(terms, case(), {})
        assert (verdict.result.kind, verdict.is_automatic) == ("refuse", False)
    assert judge(Terms(auto_approval="all"), case(), {}).is_automatic
    assert not judge(Terms(), case(), {}).is_automatic


def test_a_soft_limit_does_not_stand_in_for_people_that_are_missing() -> None:
    terms = Terms(default=Result(kind="levels"), limits=(limit(at_limit=SUPERVISOR),))
    assert judge(terms, case(), {"most": Decimal(100)}).result.kind == "refuse"


@pytest.mark.parametrize("at_limit", ["refuse", SUPERVISOR])
def test_a_limit_per_something_that_is_not_named_refuses_in_words(at_limit: Any) -> None:
    store = limit(per="store", at_limit=at_limit)
    result = judge(Terms(limits=(store,), auto_approval="all"), case(store_id=""), {}).result
    assert (result.kind, result.message) == (
        "refuse", "The limit “most” is counted per store, and the request names none.",
    )  # fmt: skip
    assert judge(Terms(limits=(store,)), case(), {"most": Decimal(0)}).result.kind == "levels"

"""What is refused when a policy is saved, each with its sentence."""

from __future__ import annotations

from typing import Any

import pydantic
import pytest

from workflows.terms.contradictions import problems_of
from workflows.terms.document import Terms

ONE = {"kind": "levels", "levels": [{}]}
WITH_BACKUP = {"default": {"kind": "levels", "levels": [{"backup": {}}]}}
THREE_BANDS: dict[str, Any] = {
    "rules": [
        {"name": "small", "when": {"points": {"up_to": 10}}, "then": {"kind": "approve"}},
        {"name": "usual", "when": {"points": {"over": 10, "up_to": 1000}}, "then": ONE},
        {
            "name": "large",
            "when": {"points": {"over": 1000}},
            "then": {"kind": "levels", "levels": [{}, {"role": "supervisor"}]},
        },
    ],
    "limits": [{"name": "30 days", "per": "customer", "measure": "points", "window": "30", "most": 2000}],
}


def rule(name: str = "r", when: dict[str, Any] | None = None, then: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"name": name, "when": when if when is not None else {"points": {"up_to": 5}}, "then": then or ONE}


def limit(**changes: Any) -> dict[str, Any]:
    return {"name": "l", "per": "customer", "measure": "points", "window": "30", "most": 100, **changes}


def test_the_three_bands_contradict_nothing() -> None:
    assert problems_of(Terms.model_validate(THREE_BANDS)) == []


def test_the_policy_of_nothing_contradicts_nothing() -> None:
    assert problems_of(Terms()) == []


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"auto_approval": "up_to"}, "needs that amount"),
        ({"auto_approval": "all", "auto_approval_up_to": 5}, "is not “up to an amount”"),
        ({"default": {"kind": "approve"}}, "The default cannot approve"),
        ({"default": {"kind": "levels"}}, "names no level"),
        ({"reasons": []}, "has no reasons"),
        ({"reasons": ["late", "late"]}, "stands in the catalogue twice"),
        ({"rules": [rule(when={})]}, "has no conditions"),
        ({"rules": [rule(when={"points": {}})]}, "is empty on both sides"),
        ({"rules": [rule(when={"points": {"over": 5, "up_to": 5}})]}, "no points are over 5 and at most 5"),
        ({"rules": [rule(when={"money": {"over": 6, "up_to": 5}})]}, "no money are over 6"),
        ({"rules": [rule(when={"points": {"over": 100}})], "cap": 100}, "begins at the cap"),
        ({"rules": [rule(when={"reasons": ["lost"]})], "reasons": ["late"]}, "is not in the reason catalogue"),
        ({"rules": [rule(when={"splitting": True})]}, "no threshold is set"),
        ({"rules": [rule(), rule(when={"points": {"up_to": 6}})]}, "Two rules are called"),
        ({"rules": [rule("a"), rule("b", {"points": {"up_to": 4}, "zones": ["1"]})]}, "“a” before it takes all"),
        ({"rules": [rule("a", {"zones": ["1", "2"]}), rule("b", {"zones": ["2"]})]}, "“b” is never reached"),
        (
            {
                "rules": [
                    rule("a", {"so_far": {"days": 30, "measure": "points", "more_than": 5}}),
                    rule("b", {"so_far": {"days": 30, "measure": "points", "more_than": 9}}),
                ]
            },
            "“b” is never reached",
        ),
        ({"rules": [rule(then={"kind": "levels"})]}, "names no level"),
        ({"rules": [rule(then={"kind": "approve", "levels": [{}]})]}, "asks nobody"),
        ({"rules": [rule(then={"kind": "refuse"})]}, "without a message"),
        ({"limits": [limit(most=0)]}, "would refuse everything"),
        ({"limits": [limit(measure="requests", most="1.5")]}, "must be a whole number"),
        ({"limits": [limit(programs=[1])]}, "not counted per program"),
        ({"limits": [limit(), limit(per="maker")]}, "Two limits are called"),
        ({**WITH_BACKUP, "patience": {"remind_after": 5, "escalate_after": 5}}, "after the escalation"),
        ({"patience": {"escalate_after": 5}}, "no level names a backup"),
        ({"patience": {"expire_after": 9}}, "before that somebody is warned is not set"),
        ({"auto_approval": "all", "default": {"kind": "refuse", "message": "No."}}, "is never reached"),
        (
            {"auto_approval": "up_to", "auto_approval_up_to": 10, "rules": [rule("a", {"points": {"up_to": 50}})]},
            "Automatic approval is never reached: “a”",
        ),
        (
            {"limits": [limit(name="w", window="7", most=500), limit(name="m", most=200)]},
            "“w” is never reached: “m”",
        ),
        ({"patience": {"remind_after": 9, "expire_after": 9, "warn_before": 1}}, "before the request expires"),
        ({"patience": {"warn_before": 1}}, "between the submission and the expiry"),
        ({"patience": {"warn_before": 9, "expire_after": 9}}, "between the submission and the expiry"),
        ({"notify": ["nobody"]}, "is no e-mail address"),
        ({"cap": 10, "auto_approval": "up_to", "auto_approval_up_to": 50}, "up to 50 is above the cap of 10"),
        ({"default": {"kind": "levels", "levels": [{"backup": {}}]}}, "“default” names a backup"),
        ({"rules": [rule(then={"kind": "levels", "levels": [{}, {"backup": {}}]})]}, "“r” names a backup"),
        ({"limits": [limit(at_limit={"backup": {}})]}, "“l” names a backup"),
    ],
)
def test_a_contradiction_is_named(document: dict[str, Any], sentence: str) -> None:
    (problem,) = problems_of(Terms.model_validate(document))
    assert sentence in problem


def over(amount: int, days: int, measure: str = "points") -> dict[str, Any]:
    return {"so_far": {"days": days, "measure": measure, "more_than": amount}}


@pytest.mark.parametrize(
    ("before", "cap"),
    [
        ([{"points": {"up_to": 10}}, {"points": {"over": 10}}], None),
        ([{"points": {"over": 5}}, {"points": {"up_to": 7}}], None),
        ([{"points": {"up_to": 10}}, {"points": {"over": 10, "up_to": 100}}], 100),
        ([{"points": {"up_to": 100}, "stores": ["1", "2"]}], 100),
        ([{"stores": ["1", "3"]}, {"stores": ["2"]}], None),
        ([{"look_alike": True}, {"look_alike": False}], None),
        ([{"sources": ["api"]}, {"sources": ["admin", "file"]}], None),
        ([{"maker_kinds": ["person"]}, {"maker_kinds": ["service"]}], None),
        ([{"zones": ["9"]}, {"money": {"up_to": 3}}, {"zones": ["8"]}, {"money": {"over": 2}}], None),
        ([over(10, 90)], None),
        ([over(9, 30)], None),
    ],
)
def test_a_rule_of_which_nothing_is_left_is_named(before: list[dict[str, Any]], cap: int | None) -> None:
    rules = [rule(f"r{place}", when) for place, when in enumerate(before)]
    last = rule("last", {"stores": ["1", "2"], **over(10, 30)})
    (problem,) = problems_of(Terms.model_validate({"rules": [*rules, last], "cap": cap}))
    assert problem.startswith("Rule “last” is never reached: ")


def test_those_that_take_it_together_are_named() -> None:
    bands = [
        rule("small", {"points": {"up_to": 10}}),
        rule("zone", {"zones": ["1"]}),
        rule("rest", {"points": {"over": 9}}),
    ]
    (problem,) = problems_of(Terms.model_validate({"rules": [*bands, rule("store", {"stores": ["1"]})]}))
    assert problem == "Rule “store” is never reached: “small”, “rest” before it take all that it could match."


@pytest.mark.parametrize(
    "rules",
    [
        [rule("a", {"points": {"up_to": 5}}), rule("b", {"points": {"up_to": 6}})],
        [rule("a", over(10, 30)), rule("b", over(10, 90))],
        [rule("a", over(11, 90)), rule("b", over(10, 30))],
        [rule("a", over(10, 90, "requests")), rule("b", over(10, 30))],
        [rule("a", {"points": {"up_to": 5}}), rule("b", {"points": {"over": 6}}), rule("c", {"stores": ["1"]})],
        [
            rule("a", {"points": {"up_to": 5}}),
            rule("b", {"points": {"over": 5}, "zones": ["1"]}),
            rule("c", {"stores": ["1"]}),
        ],
        [rule("a", {"stores": ["1"]}), rule("b", {"stores": ["2"]}), rule("c", {"zones": ["1"]})],
        [rule("a", {"sources": ["api"]}), rule("b", {"sources": ["admin"]}), rule("c", {"zones": ["1"]})],
        [rule("a", {"maker_kinds": ["person"]}), rule("b", {"maker_kinds": ["checker"]}), rule("c", {"zones": ["1"]})],
        [rule("a", {"points": {"over": 5}}), rule("b", {"money": {"over": 5}})],
        [rule("a", {"zones": ["1"]}), rule("b", {"zones": ["1", "2"]})],
        [rule("a", {"look_alike": True}), rule("b", {"look_alike": False})],
        [rule("a", {"points": {"up_to": 5}}), rule("b", {"zones": ["1"]})],
    ],
)
def test_a_rule_that_can_still_match_something_is_no_problem(rules: list[dict[str, Any]]) -> None:
    assert problems_of(Terms.model_validate({"rules": rules})) == []


@pytest.mark.parametrize(
    "document",
    [
        {"cap": 0}, {"cap": -1}, {"cap": "NaN"}, {"cap": "Infinity"}, {"cap": "1.0000001"},
        {"limits": [limit(most=-1)]}, {"limits": [limit(window="31")]}, {"limits": [limit(per="till")]},
        {"rules": [rule(then={"kind": "levels", "levels": [{}] * 4})]},
        {"rules": [rule(then={"kind": "levels", "levels": [{"people": 0}]})]},
        {"rules": [rule(when={"pionts": {"over": 5}})]}, {"rules": [rule(name=" ")]},
        {"patience": {"remind_after": 0}}, {"patience": {"expire_after": -5}}, {"unknown": 1},
        {"default": {"kind": "levels", "levels": [{"role": "nobody"}]}},
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_no_document(document: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        Terms.model_validate(document)


@pytest.mark.parametrize("document", [{}, THREE_BANDS])
def test_a_document_is_stored_and_read_again_as_it_was(document: dict[str, Any]) -> None:
    terms = Terms.model_validate(document)
    assert Terms.model_validate(terms.as_json()) == terms
    assert Terms.model_validate(document).as_json() == terms.as_json()


def test_two_spellings_of_an_amount_are_one_document() -> None:
    assert Terms(cap="10").as_json() == Terms(cap="10.000").as_json() == {"cap": "10"}

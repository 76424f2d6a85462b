"""What an organisation lacks for a policy is said when the policy is saved, not when somebody's request meets it."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Membership
from tests.factories import MembershipFactory, UserFactory
from tests.house import House
from tests.policy.test_contradictions import ONE, limit, rule
from workflows.rules import versions
from workflows.terms.document import Terms

pytestmark = pytest.mark.django_db


def problems(house: House, **document: Any) -> list[str]:
    """What is wrong with it in the house, which has two checkers and no supervisor."""
    return versions.problems_with(Terms.model_validate(document), house.organisation, "GOODWILL-POINTS")


def add_supervisor(house: House) -> None:
    MembershipFactory(user=UserFactory(), organisation=house.organisation, is_checker=True, is_supervisor=True)


class TestLevelsOfLimits:
    def test_nobody_could_fill_it(self, house: House) -> None:
        (problem,) = problems(house, limits=[limit(at_limit={"role": "supervisor"})])
        assert problem == "Limit “l”: there are not enough people who could decide its level."

    def test_only_who_has_filled_a_level_of_the_rule_could_fill_it(self, house: House) -> None:
        (problem,) = problems(
            house,
            rules=[rule("two", then={"kind": "levels", "levels": [{"people": 2}]})],
            limits=[limit(at_limit={})],
        )
        assert problem == "“two” with the level of the limit “l”: there are not enough different people."

    def test_two_limits_that_are_passed_at_once_need_two_people(self, house: House) -> None:
        soft = [limit(name="day", window="day", at_limit={}), limit(name="month", at_limit={})]
        (problem,) = problems(house, limits=soft)
        assert (
            problem == "“default” with the levels of the limits “day”, “month”: there are not enough different people."
        )
        add_supervisor(house)
        assert problems(house, limits=soft) == []

    def test_what_is_carried_out_at_once_gets_the_level_of_the_limit(self, house: House) -> None:
        Membership.objects.filter(user=house.colleague).update(is_active=False)
        small = rule("small", then={"kind": "approve"})
        assert (
            problems(house, rules=[small], default={"kind": "refuse", "message": "no"}, limits=[limit(at_limit={})])
            == []
        )

    def test_limits_and_rules_of_different_programs_never_meet(self, house: House) -> None:
        number = house.program.program_id
        two = rule("two", {"programs": [number]}, {"kind": "levels", "levels": [{"people": 2}]})
        of_program = limit(per="program", programs=[number], at_limit={})
        assert len(problems(house, rules=[two], limits=[of_program])) == 1
        elsewhere = rule("two", {"programs": [number + 1]}, two["then"])
        found = problems(house, rules=[elsewhere], limits=[of_program])
        assert found == [f"“two” names the program {number + 1}, which the organisation does not have."]


class TestAmounts:
    @pytest.fixture(autouse=True)
    def small_checkers(self, house: House) -> None:
        Membership.objects.filter(organisation=house.organisation, is_checker=True).update(decides_up_to=1000)

    def test_a_band_that_begins_where_all_may_decide_no_more(self, house: House) -> None:
        large = rule("large", {"points": {"over": 1000}})
        (problem,) = problems(house, rules=[large], default=ONE)
        assert problem == "“large”, level 1: there are not enough people who may decide over 1,000."

    def test_what_the_rules_before_leave_for_everything_else(self, house: House) -> None:
        bands = [rule("small", {"points": {"up_to": 10}}), rule("usual", {"points": {"over": 10, "up_to": 1000}})]
        (problem,) = problems(house, rules=bands)
        assert problem == "“default”, level 1: there are not enough people who may decide over 1,000."
        assert problems(house, rules=bands[1:]) == []

    def test_what_automatic_approval_leaves_for_everything_else(self, house: House) -> None:
        assert len(problems(house, auto_approval="up_to", auto_approval_up_to=1000)) == 1
        assert problems(house, auto_approval="up_to", auto_approval_up_to=999) == []

    def test_one_who_may_decide_more_is_enough_for_one_level(self, house: House) -> None:
        Membership.objects.filter(user=house.colleague).update(decides_up_to=2000)
        large = rule("large", {"points": {"over": 1000}})
        assert problems(house, rules=[large]) == []
        assert len(problems(house, rules=[large | {"then": {"kind": "levels", "levels": [{}, {}]}}])) == 1


class TestMakers:
    def test_who_is_asked_about_their_own(self, house: House) -> None:
        boss = {"makers": [house.checker.pk]}
        (problem,) = problems(
            house, rules=[rule("boss", boss, {"kind": "levels", "levels": [{"users": [house.checker.pk]}]})]
        )
        assert problem.startswith(
            f"“boss”, level 1: there are not enough people beside the maker {house.checker.username}"
        )

    def test_two_checkers_may_decide_for_each_other(self, house: House) -> None:
        pair = [house.checker.pk, house.colleague.pk]
        each_other = rule("pair", {"makers": pair}, {"kind": "levels", "levels": [{"users": pair}]})
        assert problems(house, rules=[each_other]) == []

    def test_one_that_the_organisation_does_not_know(self, house: House) -> None:
        stranger = UserFactory()
        (problem,) = problems(house, rules=[rule("x", {"makers": [stranger.pk]}, {"kind": "approve"})])
        assert problem == f"“x” names the maker {stranger.pk}, who is no member of the organisation."

    def test_one_who_has_left_may_still_be_named(self, house: House) -> None:
        Membership.objects.filter(user=house.maker).update(is_active=False)
        assert problems(house, rules=[rule("x", {"makers": [house.maker.pk]})]) == []


def test_a_program_that_a_limit_names_must_exist(house: House) -> None:
    (problem,) = problems(house, limits=[limit(per="program", programs=[1])])
    assert problem == "“l” names the program 1, which the organisation does not have."


def test_the_number_of_queries_does_not_grow_with_the_rules(house: House, django_assert_num_queries: Any) -> None:
    def bands(number: int) -> list[dict[str, Any]]:
        return [rule(f"r{place}", {"points": {"over": place, "up_to": place + 1}}) for place in range(number)]

    for number in (2, 60):
        with django_assert_num_queries(2):
            assert problems(house, rules=bands(number)) == []


class TestBackups:
    def backup(self, **named: Any) -> dict[str, Any]:
        return {"kind": "levels", "levels": [{"backup": named}]}

    def test_nobody_could_step_in(self, house: House) -> None:
        document = {"default": self.backup(), "patience": {"escalate_after": 5}}
        (problem,) = problems(house, **document)
        assert problem == "“default”: nobody could step in as the backup of a level."
        add_supervisor(house)
        assert problems(house, **document) == []

    def test_who_is_named_must_be_an_active_member(self, house: House) -> None:
        add_supervisor(house)
        left = MembershipFactory(user=UserFactory(), organisation=house.organisation, is_checker=True, is_active=False)
        found = problems(
            house, patience={"escalate_after": 5},
            default={"kind": "levels", "levels": [{"users": [house.checker.pk, left.user_id], "backup": {}}]},
        )  # fmt: skip
        assert found == [f"“default” names the person {left.user_id}, who is no active member of the organisation."]

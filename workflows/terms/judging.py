"""Which rule fires for a request, what it asks for, and which limits it meets: one pure function, `judge`.

Preview, replay and the submission itself all call it; nothing else decides.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from workflows.terms.document import ONE_CHECKER, Conditions, Level, Limit, Result, Terms

DEFAULT_RULE = "default"
AUTOMATIC_RULE = "automatic approval"
ONE_STEP_RULE = "one step"

Use = tuple[Decimal, int]
NOTHING_USED: Use = (Decimal(0), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is judged.

    Attributes:
        so_far: what the customer has got or was promised in so many days before, this request left out.
        look_alikes: requests with the same customer, amount and reason lately.
        split_with: requests of the same maker for the same customer lately.
        split_sum: what these move together, this request left out.
    """

    amount: Decimal | None
    money: Decimal | None
    program_id: int | None
    customer_id: int | None
    maker_id: int
    maker_kinds: Collection[str]
    source: str
    concept_id: str
    zone_id: str
    store_id: str
    till_id: str
    reason: str
    so_far: Mapping[int, Use]
    look_alikes: tuple[UUID, ...] = ()
    split_with: tuple[UUID, ...] = ()
    split_sum: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class LimitState:
    """How full a limit is: before this request, and with it."""

    limit: Limit
    used: Decimal
    after: Decimal

    @property
    def is_passed(self) -> bool:
        return self.after > self.limit.most


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a request, by which rule, and how full it leaves the limits."""

    result: Result
    rule: str
    limits: tuple[LimitState, ...]
    look_alikes: tuple[UUID, ...]
    split_with: tuple[UUID, ...]

    @property
    def passed_hard(self) -> tuple[LimitState, ...]:
        return tuple(state for state in self.limits if state.is_passed and state.limit.is_hard)

    @property
    def passed_soft(self) -> tuple[LimitState, ...]:
        return tuple(state for state in self.limits if state.is_passed and not state.limit.is_hard)

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels of the rule, and those that limits have added; none where it is carried out at once."""
        added = tuple(state.limit.at_limit for state in self.passed_soft if isinstance(state.limit.at_limit, Level))
        return self.result.levels + added

    @property
    def is_automatic(self) -> bool:
        """Whether nobody is asked: said in so many words by the rule, and no limit adds a level."""
        return self.result.kind == "approve" and not self.levels

    def as_json(self) -> dict[str, Any]:
        """The snapshot that a request keeps of it."""
        return {
            "rule": self.rule,
            "levels": [level.model_dump(mode="json", exclude_defaults=True) for level in self.levels],
            "limits": [
                {"name": state.limit.name, "used": str(state.used), "after": str(state.after),
                 "most": str(state.limit.most)}
                for state in self.limits
            ],
            "look_alikes": [str(found) for found in self.look_alikes],
            "split_with": [str(found) for found in self.split_with],
        }  # fmt: skip


def judge(terms: Terms, case: Case, used: Mapping[str, Decimal]) -> Verdict:
    """The verdict on a request.

    Args:
        used: by the limit's name, what counts already in its window, this request left out. A limit without one is
            counted for something that the request does not name; such a request is refused.
    """
    rule, result = _first_match(terms, case)
    limits = [limit for limit in terms.limits if applies(limit, case)]
    states = tuple(
        LimitState(limit, used[limit.name], used[limit.name] + _adds(limit, case))
        for limit in limits
        if limit.name in used
    )
    nameless = next((limit for limit in limits if limit.name not in used), None)
    result = _usable(result) if nameless is None else _refused_by(nameless)
    split = is_split(terms, case)
    return Verdict(result, rule, states, case.look_alikes, case.split_with if split else ())


def _usable(result: Result) -> Result:
    """A document that asks for people and names none lets nothing through."""
    if result.kind == "levels" and not result.levels:
        return Result(kind="refuse", message=_("The policy asks for people here, but does not say for whom."))
    return result


def _refused_by(limit: Limit) -> Result:
    words = {"limit": limit.name, "per": limit.per}
    sentence = _("The limit “%(limit)s” is counted per %(per)s, and the request names none.") % words
    return Result(kind="refuse", message=sentence)


def _first_match(terms: Terms, case: Case) -> tuple[str, Result]:
    for rule in terms.rules:
        if holds(rule.when, terms, case):
            return rule.name, rule.then
    if _approves_by_itself(terms, case.amount):
        return AUTOMATIC_RULE, Result(kind="approve")
    # A document without a usable default still never lets anything through.
    return DEFAULT_RULE, terms.default if terms.default.kind != "approve" else ONE_CHECKER


def _approves_by_itself(terms: Terms, amount: Decimal | None) -> bool:
    if terms.auto_approval == "up_to":
        most = terms.auto_approval_up_to
        return amount is not None and most is not None and amount <= most
    return terms.auto_approval == "all"


def holds(when: Conditions, terms: Terms, case: Case) -> bool:
    """Whether all conditions hold; an amount that is not known holds no range."""
    return (
        (when.points is None or (case.amount is not None and when.points.holds(case.amount)))
        and (when.money is None or (case.money is not None and when.money.holds(case.money)))
        and (not when.programs or case.program_id in when.programs)
        and (not when.makers or case.maker_id in when.makers)
        and (not when.maker_kinds or any(kind in case.maker_kinds for kind in when.maker_kinds))
        and (not when.sources or case.source in when.sources)
        and (not when.concepts or case.concept_id in when.concepts)
        and (not when.zones or case.zone_id in when.zones)
        and (not when.stores or case.store_id in when.stores)
        and (not when.tills or case.till_id in when.tills)
        and (not when.reasons or case.reason in when.reasons)
        and (when.look_alike is None or when.look_alike == bool(case.look_alikes))
        and (when.splitting is None or when.splitting == is_split(terms, case))
        and (when.so_far is None or _has_had_more(when, case))
    )


def _has_had_more(when: Conditions, case: Case) -> bool:
    assert when.so_far is not None  # noqa: S101 - `holds` has looked
    points, requests = case.so_far.get(when.so_far.days, NOTHING_USED)
    if when.so_far.measure == "requests":
        return requests + 1 > when.so_far.more_than
    return points + (case.amount or 0) > when.so_far.more_than


def is_split(terms: Terms, case: Case) -> bool:
    """Whether this request alone stays under the threshold and passes it with the ones before."""
    threshold, amount = terms.splitting.threshold, case.amount
    if threshold is None or amount is None or not case.split_with:
        return False
    return amount <= threshold < amount + case.split_sum


def applies(limit: Limit, case: Case) -> bool:
    return not limit.programs or case.program_id in limit.programs


def _adds(limit: Limit, case: Case) -> Decimal:
    return Decimal(1) if limit.measure == "requests" else case.amount or Decimal(0)


def steps_of(levels: tuple[Level, ...]) -> list[tuple[int, Level]]:
    """Every place to be filled, in order: (number of the level from 1, the level)."""
    return [(number, level) for number, level in enumerate(levels, start=1) for _ in range(level.people)]

"""What an organisation lacks for a document: people who could decide by it, and makers and programs that it names.

Said when a version is saved. What can still be missing then for one request is said when that is submitted
(`verdicts.people_for`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Membership, Organisation
from workflows.amounts import readable
from workflows.registry import RequestType
from workflows.rules import people
from workflows.terms.contradictions import named_levels
from workflows.terms.document import (
    MOST_LEVELS,
    MOST_LIMITS,
    MOST_PEOPLE,
    Conditions,
    Level,
    Limit,
    Range,
    Result,
    Rule,
    Terms,
)
from workflows.terms.reach import least_points

# More places than these no request has, and a level of as many candidates as there are places can always be filled.
_ENOUGH: Final = (MOST_LEVELS + MOST_LIMITS) * MOST_PEOPLE + 1
NOTHING: Final = Decimal(0)


def problems_of(terms: Terms, organisation: Organisation, kind: RequestType) -> Iterator[str]:
    """One sentence for everything that is missing."""
    makers = _makers_of(terms, organisation)
    yield from _unknown_makers(terms, makers)
    yield from _unknown_people(terms, organisation)
    yield from _unknown_programs(terms, dict(kind.programs([organisation.pk])))
    if kind.problems_of_people is not None:
        yield from kind.problems_of_people(terms, organisation.pk)
    else:
        yield from _Search(terms, organisation.pk, makers).problems()


def _makers_of(terms: Terms, organisation: Organisation) -> dict[int, str]:
    """Names of the members that rules name as makers; they may have left."""
    ids = {number for rule in terms.rules for number in rule.when.makers}
    found = Membership.objects.filter(organisation=organisation, user__in=ids) if ids else Membership.objects.none()
    return dict(found.values_list("user_id", "user__username"))


def _unknown_makers(terms: Terms, known: Collection[int]) -> Iterator[str]:
    for rule in terms.rules:
        for number in sorted({*rule.when.makers} - {*known}):
            yield _("“%(rule)s” names the maker %(number)s, who is no member of the organisation.") % {
                "rule": rule.name, "number": number,
            }  # fmt: skip


def _unknown_people(terms: Terms, organisation: Organisation) -> Iterator[str]:
    """People whom a level or its backup names, and who are no active members."""
    named = [
        (name, {*level.users, *(level.backup.users if level.backup else ())}) for name, level in named_levels(terms)
    ]
    ids = set[int]().union(*(users for _name, users in named))
    if not ids:
        return
    found = Membership.objects.active().filter(organisation=organisation, user__in=ids)
    known = set(found.values_list("user_id", flat=True))
    for name, users in named:
        for number in sorted(users - known):
            yield _("“%(rule)s” names the person %(number)s, who is no active member of the organisation.") % {
                "rule": name, "number": number,
            }  # fmt: skip


def _unknown_programs(terms: Terms, known: Collection[int]) -> Iterator[str]:
    named = [(rule.name, rule.when.programs) for rule in terms.rules]
    for name, programs in [*named, *((limit.name, limit.programs) for limit in terms.limits)]:
        for number in sorted({*programs} - {*known}):
            yield _("“%(name)s” names the program %(number)s, which the organisation does not have.") % {
                "name": name, "number": number,
            }  # fmt: skip


@dataclass(slots=True)
class _Search:
    """Looks for different people for every result; reads the candidates of each kind of level once."""

    terms: Terms
    organisation_id: int
    makers: dict[int, str]
    _read: dict[Level, list[tuple[int, Decimal | None]]] = field(default_factory=dict)

    def problems(self) -> Iterator[str]:
        soft = []
        yield from self._of_backups()
        for limit in self.terms.limits:
            if isinstance(limit.at_limit, Level):
                if self._empty([limit.at_limit]):
                    yield _("Limit “%(name)s”: there are not enough people who could decide its level.") % {
                        "name": limit.name
                    }
                else:
                    soft.append(limit)
        for number, rule in enumerate(self.terms.rules):
            yield from self._of_result(rule.name, rule.when, rule.then, self.terms.rules[:number], soft)
        yield from self._of_result(_("default"), Conditions(), self.terms.default, self._before_default(), soft)

    def _of_backups(self) -> Iterator[str]:
        for name, level in named_levels(self.terms):
            if level.backup is not None and not self._candidates(Level(**level.backup.model_dump())):
                yield _("“%(rule)s”: nobody could step in as the backup of a level.") % {"rule": name}

    def _before_default(self) -> tuple[Rule, ...]:
        up_to = self.terms.auto_approval_up_to
        if self.terms.auto_approval != "up_to" or up_to is None:
            return self.terms.rules
        automatic = Rule(name="-", when=Conditions(points=Range(up_to=up_to)), then=Result(kind="approve"))
        return (*self.terms.rules, automatic)

    def _of_result(
        self, name: str, when: Conditions, result: Result, earlier: Sequence[Rule], soft: Sequence[Limit]
    ) -> Iterator[str]:
        """The plainest thing that is missing, so that what follows from it is not said as well."""
        if result.kind == "refuse":
            return
        above = least_points(earlier, when)
        problems = list(self._of_levels(name, result.levels, above))
        problems = problems or list(self._of_makers(name, result.levels, above, when.makers))
        yield from problems or self._of_limits(name, result.levels, above, _meeting(when, soft))

    def _of_levels(self, name: str, levels: Sequence[Level], above: Decimal) -> Iterator[str]:
        plain = self._empty(levels)
        for number in plain:
            yield _("“%(rule)s”, level %(level)s: there are not enough people who could decide it.") % {
                "rule": name, "level": number,
            }  # fmt: skip
        for number in self._empty(levels, above=above) if not plain else ():
            yield _("“%(rule)s”, level %(level)s: there are not enough people who may decide over %(amount)s.") % {
                "rule": name, "level": number, "amount": readable(above),
            }  # fmt: skip

    def _of_makers(self, name: str, levels: Sequence[Level], above: Decimal, makers: Sequence[int]) -> Iterator[str]:
        for maker in makers:
            for number in self._empty(levels, above=above, without=maker):
                yield _(
                    "“%(rule)s”, level %(level)s: there are not enough people beside the maker %(maker)s, who decides"
                    " nothing of their own."
                ) % {"rule": name, "level": number, "maker": self.makers.get(maker, maker)}

    def _of_limits(self, name: str, levels: Sequence[Level], above: Decimal, soft: Sequence[Limit]) -> Iterator[str]:
        """The limits one by one, and all at once where each alone can be met."""
        missing = [[limit] for limit in soft if self._with_limits(levels, above, [limit])]
        if not missing and len(soft) > 1 and self._with_limits(levels, above, soft):
            missing = [list(soft)]
        for limits in missing:
            yield ngettext(
                "“%(rule)s” with the level of the limit %(limits)s: there are not enough different people.",
                "“%(rule)s” with the levels of the limits %(limits)s: there are not enough different people.",
                len(limits),
            ) % {"rule": name, "limits": ", ".join(f"“{limit.name}”" for limit in limits)}

    def _with_limits(self, levels: Sequence[Level], above: Decimal, limits: Sequence[Limit]) -> list[int]:
        added = [limit.at_limit for limit in limits if isinstance(limit.at_limit, Level)]
        return self._empty([*levels, *added], above=above)

    def _empty(self, levels: Sequence[Level], *, above: Decimal = NOTHING, without: int | None = None) -> list[int]:
        """Numbers of the levels that no different people can fill, for an amount over `above`."""
        able = [
            [user for user, most in self._candidates(level) if user != without and (most is None or most > above)]
            for level in levels
        ]
        return people.empty_levels(levels, able)

    def _candidates(self, level: Level) -> list[tuple[int, Decimal | None]]:
        """Who could decide it, and up to which amount; those who may decide most come first. One query."""
        key = level.model_copy(update={"people": 1, "backup": None})
        if key not in self._read:
            found = people.eligible(organisation_id=self.organisation_id, level=key, place=None, amount=None)
            ordered = found.order_by(F("decides_up_to").desc(nulls_first=True), "user_id")
            self._read[key] = list(ordered.values_list("user_id", "decides_up_to")[:_ENOUGH])
        return self._read[key]


def _meeting(when: Conditions, limits: Sequence[Limit]) -> list[Limit]:
    """The limits that a request of these conditions can pass."""
    return [limit for limit in limits if not (limit.programs and when.programs) or {*limit.programs} & {*when.programs}]

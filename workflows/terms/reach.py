"""Which requests are left for a rule by the rules before it.

A rule is looked at in each of its conditions: another takes all of it that allows at least as much in every condition,
and several take it together where they do so in one condition together and each alone in all others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Final

from workflows.terms.document import Conditions, MakerKind, Range, Rule, SoFar

# For one condition: which of the wide ones cover the narrow one together, by their places; None where they do not.
Cover = Callable[[Sequence[Any], Any], list[int] | None]


def _of_ranges(wide: Sequence[Range | None], narrow: Range | None) -> list[int] | None:
    """Amounts are above zero, so an open lower end and `over` 0 are the same."""
    end = narrow.up_to if narrow is not None else None
    reached, used = _lower(narrow), list[int]()
    while end is None or reached < end:
        step = _next_span(wide, reached)
        if step is None:
            return None
        used.append(step)
        upper = _upper(wide[step])
        if upper is None:
            return used
        reached = upper
    return used or None


def _next_span(spans: Sequence[Range | None], reached: Decimal) -> int | None:
    """The place of the span that goes on from here, and furthest."""
    fitting = [place for place, span in enumerate(spans) if _lower(span) <= reached and _goes_beyond(span, reached)]
    return max(fitting, key=lambda place: _upper(spans[place]) or Decimal("Infinity"), default=None)


def _goes_beyond(span: Range | None, amount: Decimal) -> bool:
    upper = _upper(span)
    return upper is None or upper > amount


def _lower(span: Range | None) -> Decimal:
    return Decimal(0) if span is None or span.over is None else span.over


def _upper(span: Range | None) -> Decimal | None:
    return None if span is None else span.up_to


def _of_items(
    wide: Sequence[Sequence[Any]], narrow: Sequence[Any], everything: frozenset[Any] = frozenset()
) -> list[int] | None:
    """Items of a list.

    Args:
        everything: items of which each request has at least one; empty where there are always others.
    """
    unconditional = next((place for place, items in enumerate(wide) if not items), None)
    if unconditional is not None:
        return [unconditional]
    for wanted in (frozenset(narrow), everything):
        missing, used = set(wanted), list[int]()
        for place, items in enumerate(wide):
            if missing & set(items):
                used.append(place)
                missing -= set(items)
        if wanted and not missing:
            return used
    return None


def _of_answers(wide: Sequence[bool | None], narrow: bool | None) -> list[int] | None:
    """Yes, no, or both."""
    listed = [() if each is None else (each,) for each in wide]
    return _of_items(listed, () if narrow is None else (narrow,), frozenset({True, False}))


def _of_so_far(wide: Sequence[SoFar | None], narrow: SoFar | None) -> list[int] | None:
    """More days hold at least as much, so that what is passed in few of them is passed in many."""
    return next(([place] for place, each in enumerate(wide) if each is None or _follows(narrow, each)), None)


def _follows(narrow: SoFar | None, wide: SoFar) -> bool:
    return (
        narrow is not None
        and narrow.measure == wide.measure
        and narrow.days <= wide.days
        and narrow.more_than >= wide.more_than
    )


_COVERS: Final[dict[str, Cover]] = {
    "points": _of_ranges,
    "money": _of_ranges,
    **dict.fromkeys(("programs", "makers", "concepts", "zones", "stores", "tills", "reasons"), _of_items),
    "maker_kinds": partial(_of_items, everything=frozenset({MakerKind.PERSON, MakerKind.SERVICE})),
    "sources": partial(_of_items, everything=frozenset({"api", "admin", "file"})),
    "so_far": _of_so_far,
    "look_alike": _of_answers,
    "splitting": _of_answers,
}


@dataclass(frozen=True, slots=True)
class _Earlier:
    """A rule before, and the conditions in which it alone does not take all of the later one."""

    rule: Rule
    short_in: frozenset[str]


def _compare(earlier: Sequence[Rule], when: Conditions) -> list[_Earlier]:
    return [
        _Earlier(
            rule,
            frozenset(
                name
                for name, cover in _COVERS.items()
                if cover([getattr(rule.when, name)], getattr(when, name)) is None
            ),
        )
        for rule in earlier
    ]


def taken_by(earlier: Sequence[Rule], when: Conditions) -> list[str]:
    """Names of the earlier rules that leave nothing of what these conditions match; none where something is left."""
    compared = _compare(earlier, when)
    for each in compared:
        if not each.short_in:
            return [each.rule.name]
    for name, cover in _COVERS.items():
        some = [each.rule for each in compared if each.short_in == {name}]
        used = cover([getattr(rule.when, name) for rule in some], getattr(when, name)) if some else None
        if used is not None:
            return [some[place].name for place in sorted(used)]
    return []


def least_points(earlier: Sequence[Rule], when: Conditions) -> Decimal:
    """Every amount that is left for these conditions is larger than this."""
    spans = [each.rule.when.points for each in _compare(earlier, when) if each.short_in <= {"points"}]
    reached = _lower(when.points)
    while (step := _next_span(spans, reached)) is not None:
        upper = _upper(spans[step])
        if upper is None:
            break  # nothing is left
        reached = upper
    return reached

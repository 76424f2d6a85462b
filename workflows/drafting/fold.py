"""What a document would have done with the requests of the past, one after the other: pure, tested without a database.

Sums are kept while the requests go by in their order, so that the whole takes one pass: each request is judged by
`judging.judge` beside what counted at its moment. A request that the document refuses counts nowhere; the others count
as they did, until the moment they were rejected, withdrawn, expired or failed.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Final
from uuid import UUID

from workflows.rules.usage import first_day
from workflows.terms.document import Level, Limit, Per, Terms, Window
from workflows.terms.judging import ONE_STEP_RULE, Case, Use, Verdict, judge

REFUSED: Final = -1
AUTOMATIC: Final = 0
CAP_RULE: Final = "cap"
REASONS_RULE: Final = "reason catalogue"
SWITCHED_OFF_RULE: Final = "switched off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A request of the past.

    Attributes:
        day: of the organisation's calendar, on which it counted.
        freed_at: when it stopped counting, if it did.
        before: how many levels it was asked for then; 0 for none.
        levels: those levels, as its judgement keeps them; None where it keeps none.
    """

    id: UUID
    at: datetime
    day: date
    freed_at: datetime | None
    end: str
    before: int
    levels: list[dict[str, Any]] | None
    one_step: bool
    amount: Decimal | None
    money: Decimal | None
    program_id: int | None
    customer_id: int | None
    maker_id: int
    maker_kinds: frozenset[str]
    source: str
    concept_id: str
    zone_id: str
    store_id: str
    till_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What the document would have asked for: so many levels, AUTOMATIC or REFUSED; and why."""

    after: int
    rule: str
    levels: tuple[Level, ...] = ()

    def is_as(self, past: Past) -> bool:
        """Whether it was asked for the same: as many levels, of as many people of the same kind."""
        if self.after != past.before:
            return False
        return self.after <= 0 or past.levels is None or past.levels == [_as_kept(level) for level in self.levels]


@cache
def _as_kept(level: Level) -> dict[str, Any]:
    return level.model_dump(mode="json", exclude_defaults=True)


IsOut = Callable[[Past, Past], bool]


class Rolling:
    """Sums by key over a window that only moves forward. `is_out(entry, now)`: whether the entry has left it."""

    def __init__(self, is_out: IsOut) -> None:
        self._is_out = is_out
        self._entries: dict[Hashable, deque[Past]] = {}
        self._sums: dict[Hashable, list[Decimal]] = {}
        self._gone: set[UUID] = set()

    def add(self, key: Hashable, entry: Past) -> None:
        self._entries.setdefault(key, deque()).append(entry)
        self._change(key, entry, 1)

    def use(self, key: Hashable, now: Past) -> Use:
        self._trim(key, now)
        points, requests = self._sums.get(key, (Decimal(0), Decimal(0)))
        return points, int(requests)

    def free(self, key: Hashable, entry: Past, now: Past) -> None:
        """Take an entry off, if it is still in the window."""
        self._trim(key, now)
        if not self._is_out(entry, now):
            self._gone.add(entry.id)
            self._change(key, entry, -1)

    def _trim(self, key: Hashable, now: Past) -> None:
        entries = self._entries.get(key)
        while entries and self._is_out(entries[0], now):
            entry = entries.popleft()
            if entry.id in self._gone:
                self._gone.discard(entry.id)
            else:
                self._change(key, entry, -1)

    def _change(self, key: Hashable, entry: Past, sign: int) -> None:
        sums = self._sums.setdefault(key, [Decimal(0), Decimal(0)])
        sums[0] += sign * (entry.amount or 0)
        sums[1] += sign


def _by_days(limit: Limit) -> IsOut:
    return lambda entry, now: entry.day < first_day(limit.window, now.day)


def _within(days: int) -> IsOut:
    span = timedelta(days=days)
    return lambda entry, now: entry.at <= now.at - span


def look_back_days(terms: Terms) -> int:
    """How many days before a request matter to it."""
    asked = [rule.when for rule in terms.rules]
    spans = [
        {Window.DAY: 1, Window.CALENDAR_MONTH: 31}.get(limit.window) or int(limit.window) for limit in terms.limits
    ]
    spans += [when.so_far.days for when in asked if when.so_far is not None]
    spans += [terms.look_alike.days for when in asked if when.look_alike is not None]
    spans += [terms.splitting.days for when in asked if when.splitting is not None]
    return max(spans, default=0)


@dataclass
class Fold:
    """The running sums; requests come in the order in which they were made."""

    terms: Terms
    _limits: list[tuple[Limit, Rolling]] = field(init=False)
    _so_far: dict[int, Rolling] = field(init=False)
    _alike: Rolling = field(init=False)
    _split: Rolling = field(init=False)
    _to_free: list[tuple[datetime, UUID, Past]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._limits = [(limit, Rolling(_by_days(limit))) for limit in self.terms.limits]
        asked = {rule.when.so_far.days for rule in self.terms.rules if rule.when.so_far is not None}
        self._so_far = {days: Rolling(_within(days)) for days in asked}
        self._alike = Rolling(_within(self.terms.look_alike.days))
        self._split = Rolling(_within(self.terms.splitting.days))

    def count(self, past: Past) -> None:
        """Let a request count as it did, without judging it."""
        self._free_until(past)
        for rolling, key in self._places(past):
            rolling.add(key, past)
        if past.freed_at is not None:
            heapq.heappush(self._to_free, (past.freed_at, past.id, past))

    def judge(self, past: Past) -> Judged:
        """What becomes of the request by the document; it counts from then on unless it is refused."""
        self._free_until(past)
        judged = self._judged(past)
        if judged.after != REFUSED:
            self.count(past)
        return judged

    def _judged(self, past: Past) -> Judged:
        terms = self.terms
        if not terms.is_enabled:
            return Judged(REFUSED, SWITCHED_OFF_RULE)
        if terms.cap is not None and past.amount is not None and past.amount > terms.cap:
            return Judged(REFUSED, CAP_RULE)
        if terms.reasons is not None and past.reason not in terms.reasons:
            return Judged(REFUSED, REASONS_RULE)
        return _of_verdict(judge(terms, self._case(past), self._used(past)), past)

    def _case(self, past: Past) -> Case:
        alike = self._alike.use(_alike_key(past), past)
        split = self._split.use(_split_key(past), past)
        # Which ones they are is of no interest here, only whether there are any.
        return Case(
            amount=past.amount, money=past.money, program_id=past.program_id, customer_id=past.customer_id,
            maker_id=past.maker_id, maker_kinds=past.maker_kinds, source=past.source, concept_id=past.concept_id,
            zone_id=past.zone_id, store_id=past.store_id, till_id=past.till_id, reason=past.reason,
            so_far={days: rolling.use(past.customer_id, past) for days, rolling in self._so_far.items()},
            look_alikes=(past.id,) if alike[1] else (), split_with=(past.id,) if split[1] else (),
            split_sum=split[0],
        )  # fmt: skip

    def _used(self, past: Past) -> dict[str, Decimal]:
        used = {}
        for limit, rolling in self._limits:
            subject = _subject(limit.per, past)
            if subject is not None:
                points, requests = rolling.use(subject, past)
                used[limit.name] = points if limit.measure == "points" else Decimal(requests)
        return used

    def _places(self, past: Past) -> list[tuple[Rolling, Hashable]]:
        """Everything that the request counts in."""
        places: list[tuple[Rolling, Hashable]] = [
            (rolling, subject) for limit, rolling in self._limits if (subject := _subject(limit.per, past)) is not None
        ]
        places += [(rolling, past.customer_id) for rolling in self._so_far.values()]
        return [*places, (self._alike, _alike_key(past)), (self._split, _split_key(past))]

    def _free_until(self, now: Past) -> None:
        while self._to_free and self._to_free[0][0] <= now.at:
            _at, _id, past = heapq.heappop(self._to_free)
            for rolling, key in self._places(past):
                rolling.free(key, past, now)


def _of_verdict(verdict: Verdict, past: Past) -> Judged:
    passed = verdict.passed_hard + (verdict.passed_soft if past.one_step else ())
    if passed:
        return Judged(REFUSED, passed[0].limit.name)
    if verdict.result.kind == "refuse":
        return Judged(REFUSED, verdict.rule)
    if past.one_step:
        return Judged(AUTOMATIC, ONE_STEP_RULE)
    return Judged(len(verdict.levels), verdict.rule, tuple(verdict.levels))


def _subject(per: Per, past: Past) -> Hashable | None:
    known = {
        Per.CUSTOMER: past.customer_id, Per.MAKER: past.maker_id, Per.PROGRAM: past.program_id,
        Per.STORE: past.store_id or None,
    }  # fmt: skip
    return known[per]


def _alike_key(past: Past) -> Hashable:
    return past.customer_id, past.amount, past.reason


def _split_key(past: Past) -> Hashable:
    return past.customer_id, past.maker_id

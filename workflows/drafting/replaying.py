"""A draft over the requests of the last 90 days: reads them in batches, folds them, keeps the outcome in the draft.

What was asked for stands in the draft, and a message to the workers is only a hint: what nobody is at is found by the
sweep (`abandoned`). Two at once would do no harm but to work twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import Membership, User, UserKind
from workflows import queue
from workflows.drafting import drafts
from workflows.drafting.fold import Fold, Judged, Past, look_back_days
from workflows.models import PolicyDraft, WorkflowPolicy, WorkflowRequest
from workflows.rules.usage import FREED, today_of
from workflows.states import State
from workflows.terms.document import MakerKind

DAYS: Final = 90
BATCH: Final = 2000
# So many are worked out while the page is waited for; more are a job.
MOST_AT_ONCE: Final = 5000
MOST: Final = 200_000
MOST_DIFFER: Final = 2000
# Renewed with every batch; after a failure the next attempt waits for so long.
LEASE: Final = timedelta(seconds=60)
GIVES_UP_AFTER: Final = timedelta(hours=6)

_ENDS = {
    State.CREDITED: "credited", State.REJECTED: "declined", State.WITHDRAWN: "declined", State.EXPIRED: "declined",
    State.FAILED: "failed",
}  # fmt: skip
_COLUMNS = (
    "id", "created_at", "counted_on", "ended_at", "state", "one_step", "steps", "judgement", "amount", "money",
    "program_id", "customer_id", "maker_id", "source", "concept_id", "zone_id", "store_id", "till_id", "reason",
)  # fmt: skip


@dataclass
class Report:
    """The outcome, as it is kept in JSON."""

    table: dict[int, Row] = field(default_factory=dict)
    weeks: dict[str, Counter[int]] = field(default_factory=dict)
    rules: Counter[str] = field(default_factory=Counter)
    differ: list[list[Any]] = field(default_factory=list)
    differ_total: int = 0
    total: int = 0

    def add(self, past: Past, judged: Judged) -> None:
        self.total += 1
        self.table.setdefault(judged.after, Row()).add(past)
        monday = past.day - timedelta(days=past.day.weekday())
        self.weeks.setdefault(monday.isoformat(), Counter())[judged.after] += 1
        self.rules[judged.rule] += 1
        if not judged.is_as(past):
            self.differ_total += 1
            if len(self.differ) < MOST_DIFFER:
                self.differ.append([str(past.id), past.before, judged.after, judged.rule])

    def as_json(self) -> dict[str, Any]:
        return {
            "total": self.total,
            "table": [{"after": after, **row.as_json()} for after, row in sorted(self.table.items())],
            "weeks": [[week, {str(key): count for key, count in self.weeks[week].items()}]
                      for week in sorted(self.weeks)],
            "rules": self.rules.most_common(),
            "differ": self.differ,
            "differ_total": self.differ_total,
        }  # fmt: skip


@dataclass
class Row:
    """Requests with the same outcome by the draft, against what happened."""

    count: int = 0
    points: Decimal = Decimal(0)
    before: Counter[int] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)

    def add(self, past: Past) -> None:
        self.count += 1
        self.points += past.amount or 0
        self.before[past.before] += 1
        self.ends[past.end] += 1

    def as_json(self) -> dict[str, Any]:
        return {
            "count": self.count, "points": str(self.points),
            "before": {str(key): count for key, count in self.before.items()}, "ends": dict(self.ends),
        }  # fmt: skip


def ask(policy: WorkflowPolicy, author: User, stamp: str) -> PolicyDraft:
    """Replay the author's draft: at once where there is little to replay, else by a worker.

    Raises:
        DraftChanged: `stamp` is not that of the draft as it stands.
    """
    draft = drafts.edit(policy, author, stamp, lambda terms: terms)
    draft.replay, draft.replay_asked_at, draft.replay_lease_expires_at = None, timezone.now(), None
    draft.save(update_fields=["replay", "replay_asked_at", "replay_lease_expires_at"])
    if _asked_about(draft, draft.replay_asked_at)[: MOST_AT_ONCE + 1].count() > MOST_AT_ONCE:
        queue.announce_replay(draft.pk)
    else:
        work_out(draft.pk)
        draft.refresh_from_db()
    return draft


def work_out(draft_id: int) -> None:
    """Replay the draft and keep the outcome, if it was asked for, is not there yet and nobody else is at it.

    The outcome of a draft that has changed meanwhile is dropped; the sweep has it replayed as it is then.
    """
    if not _free().filter(pk=draft_id).update(replay_lease_expires_at=Now() + LEASE):
        return
    draft = PolicyDraft.objects.select_related("policy__organisation").get(pk=draft_id)
    found = _replayed(draft)
    unchanged = Q(updated_at=draft.updated_at, replay_asked_at=draft.replay_asked_at)
    if not PolicyDraft.objects.filter(unchanged, pk=draft_id).update(replay=found, replay_lease_expires_at=None):
        PolicyDraft.objects.filter(pk=draft_id).update(replay_lease_expires_at=None)


def abandoned() -> list[int]:
    """Drafts whose replay was asked for, is not there, and that nobody is at."""
    since = timezone.now() - GIVES_UP_AFTER
    return list(_free().filter(replay_asked_at__gt=since).order_by("pk").values_list("pk", flat=True)[:100])


def _free() -> QuerySet[PolicyDraft]:
    nobody = Q(replay_lease_expires_at=None) | Q(replay_lease_expires_at__lte=Now())
    return PolicyDraft.objects.filter(nobody, replay_asked_at__isnull=False, replay__isnull=True)


def _replayed(draft: PolicyDraft) -> dict[str, Any]:
    now, terms = timezone.now(), draft.terms
    since = now - timedelta(days=DAYS)
    fold, report = Fold(terms), Report()
    kinds = _maker_kinds(draft.policy)
    rows, is_cut = _bounded(draft, now)
    for row in rows:
        past = _past(row, draft.policy, kinds)
        if past.at > since:
            report.add(past, fold.judge(past))
        else:
            fold.count(past)
    return {**report.as_json(), "document": draft.document, "since": since.isoformat(), "at": now.isoformat(),
            "is_cut": is_cut}  # fmt: skip


def requests_named(policy: WorkflowPolicy, ids: list[str]) -> dict[str, WorkflowRequest]:
    """The organisation's requests with these ids, by the id as text."""
    found = WorkflowRequest.objects.filter(organisation=policy.organisation_id, pk__in=ids).defer("payload", "secret")
    return {str(request.pk): request for request in found}


def _asked_about(draft: PolicyDraft, now: datetime) -> Any:
    """The requests of the window, and those before it that the draft's limits and conditions look back to."""
    since = now - timedelta(days=DAYS + look_back_days(draft.terms) + 1)
    return WorkflowRequest.objects.filter(
        organisation_id=draft.policy.organisation_id, request_type=draft.policy.request_type, created_at__gt=since,
        created_at__lte=now,
    ).order_by("created_at", "id")  # fmt: skip


def _bounded(draft: PolicyDraft, now: datetime) -> tuple[Iterator[dict[str, Any]], bool]:
    """The latest of these requests, oldest first; and whether there were more."""
    asked = _asked_about(draft, now)
    edge = asked.reverse().values_list("created_at", "id")[MOST : MOST + 1].first()
    if edge is not None:
        asked = asked.filter(Q(created_at__gt=edge[0]) | Q(created_at=edge[0], id__gt=edge[1]))
    return _in_batches(draft, asked), edge is not None


def _in_batches(draft: PolicyDraft, asked: Any) -> Iterator[dict[str, Any]]:
    after = asked
    while True:
        PolicyDraft.objects.filter(pk=draft.pk).update(replay_lease_expires_at=Now() + LEASE)
        batch = list(after.values(*_COLUMNS)[:BATCH])
        if batch:
            at, last = batch[-1]["created_at"], batch[-1]["id"]
            after = asked.filter(Q(created_at__gt=at) | Q(created_at=at, id__gt=last))
        yield from batch
        if len(batch) < BATCH:
            return


def _maker_kinds(policy: WorkflowPolicy) -> dict[int, frozenset[str]]:
    """What each maker is besides a maker, by today's roles: those of the past are not kept."""
    found = Membership.objects.filter(organisation=policy.organisation_id, is_maker=True).values_list(
        "user_id", "user__kind", "is_checker", "is_supervisor", "is_operator"
    )
    return {
        user_id: frozenset(
            str(kind)
            for kind, has in (
                (MakerKind.SERVICE, account == UserKind.SERVICE), (MakerKind.PERSON, account != UserKind.SERVICE),
                (MakerKind.CHECKER, checker), (MakerKind.SUPERVISOR, supervisor), (MakerKind.OPERATOR, operator),
            )
            if has
        )
        for user_id, account, checker, supervisor, operator in found
    }  # fmt: skip


def _past(row: dict[str, Any], policy: WorkflowPolicy, kinds: dict[int, frozenset[str]]) -> Past:
    state, judgement, counted_on = row.pop("state"), row.pop("judgement"), row.pop("counted_on")
    steps, at, ended_at = row.pop("steps"), row.pop("created_at"), row.pop("ended_at")
    levels = judgement.get("levels")
    return Past(
        **row, at=at, day=counted_on or today_of(policy.organisation, at),
        freed_at=ended_at if state in FREED else None, end=_ENDS.get(State(state), "open"),
        before=0 if not steps else 1 if levels is None else len(levels), levels=levels,
        maker_kinds=kinds.get(row["maker_id"], frozenset()),
    )  # fmt: skip

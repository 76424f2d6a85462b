"""A replay says what a document would have done with the requests of the past, in one pass over them."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from tests.factories import set_terms
from workflows import services, tasks
from workflows.drafting import drafts, replaying
from workflows.drafting.fold import AUTOMATIC, REFUSED, Fold, Past, look_back_days
from workflows.models import PolicyDraft, WorkflowRequest
from workflows.models.policy import LimitUse
from workflows.terms.document import Terms

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def past(number: int, *, days: float = 0, **changes: Any) -> Past:
    at = NOON + timedelta(days=days, seconds=number)
    values: dict[str, Any] = {
        "id": UUID(int=number), "at": at, "day": at.date(), "freed_at": None, "end": "credited", "before": 1,
        "levels": None,
        "one_step": False, "amount": Decimal(100), "money": None, "program_id": 1, "customer_id": 7, "maker_id": 1,
        "maker_kinds": frozenset({"person"}), "source": "api", "concept_id": "1", "zone_id": "1", "store_id": "1",
        "till_id": "1", "reason": "late",
    }  # fmt: skip
    return Past(**values | changes)


def outcomes(terms: dict[str, Any], *requests: Past) -> list[int]:
    fold = Fold(Terms.model_validate(terms))
    return [fold.judge(request).after for request in requests]


def limit(**changes: Any) -> dict[str, Any]:
    return {"name": "limit", "per": "customer", "measure": "points", "window": "30", "most": 250, **changes}


def when(**conditions: Any) -> dict[str, Any]:
    return {"rules": [{"name": "rule", "when": conditions, "then": {"kind": "refuse", "message": "No."}}]}


def test_a_hard_limit_refuses_what_would_pass_it_until_the_window_has_moved_on() -> None:
    asked = [past(1), past(2, days=1), past(3, days=2), past(4, days=29.4), past(5, days=30), past(6, days=31)]
    assert outcomes({"limits": [limit()]}, *asked) == [1, 1, REFUSED, REFUSED, 1, 1]


def test_what_was_freed_counts_until_then_and_no_longer() -> None:
    freed = dataclasses.replace(past(2, days=1), freed_at=NOON + timedelta(days=3))
    assert outcomes({"limits": [limit()]}, past(1), freed, past(3, days=2), past(4, days=4)) == [1, 1, REFUSED, 1]


def test_what_was_freed_after_it_had_left_the_window_is_not_taken_off_twice() -> None:
    freed = dataclasses.replace(past(1), freed_at=NOON + timedelta(days=40))
    asked = [freed, past(2, days=35), past(3, days=36), past(4, days=41), past(5, days=42)]
    assert outcomes({"limits": [limit()]}, *asked) == [1, 1, 1, REFUSED, REFUSED]


def test_what_is_refused_counts_for_nobody() -> None:
    big = past(1, amount=Decimal(300))
    assert outcomes({"limits": [limit()]}, big, past(2), past(3)) == [REFUSED, 1, 1]


@pytest.mark.parametrize(
    ("window", "days", "expected"),
    [("day", 0.4, REFUSED), ("day", 0.6, 1), ("7", 6, REFUSED), ("7", 7, 1), ("month", 30, REFUSED), ("month", 31, 1),
     ("365", 364, REFUSED), ("365", 365, 1)],
)  # fmt: skip
def test_every_window_ends_where_the_live_one_does(window: str, days: float, expected: int) -> None:
    assert outcomes({"limits": [limit(most=150, window=window)]}, past(1), past(2, days=days)) == [1, expected]


def test_a_soft_limit_adds_a_level_and_counts_requests_per_store() -> None:
    soft = limit(per="store", measure="requests", most=1, at_limit={"role": "supervisor"})
    assert outcomes({"limits": [soft]}, past(1), past(2), past(3, store_id="2")) == [1, 2, 1]


def test_so_far_look_alikes_and_splitting_are_seen() -> None:
    so_far = when(so_far={"days": 30, "measure": "points", "more_than": 150})
    assert outcomes(so_far, past(1), past(2), past(3, days=40)) == [1, REFUSED, 1]
    alike = when(look_alike=True)
    assert outcomes(alike, past(1), past(2, reason="other"), past(3), past(4, days=9)) == [1, 1, REFUSED, 1]
    split = {**when(splitting=True), "splitting": {"days": 7, "threshold": 150}}
    assert outcomes(split, past(1), past(2, maker_id=2), past(3, reason="other")) == [1, 1, REFUSED]


def test_cap_catalogue_and_switch_refuse_before_any_rule() -> None:
    assert outcomes({"cap": 99}, past(1)) == [REFUSED]
    assert outcomes({"reasons": ["broken"]}, past(1)) == [REFUSED]
    assert outcomes({"is_enabled": False}, past(1)) == [REFUSED]
    assert outcomes({"auto_approval": "all"}, past(1)) == [AUTOMATIC]


def test_one_step_asks_nobody_and_passes_no_limit() -> None:
    soft = {"limits": [limit(most=150, at_limit={})]}
    assert outcomes(soft, past(1, one_step=True), past(2, one_step=True)) == [AUTOMATIC, REFUSED]


def test_it_looks_back_as_far_as_the_document_does() -> None:
    assert look_back_days(Terms()) == 0
    assert look_back_days(Terms.model_validate(when(so_far={"days": 90, "measure": "points", "more_than": 1}))) == 90
    assert (
        look_back_days(Terms.model_validate({"limits": [limit(window="day"), limit(name="x", window="month")]})) == 31
    )


def replayed(house: Any, **terms: Any) -> dict[str, Any]:
    draft = drafts.draft_of(house.policy, house.auditor)
    drafts.edit(house.policy, house.auditor, drafts.stamp_of(draft), lambda _: Terms.model_validate(terms))
    fresh = drafts.draft_of(house.policy, house.auditor)
    found = replaying.ask(house.policy, house.auditor, drafts.stamp_of(fresh)).replay
    assert found is not None
    return found


def test_a_replay_of_the_policy_in_force_differs_in_nothing(house: Any) -> None:
    terms = {
        **when(look_alike=True),
        "auto_approval": "up_to", "auto_approval_up_to": 10,
        "limits": [limit(most=100, at_limit={"role": "checker"})],
    }  # fmt: skip
    set_terms(house.policy, **terms)
    for points in (5, 60, 70, 9, 20):
        house.submit(points=points)
    found = replayed(house, **house.policy.terms.model_dump())
    assert (found["total"], found["differ_total"]) == (5, 0)
    assert {(row["after"], row["count"]) for row in found["table"]} == {(0, 1), (1, 2), (2, 2)}


def test_it_is_told_against_what_happened(house: Any) -> None:
    approved, rejected = house.approve(house.submit(points=5)), house.submit(points=6)
    services.withdraw(actor=house.actor(house.maker), request_id=rejected.pk, message="")
    house.submit(points=500)
    found = replayed(house, rules=[{"name": "small", "when": {"points": {"up_to": 10}}, "then": {"kind": "approve"}}])
    small, large = found["table"]
    assert (small["after"], small["count"], small["points"], small["before"]) == (0, 2, "11.000000", {"1": 2})
    assert small["ends"] == {"open": 1, "declined": 1}
    assert (large["after"], large["before"]) == (1, {"1": 1})
    assert {row[0] for row in found["differ"]} == {str(approved.pk), str(rejected.pk)}
    assert dict(found["rules"]) == {"small": 2, "default": 1}


@pytest.mark.parametrize(
    "level", [{"role": "supervisor"}, {"people": 2}, {"zones": ["50682286"]}, {"backup": {}}], ids=str
)
def test_as_many_levels_of_other_people_differ(house: Any, level: dict[str, Any]) -> None:
    request = house.submit()
    found = replayed(house, default={"kind": "levels", "levels": [level]})
    assert [row[:3] for row in found["differ"]] == [[str(request.pk), 1, 1]]


def test_it_reads_in_batches_and_changes_nothing(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "BATCH", 2)
    made = [house.submit(points=1) for _ in range(5)]
    uses = LimitUse.objects.count()
    found = replayed(house, limits=[limit()])
    assert found["total"] == len(made)
    assert (LimitUse.objects.count(), WorkflowRequest.objects.count()) == (uses, 5)


def test_what_is_older_than_the_window_counts_and_is_not_told(house: Any) -> None:
    house.submit(points=200)
    long_ago = timezone.now() - timedelta(days=100)
    with connection.cursor() as cursor:  # nobody else may date a request back
        cursor.execute("SET session_replication_role = replica")
        WorkflowRequest.objects.update(created_at=long_ago, counted_on=long_ago.date())
        cursor.execute("SET session_replication_role = origin")
    house.submit(points=100)
    found = replayed(house, limits=[limit(window="365")])
    assert [(row["after"], row["count"]) for row in found["table"]] == [(REFUSED, 1)]


def test_many_requests_are_left_to_a_worker(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(replaying, "MOST_AT_ONCE", 1)
    monkeypatch.setattr(replaying.queue, "announce_replay", sent.append)
    for _ in range(2):
        house.submit()
    draft = drafts.draft_of(house.policy, house.auditor)
    draft = replaying.ask(house.policy, house.auditor, drafts.stamp_of(draft))
    assert (sent, draft.replay) == ([draft.pk], None)
    replaying.work_out(draft.pk)
    assert PolicyDraft.objects.get().replay["total"] == 2


@pytest.fixture
def asked(house: Any, monkeypatch: pytest.MonkeyPatch) -> PolicyDraft:
    """A draft whose replay was left to a worker, and its message lost."""
    monkeypatch.setattr(replaying, "MOST_AT_ONCE", 0)
    monkeypatch.setattr(replaying.queue, "announce_replay", lambda draft_id: None)
    house.submit()
    return replaying.ask(house.policy, house.auditor, drafts.stamp_of(drafts.draft_of(house.policy, house.auditor)))


@pytest.fixture
def hints(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    sent: list[int] = []
    monkeypatch.setattr(replaying.queue, "_send", lambda task, ids: sent.extend(ids) or len(sent))
    return sent


def test_the_sweep_asks_again_for_a_replay_whose_message_was_lost_until_it_is_there(
    asked: PolicyDraft, hints: list[int]
) -> None:
    assert tasks.sweep_bulk() == 1
    assert hints == [asked.pk]
    tasks.replay_draft(asked.pk)
    assert PolicyDraft.objects.get().replay["total"] == 1
    assert tasks.sweep_bulk() == 0


def test_the_sweep_leaves_a_replay_alone_while_a_worker_is_at_it_and_takes_it_from_one_that_died(
    asked: PolicyDraft, hints: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(draft: PolicyDraft) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(replaying, "_replayed", die)
        with pytest.raises(KeyboardInterrupt):
            replaying.work_out(asked.pk)
    assert tasks.sweep_bulk() == 0
    replaying.work_out(asked.pk)
    assert PolicyDraft.objects.get().replay is None, "its lease still runs"
    PolicyDraft.objects.update(replay_lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert tasks.sweep_bulk() == 1
    replaying.work_out(asked.pk)
    assert PolicyDraft.objects.get().replay["total"] == 1


def test_the_outcome_of_a_draft_that_changed_meanwhile_is_dropped_and_worked_out_anew(
    house: Any, asked: PolicyDraft, hints: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    replayed_as_it_was = replaying._replayed

    def change_it_meanwhile(draft: PolicyDraft) -> dict[str, Any]:
        found = replayed_as_it_was(draft)
        drafts.edit(house.policy, house.auditor, drafts.stamp_of(draft), lambda _: Terms(cap=Decimal(1)))
        return found

    with monkeypatch.context() as changing:
        changing.setattr(replaying, "_replayed", change_it_meanwhile)
        replaying.work_out(asked.pk)
    assert PolicyDraft.objects.get().replay is None
    assert tasks.sweep_bulk() == 1
    replaying.work_out(asked.pk)
    kept = PolicyDraft.objects.get()
    assert kept.replay["document"] == kept.document == Terms(cap=Decimal(1)).as_json()


def test_a_replay_that_never_comes_to_an_end_is_given_up(asked: PolicyDraft, hints: list[int]) -> None:
    PolicyDraft.objects.update(replay_asked_at=timezone.now() - replaying.GIVES_UP_AFTER)
    assert tasks.sweep_bulk() == 0

"""Limits over time: what counts, what is freed, and that nobody gets past one by asking at the same instant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum

from tests.concurrency.racing import Rendezvous, failures, race, successes
from tests.factories import MembershipFactory, ProgramFactory, UserFactory, set_terms
from tests.house import House
from wire.messages import Statement
from workflows import services, submitting
from workflows.errors import LimitReached
from workflows.models import Decision, LimitUse, WorkflowPolicy, WorkflowRequest
from workflows.rules import usage, versions
from workflows.states import State
from workflows.submission import read_submission
from workflows.terms.document import Terms, Window


def limit(**changes: Any) -> dict[str, Any]:
    return {"name": "most", "per": "customer", "measure": "points", "window": "30", "most": 100, **changes}


def limited(house: House, *limits: dict[str, Any], **terms: Any) -> None:
    set_terms(house.policy, limits=limits, **terms)


def move_back(house: House, days: int) -> None:
    """As if everything so far had been asked for some days earlier."""
    from tests.workflows.journeys import past_the_guards

    with past_the_guards():
        for row in LimitUse.objects.order_by("day"):
            LimitUse.objects.filter(pk=row.pk).update(day=row.day - timedelta(days=days))


@pytest.mark.django_db
class TestWhatCounts:
    def test_requests_add_up_until_the_limit_and_not_above(self, house: House) -> None:
        limited(house, limit())
        house.submit(points=60)
        house.submit(points=40)
        with pytest.raises(LimitReached) as refused:
            house.submit(points=1)
        assert refused.value.problems[0].reference == "payload.IntouchAPITask-Payload.body.points"
        assert "“most”" in refused.value.detail
        assert WorkflowRequest.objects.count() == 2
        assert LimitUse.objects.get().points == 100, "what is refused is not counted"

    @pytest.mark.parametrize(
        ("per", "other"),
        [
            ("customer", {"earningEntityId": 99}),
            ("program", {"programId": 2740}),
        ],
    )
    def test_each_subject_has_a_limit_of_its_own(self, house: House, per: str, other: dict[str, Any]) -> None:
        ProgramFactory(organisation=house.organisation, program_id=2740)
        limited(house, limit(per=per))
        house.submit(points=100)
        house.submit(points=100, **other)
        with pytest.raises(LimitReached):
            house.submit(points=1, **other)

    def test_a_maker_has_a_limit_of_their_own(self, house: House) -> None:
        limited(house, limit(per="maker"))
        second = MembershipFactory(user=UserFactory(), organisation=house.organisation, is_maker=True).user
        house.submit(points=100)
        house.submit(points=100, maker=second)
        with pytest.raises(LimitReached):
            house.submit(points=1, maker=second)

    def test_a_limit_of_requests_counts_requests(self, house: House) -> None:
        limited(house, limit(measure="requests", most=2))
        house.submit(points=9000)
        house.submit(points=1)
        with pytest.raises(LimitReached):
            house.submit(points=1)

    def test_all_passed_limits_are_named(self, house: House) -> None:
        limited(house, limit(name="small"), limit(name="few", measure="requests", most=1))
        house.submit(points=100)
        with pytest.raises(LimitReached) as refused:
            house.submit(points=5)
        assert len(refused.value.problems) == 2

    def test_two_organisations_share_no_limit(self, house: House) -> None:
        from tests.house import build_house

        other = build_house(99)
        for place in (house, other):
            limited(place, limit())
            place.submit(points=100)

    @pytest.mark.parametrize("days", [29, 30])
    def test_a_rolling_window_takes_today_in_and_ends_after_its_days(self, house: House, days: int) -> None:
        limited(house, limit())
        house.submit(points=100)
        move_back(house, days)
        if days == 30:
            house.submit(points=100)
        else:
            with pytest.raises(LimitReached):
                house.submit(points=1)

    @pytest.mark.parametrize(
        ("window", "today", "first"),
        [
            (Window.DAY, date(2026, 3, 1), date(2026, 3, 1)),
            (Window.WEEK, date(2026, 3, 1), date(2026, 2, 23)),
            (Window.MONTH, date(2026, 3, 1), date(2026, 1, 31)),
            (Window.YEAR, date(2026, 3, 1), date(2025, 3, 2)),
            (Window.CALENDAR_MONTH, date(2026, 3, 31), date(2026, 3, 1)),
        ],
    )
    def test_a_window_begins_on_its_first_day(self, window: Window, today: date, first: date) -> None:
        assert usage.first_day(window, today) == first

    def test_in_one_step_a_soft_limit_refuses_as_well(self, house: House) -> None:
        limited(house, limit(at_limit={"role": "checker"}))
        membership = house.membership(house.maker)
        membership.may_issue_in_one_step = True
        membership.save()
        submission = read_submission(house.body(points=101), organisation=house.organisation, slug="GOODWILL-POINTS")
        with pytest.raises(LimitReached):
            submitting.submit(actor=house.actor(house.maker), submission=submission, one_step=True)

    def test_a_soft_limit_asks_for_one_more(self, house: House) -> None:
        limited(house, limit(at_limit={"role": "checker"}), auto_approval="all")
        assert house.submit(points=100).state == State.EXECUTING
        assert house.submit(points=1).steps == 1


@pytest.mark.django_db
class TestWhatIsFreed:
    def used(self) -> Decimal:
        return LimitUse.objects.aggregate(sum=Sum("points"))["sum"] or Decimal(0)

    @pytest.mark.parametrize("end", ["rejected", "withdrawn", "expired"])
    def test_what_ends_without_a_credit_is_freed(self, house: House, end: str) -> None:
        limited(house, limit(), limit(name="budget", per="program", window="month", most=500))
        request = house.submit(points=100)
        assert self.used() == 200
        if end == "rejected":
            services.decide(
                actor=house.actor(house.checker), request_id=request.pk, decision=Decision.REJECTED, message="no"
            )
        elif end == "withdrawn":
            services.withdraw(actor=house.actor(house.maker), request_id=request.pk)
        else:
            services.expire(organisation_id=house.organisation.pk, request_id=request.pk)
        assert self.used() == 0
        house.submit(points=100)

    def test_what_was_approved_stays_counted(self, house: House) -> None:
        limited(house, limit())
        house.approve(house.submit(points=100))
        assert self.used() == 100

    def test_a_limit_that_comes_later_counts_what_was_there_before(self, house: House) -> None:
        rejected = house.submit(points=70)
        services.decide(
            actor=house.actor(house.checker), request_id=rejected.pk, decision=Decision.REJECTED, message="no"
        )
        house.submit(points=60)
        limited(house, limit())
        assert self.used() == 60
        with pytest.raises(LimitReached):
            house.submit(points=41)

    def test_a_limit_that_was_away_for_a_while_counts_what_came_meanwhile(self, house: House) -> None:
        limited(house, limit())
        first = house.submit(points=60)
        limited(house)
        house.submit(points=30)
        services.withdraw(actor=house.actor(house.maker), request_id=first.pk)
        limited(house, limit())
        assert self.used() == 30


@pytest.fixture
def a_hundred_connections(committed_house: House) -> Iterator[None]:
    """Open already, so that nobody comes later than the others because of theirs."""
    connection.close()
    connection.pool.resize(100, 110)
    connection.pool.wait(60)
    yield
    connection.close()
    connection.close_pool()


@pytest.mark.django_db(transaction=True)
class TestAtTheSameInstant:
    def test_of_a_hundred_at_once_exactly_as_many_get_in_as_fit(
        self, committed_house: House, a_hundred_connections: None
    ) -> None:
        house = committed_house
        limited(house, limit())
        actor = house.actor(house.maker)
        bodies = [house.body(points=10) for _ in range(100)]

        def sending(body: dict[str, Any]) -> Any:
            submission = read_submission(body, organisation=house.organisation, slug="GOODWILL-POINTS")
            return lambda: submitting.submit(actor=actor, submission=submission)

        results = race(*[sending(body) for body in bodies])
        assert {type(error) for error in failures(results)} == {LimitReached}
        assert len(successes(results)) == WorkflowRequest.objects.count() == 10
        assert LimitUse.objects.get().points == 100

    def test_without_the_lock_more_would_get_in(self, committed_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """The twin: the same without waiting for each other."""
        from django.utils import timezone

        house = committed_house
        limited(house, limit())
        actor = house.actor(house.maker)
        together = Rendezvous(8)

        def all_at_once(_: Any) -> Any:
            together.wait()
            return timezone.now()

        monkeypatch.setattr(usage, "locked", lambda *_: Statement("SELECT 1", (), all_at_once))
        got_in = 0
        for _ in range(10):
            submissions = [
                read_submission(house.body(points=60), organisation=house.organisation, slug="GOODWILL-POINTS")
                for _ in range(8)
            ]
            results = race(
                *[lambda one=one: submitting.submit(actor=actor, submission=one) for one in submissions]  # type: ignore[misc]
            )
            got_in = max(got_in, len(successes(results)))
            if got_in > 1:
                break
        assert got_in > 1

    def test_who_is_judged_by_the_policy_before_is_not_let_in_beside_it(self, committed_house: House) -> None:
        house = committed_house
        submission = read_submission(house.body(points=60), organisation=house.organisation, slug="GOODWILL-POINTS")
        limited(house, limit(most=50))
        from workflows.errors import PolicyChanged

        with pytest.raises(PolicyChanged) as refused:
            submitting.submit(actor=house.actor(house.maker), submission=submission)
        assert refused.value.headers["Retry-After"] == "1"
        assert not WorkflowRequest.objects.exists()
        assert not LimitUse.objects.exists()

    def test_a_limit_put_in_force_beside_submissions_misses_none_of_them(self, committed_house: House) -> None:
        house = committed_house
        actor = house.actor(house.maker)

        def submit() -> WorkflowRequest:
            submission = read_submission(house.body(points=1), organisation=house.organisation, slug="GOODWILL-POINTS")
            return submitting.submit(actor=actor, submission=submission).request

        def count() -> Any:
            terms = Terms.model_validate(house.policy.terms.as_json() | {"limits": [limit()]})
            return versions.put_in_force(
                organisation=house.organisation, slug="GOODWILL-POINTS", terms=terms, author=None, checked=False
            )

        results = race(*[submit] * 12, count, *[submit] * 12)
        assert not [error for error in failures(results) if type(error).__name__ != "PolicyChanged"]
        assert WorkflowPolicy.objects.get().counted == ["customer"]
        used = LimitUse.objects.aggregate(sum=Sum("points"), requests=Sum("requests"))
        stored = WorkflowRequest.objects.count()
        assert (used["sum"] or 0, used["requests"] or 0) == (stored, stored)

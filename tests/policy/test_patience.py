"""Nothing waits for ever: reminder, escalation, warning and expiry, each once and at its time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db.models import DateTimeField, Value
from django.utils import timezone

from tests.concurrency.racing import Rendezvous, failures, race
from tests.factories import MembershipFactory, UserFactory, set_terms
from tests.house import House
from tests.policy.times import let_pass, patient, told
from tests.workflows.journeys import reread, task_of
from workflows import patience, services
from workflows.errors import AlreadyDecided, PermissionDenied
from workflows.execution import claim_due, record
from workflows.intouch.outcomes import Outcome
from workflows.mail.delivery import deliver_due
from workflows.models import AdminTask, AuditEvent, CallOutcome, MailTiming, Notice, WorkflowRequest
from workflows.states import State
from workflows.tasks import be_patient


@pytest.fixture
def supervisor(house: House) -> Any:
    """Somebody who stands in for the checkers and is not asked at first: the level names the house's checker."""
    return MembershipFactory(
        user=UserFactory(username="sam"), organisation=house.organisation, is_checker=True, is_supervisor=True
    ).user


def asked(house: House, **patience: int) -> dict[str, Any]:
    """Terms whose one level is the house's checker, with supervisors as backup."""
    level = {"role": "checker", "users": [house.checker.pk], "backup": {"role": "supervisor"}}
    return {"default": {"kind": "levels", "levels": [level]}} | ({"patience": patience} if patience else {})


class TestInTheCourseOfTime:
    def test_everything_happens_once_at_its_time_and_in_order(self, house: House) -> None:
        patient(house)
        request = house.submit()
        seen: list[int] = []
        for hour in range(25):
            patience.run()
            patience.run()
            seen += [hour] * (len(told(request)) - len(seen))
            let_pass(1)
        assert told(request) == ["task.reminded", "task.escalated", "request.expiry_warned", "request.expired"]
        assert seen == [4, 8, 20, 24]
        assert reread(request).state == State.EXPIRED

    def test_before_its_time_nothing_happens(self, house: House) -> None:
        patient(house)
        request = house.submit()
        let_pass(3.9)
        assert patience.run() == 0
        assert told(request) == []

    def test_what_has_ended_is_left_alone(self, house: House) -> None:
        patient(house)
        approved, withdrawn = house.submit(), house.submit()
        house.approve(approved)
        services.withdraw(actor=house.actor(house.maker), request_id=withdrawn.pk)
        let_pass(100)
        assert patience.run() == 0

    def test_a_policy_without_patience_waits(self, house: House) -> None:
        house.submit()
        let_pass(10_000)
        assert patience.run() == 0

    def test_a_later_policy_changes_nothing_for_what_waits_already(self, house: House) -> None:
        patient(house)
        request = house.submit()
        set_terms(house.policy, default={"kind": "levels", "levels": [{}]}, patience={})
        let_pass(4)
        assert patience.run() == 1
        assert told(request) == ["task.reminded"]

    def test_each_level_begins_its_reminder_anew_and_not_the_expiry(self, house: House) -> None:
        hours_of = {"remind_after": 4, "expire_after": 24, "warn_before": 4}
        patient(house, default={"kind": "levels", "levels": [{"people": 2}]}, patience=hours_of)
        request = house.submit()
        let_pass(5)
        patience.run()
        house.approve(request)
        second = AdminTask.objects.get(request=request, level=2)
        assert second.remind_at is not None
        assert timedelta(hours=3.9) < second.remind_at - timezone.now() < timedelta(hours=4.1)
        let_pass(20)
        patience.run()
        assert told(request)[-2:] == ["task.reminded", "request.expiry_warned"]

    def test_a_retry_that_nobody_decides_expires_as_well(self, house: House) -> None:
        patient(house)
        house.target.credential = b"sealed"
        house.target.save()
        operator = MembershipFactory(organisation=house.organisation, is_operator=True).user
        request = house.approve(house.submit())
        claim = claim_due(request.pk)
        assert claim is not None
        record(claim, Outcome(CallOutcome.REFUSED, 400, error="no"))
        services.ask_for_retry(actor=house.actor(operator), request_id=request.pk, message="the till is open again")
        for _ in range(2):
            let_pass(24)
            patience.run()
        assert reread(request).state == State.EXPIRED

    def test_a_warning_that_comes_late_moves_the_expiry(self, house: House) -> None:
        """The service was away for two days: nobody could have been warned, so nothing is ended at once."""
        patient(house)
        request = house.submit()
        let_pass(48)
        patience.run()
        row = reread(request)
        assert (row.state, row.warn_at) == (State.WAITING, None)
        assert row.expires_at is not None
        assert timedelta(hours=3.9) < row.expires_at - timezone.now() < timedelta(hours=4.1)
        let_pass(4.1)
        patience.run()
        assert reread(request).state == State.EXPIRED

    def test_one_that_cannot_be_acted_on_holds_up_no_other(self, house: House, monkeypatch: Any) -> None:
        patient(house)
        bad, good = house.submit(), house.submit()
        let_pass(4)
        record = patience.audit.record

        def refuse(action: str, *, request: Any, **details: Any) -> None:
            if request.pk == bad.pk:
                raise ValueError("a fault of ours")
            record(action, request=request, **details)

        monkeypatch.setattr(patience.audit, "record", refuse)
        assert patience.run() == 1
        assert (told(bad), told(good)) == ([], ["task.reminded"])
        assert task_of(bad).remind_at is not None, "what failed is taken back in whole, and tried again"

    def test_more_than_a_batch_is_done_at_the_next_beat(self, house: House, monkeypatch: Any) -> None:
        patient(house)
        for _ in range(3):
            house.submit()
        let_pass(4)
        monkeypatch.setattr(patience, "BATCH", 2)
        assert [be_patient(), be_patient(), be_patient()] == [2, 1, 0]


class TestEscalation:
    def test_the_backup_may_decide_only_after_it(self, house: House, supervisor: Any) -> None:
        set_terms(house.policy, **asked(house, escalate_after=8))
        request = house.submit()
        with pytest.raises(PermissionDenied):
            house.approve(request, checker=supervisor)
        let_pass(8)
        patience.run()
        assert house.approve(request, checker=supervisor).state == State.EXECUTING

    def test_those_who_were_asked_still_may(self, house: House, supervisor: Any) -> None:
        set_terms(house.policy, **asked(house, escalate_after=8))
        request = house.submit()
        let_pass(8)
        patience.run()
        assert house.approve(request).state == State.EXECUTING

    def test_the_backup_fills_one_place_of_two_and_not_both(self, house: House, supervisor: Any) -> None:
        terms = asked(house, escalate_after=8)
        terms["default"]["levels"][0] |= {"people": 2, "users": [house.checker.pk, house.colleague.pk]}
        set_terms(house.policy, **terms)
        request = house.submit()
        let_pass(8)
        patience.run()
        assert house.approve(request, checker=supervisor).state == State.WAITING
        let_pass(8)
        patience.run()
        with pytest.raises(PermissionDenied, match="earlier level"):
            house.approve(request, checker=supervisor)

    def test_a_level_without_a_backup_is_not_escalated(self, house: House) -> None:
        large = {"name": "large", "when": {"points": {"over": 900}}, "then": asked(house)["default"]}
        patient(house, rules=[large], default={"kind": "levels", "levels": [{"role": "checker"}]})
        request = house.submit()
        let_pass(8)
        patience.run()
        assert told(request) == ["task.reminded"]
        assert task_of(request).escalated_at is None

    def test_whom_it_was_handed_to_keeps_the_backup_away_no_more(self, house: House) -> None:
        administrator = MembershipFactory(organisation=house.organisation, is_administrator=True).user
        level = {"role": "checker", "backup": {"role": "administrator"}}
        set_terms(
            house.policy, default={"kind": "levels", "levels": [level]}, patience={"escalate_after": 8}
        )  # fmt: skip
        request = house.submit()
        AdminTask.objects.filter(request=request).update(assigned_to=house.colleague)
        let_pass(8)
        patience.run()
        assert house.approve(request, checker=administrator).state == State.EXECUTING


@pytest.mark.parametrize(
    "begins",
    [datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)],
    ids=["summer time begins", "summer time ends"],
)
def test_hours_are_hours_when_the_clocks_are_put_forward_or_back(
    house: House, monkeypatch: Any, begins: datetime
) -> None:
    """What the database is told to be now: a day of 24 hours that has 23 or 25 where the organisation is."""
    MembershipFactory(user=UserFactory(), organisation=house.organisation, is_checker=True, is_supervisor=True)
    house.organisation.time_zone = "Europe/Berlin"
    house.organisation.save()
    hours_of = {"remind_after": 24, "escalate_after": 36, "expire_after": 48, "warn_before": 1}
    patient(house, **asked(house, **hours_of))

    def at(moment: datetime) -> None:
        for module in (patience, services, services.levels):
            monkeypatch.setattr(module, "Now", lambda: Value(moment, DateTimeField()))

    at(begins)
    request = house.submit()
    local = [moment.astimezone(house.organisation.zone).hour for moment in (begins, begins + timedelta(hours=24))]
    assert local[0] != local[1], "the clocks were changed in between"
    seen = {}
    for hours in (23.99, 24, 35.99, 36, 46.99, 47, 47.99, 48):
        at(begins + timedelta(hours=hours))
        patience.run()
        seen[hours] = told(request)[-1:]
    assert seen == {
        23.99: [], 24: ["task.reminded"], 35.99: ["task.reminded"], 36: ["task.escalated"],
        46.99: ["task.escalated"], 47: ["request.expiry_warned"],
        47.99: ["request.expiry_warned"], 48: ["request.expired"],
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
class TestAtTheSameInstant:
    @pytest.mark.parametrize(
        ("hours", "action"),
        [(4, "task.reminded"), (8, "task.escalated"), (20, "request.expiry_warned"), (24, "request.expired")],
    )
    def test_of_several_runs_one_acts(self, committed_house: House, hours: int, action: str) -> None:
        patient(committed_house)
        requests = [committed_house.submit() for _ in range(5)]
        let_pass(hours)
        for _ in range(2):  # the first may be before the second: an expiry comes after its warning
            assert failures(race(*[patience.run] * 4)) == []
            let_pass(4.1 if hours == 24 else 0)
        for request in requests:
            assert told(request).count(action) == 1

    def test_without_the_lock_two_would_act(self, committed_house: House, monkeypatch: Any) -> None:
        """The twin: the same, looking without locking."""
        patient(committed_house)
        request = committed_house.submit()
        let_pass(4)
        both = Rendezvous(2)

        def look(request_id: Any, column: str) -> AdminTask:
            task = AdminTask.objects.select_related("request").get(request=request_id, remind_at__isnull=False)
            both.wait()
            return task

        monkeypatch.setattr(patience, "_locked_task", look)
        race(*[lambda: patience._remind(request.pk)] * 2)
        assert told(request).count("task.reminded") == 2

    def test_of_an_approval_and_the_expiry_one_wins(self, committed_house: House) -> None:
        house = committed_house
        set_terms(house.policy, patience={"expire_after": 24, "warn_before": 1})
        for _ in range(15):
            request = house.submit()
            let_pass(23)
            assert patience.run() == 1  # the warning
            let_pass(1)
            approved, expired = race(approving(house, request), patience.run)
            if isinstance(approved, Exception):
                assert type(approved) is AlreadyDecided
                assert (expired, told(request)[1:]) == (1, ["request.expired"])
                assert reread(request).state == State.EXPIRED
            else:
                assert (expired, told(request)[1:]) == (0, ["task.approved"])
                assert reread(request).state == State.EXECUTING


def approving(house: House, request: WorkflowRequest) -> Callable[[], Any]:
    return lambda: house.approve(request)


class TestMail:
    @pytest.fixture
    def house(self, committed_house: House, settings: Any) -> House:
        from workflows.mail import choices

        settings.MAIL_ON = True
        settings.PUBLIC_URL = "https://desk.example.com"
        choices.choose(committed_house.actor(committed_house.checker), waiting=MailTiming.AT_ONCE)
        choices.choose(committed_house.actor(committed_house.colleague), waiting=MailTiming.OFF)
        patient(committed_house, notify=["desk@example.com"])
        return committed_house

    @staticmethod
    def sent() -> list[tuple[str, str]]:
        mail.outbox.clear()
        deliver_due()
        return sorted((letter.to[0], letter.subject.removeprefix("[Goodwill] ")) for letter in mail.outbox)

    def test_checkers_and_the_addresses_of_the_policy_are_told(self, house: House) -> None:
        house.submit()
        assert self.sent() == [(house.checker.email, "A request waits for you")]
        said = {4: "A request still waits", 8: "A request has waited too long", 20: "A request will expire"}
        before = 0
        for hours, subject in said.items():
            let_pass(hours - before)
            before = hours
            patience.run()
            to = {house.checker.email, "desk@example.com"} | ({house.maker.email} if hours == 20 else set())
            assert self.sent() == sorted((one, subject) for one in to)
        assert all("List-Unsubscribe" not in letter.extra_headers for letter in mail.outbox if "desk" in letter.to[0])
        let_pass(4.1)
        patience.run()
        assert self.sent() == [(house.maker.email, "Your request has ended: expired")]
        assert not Notice.objects.exists()

    def test_what_was_decided_before_the_mail_is_sent_is_not_told(self, house: House) -> None:
        request = house.submit()
        self.sent()
        let_pass(4)
        patience.run()
        assert Notice.objects.exists()
        house.approve(request)
        assert self.sent() == []

    def test_an_address_that_the_policy_names_no_more_is_not_told(self, house: House) -> None:
        house.submit()
        self.sent()
        let_pass(4)
        patience.run()
        set_terms(house.policy, notify=[])
        assert self.sent() == [(house.checker.email, "A request still waits")]

    def test_an_alert_holds_no_more_than_other_mail(self, house: House) -> None:
        request = house.submit(reason="a private story", comments="her sister called")
        self.sent()
        let_pass(4)
        patience.run()
        self.sent()
        (letter,) = [letter for letter in mail.outbox if letter.to == ["desk@example.com"]]
        text = letter.body + letter.alternatives[0].content
        assert "still waits for a decision" in text
        for secret in ("a private story", "her sister", request.reference_id, house.maker.email, "notifications"):
            assert secret not in text


def test_it_is_the_service_itself_that_acts(house: House) -> None:
    patient(house)
    request = house.submit()
    let_pass(4)
    patience.run()
    event = AuditEvent.objects.get(request=request, action="task.reminded")
    assert (event.actor, event.actor_name) == (None, "system")

"""Requests that nobody can decide: found at once, every night and when people change; they need what they did."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, User
from tests.factories import MembershipFactory, UserFactory, set_terms
from tests.house import House, build_house
from tests.policy.times import let_pass, told
from tests.workflows.journeys import reread
from workflows import patience, queue, services
from workflows.mail.delivery import deliver_due
from workflows.models import AdminTask, Decision, WorkflowRequest
from workflows.rules import stuck
from workflows.states import State
from workflows.tasks import check_people


def asking_for(house: House, *levels: dict[str, Any], **terms: Any) -> None:
    set_terms(house.policy, default={"kind": "levels", "levels": list(levels)}, **terms)


def change(house: House, person: User, **rights: Any) -> None:
    membership = house.membership(person)
    for name, value in rights.items():
        setattr(membership, name, value)
    membership.save()


def check(house: House) -> int:
    return stuck.check_organisation(house.organisation.pk)


def is_stuck(request: WorkflowRequest) -> bool:
    return reread(request).stuck_at is not None


@pytest.fixture
def supervised(house: House) -> House:
    """A checker, then a supervisor: the colleague."""
    change(house, house.colleague, is_supervisor=True)
    asking_for(house, {"role": "checker"}, {"role": "supervisor"})
    return house


class TestWhatIsFound:
    def test_a_level_to_come_that_has_lost_its_only_supervisor(self, supervised: House) -> None:
        request = supervised.submit()
        assert check(supervised) == 0
        change(supervised, supervised.colleague, is_supervisor=False)
        assert [check(supervised), check(supervised)] == [1, 0]
        assert is_stuck(request)
        change(supervised, supervised.colleague, is_supervisor=True)
        assert [check(supervised), check(supervised)] == [1, 0]
        assert not is_stuck(request)
        assert told(request) == ["request.stuck", "request.unstuck"]

    def test_two_places_that_only_one_person_can_fill(self, supervised: House) -> None:
        """Each level has somebody, so that a head count is content: it is the same one."""
        request = supervised.submit()
        change(supervised, supervised.checker, is_active=False)
        check(supervised)
        assert is_stuck(request)

    def test_the_maker_fills_no_place(self, house: House) -> None:
        request = house.submit()
        change(house, house.checker, is_checker=False)
        change(house, house.colleague, is_checker=False)
        change(house, house.maker, is_checker=True)
        check(house)
        assert is_stuck(request)

    @pytest.mark.parametrize(
        "rights",
        [{"decides_up_to": 19}, {"tills": ["another"]}, {"is_active": False}, {"is_checker": False}],
        ids=lambda rights: next(iter(rights)),
    )
    def test_people_who_may_not_decide_this_one_do_not_count(self, house: House, rights: dict[str, Any]) -> None:
        request = house.submit(points=20)
        for person in (house.checker, house.colleague):
            change(house, person, **rights)
        check(house)
        assert is_stuck(request)

    def test_whoever_is_switched_off_as_a_user_does_not_count(self, house: House) -> None:
        request = house.submit()
        User.objects.filter(pk__in=[house.checker.pk, house.colleague.pk]).update(is_active=False)
        check(house)
        assert is_stuck(request)

    def test_the_only_supervisor_who_fills_the_first_level_is_seen_at_once(self, supervised: House) -> None:
        """They may where nobody else could (tests/policy/test_needed_later.py)."""
        request = supervised.submit()
        change(supervised, supervised.checker, is_active=False)
        supervised.approve(request, checker=supervised.colleague)
        assert is_stuck(request)
        assert told(request) == ["task.approved", "level.opened", "request.stuck"]

    def test_a_task_that_was_handed_to_somebody_who_has_left(self, house: House) -> None:
        request = house.submit()
        AdminTask.objects.filter(request=request).update(assigned_to=house.colleague)
        change(house, house.colleague, is_active=False)
        check(house)
        assert is_stuck(request)

    def test_the_backup_counts_once_it_may_decide(self, house: House) -> None:
        administrator = MembershipFactory(organisation=house.organisation, is_administrator=True).user
        level = {"role": "checker", "backup": {"role": "administrator"}}
        asking_for(house, level, patience={"escalate_after": 8})
        request = house.submit()
        for person in (house.checker, house.colleague):
            change(house, person, is_checker=False)
        check(house)
        assert is_stuck(request)
        let_pass(8)
        patience.run()
        assert told(request) == ["request.stuck", "task.escalated", "request.unstuck"]
        assert house.approve(request, checker=administrator).state == State.EXECUTING

    def test_nobodys_leaving_lowers_what_is_needed(self, supervised: House) -> None:
        request = supervised.submit()
        change(supervised, supervised.colleague, is_active=False)
        check(supervised)
        supervised.approve(request)
        row = reread(request)
        assert (row.state, row.steps, is_stuck(request)) == (State.WAITING, 2, True)

    @pytest.mark.parametrize("end", ["rejected", "withdrawn", "expired"])
    def test_what_has_ended_is_stuck_no_more(self, supervised: House, end: str) -> None:
        request = supervised.submit()
        change(supervised, supervised.colleague, is_supervisor=False)
        check(supervised)
        if end == "rejected":
            services.decide(
                actor=supervised.actor(supervised.checker), request_id=request.pk, decision=Decision.REJECTED,
                message="no",
            )  # fmt: skip
        elif end == "withdrawn":
            services.withdraw(actor=supervised.actor(supervised.maker), request_id=request.pk)
        else:
            services.expire(organisation_id=supervised.organisation.pk, request_id=request.pk)
        assert not is_stuck(request)
        assert check(supervised) == 0


class TestTheCheck:
    def test_every_night_all_organisations_are_looked_at(self, house: House) -> None:
        other = build_house(70001)
        requests = [house.submit(), other.submit()]
        Membership.objects.update(is_checker=False)
        assert check_people() == 2
        assert all(is_stuck(request) for request in requests)

    def test_one_organisation_is_looked_at_without_the_others(self, house: House) -> None:
        other = build_house(70001)
        requests = [house.submit(), other.submit()]
        Membership.objects.update(is_checker=False)
        assert check_people(other.organisation.pk) == 1
        assert [is_stuck(request) for request in requests] == [False, True]

    def test_an_organisation_that_is_switched_off_alarms_nobody(self, house: House) -> None:
        request = house.submit()
        house.organisation.is_active = False
        house.organisation.save()
        assert check_people() == 0
        assert not is_stuck(request)

    def test_members_are_read_once_and_requests_in_batches(self, house: House, monkeypatch: Any) -> None:
        for _ in range(7):
            house.submit()
        monkeypatch.setattr(stuck, "BATCH", 3)
        with CaptureQueriesContext(connection) as found:
            check(house)
        statements = [query["sql"] for query in found]
        assert sum("accounts_membership" in sql for sql in statements) == 1
        assert sum("workflows_admintask" in sql for sql in statements) == 4
        assert not any('"payload"' in sql for sql in statements)

    def test_all_of_many_batches_are_found(self, house: House, monkeypatch: Any) -> None:
        for _ in range(7):
            house.submit()
        Membership.objects.update(is_checker=False)
        monkeypatch.setattr(stuck, "BATCH", 3)
        assert check(house) == 7


@pytest.mark.django_db(transaction=True)
class TestWhenPeopleChange:
    @pytest.fixture
    def hints(self, committed_house: House, monkeypatch: Any) -> list[Any]:
        sent: list[Any] = []
        committed_house.submit()

        def send(name: str, identifier: Any) -> None:
            if name == queue.PEOPLE_TASK:
                sent.append(identifier)

        monkeypatch.setattr(queue, "_publish", send)
        return sent

    def test_a_membership_that_is_saved_has_its_organisation_looked_at(
        self, committed_house: House, hints: list[Any]
    ) -> None:
        change(committed_house, committed_house.checker, is_checker=False)
        assert hints == [committed_house.organisation.pk]

    def test_so_has_a_user_who_is_switched_off(self, committed_house: House, hints: list[Any]) -> None:
        committed_house.checker.is_active = False
        committed_house.checker.save()
        assert hints == [committed_house.organisation.pk]

    def test_logging_in_changes_nothing(self, committed_house: House, hints: list[Any], client: Any) -> None:
        client.force_login(committed_house.checker)
        assert hints == []

    def test_where_nothing_waits_nothing_is_looked_at(self, committed_house: House, hints: list[Any]) -> None:
        other = build_house(70001)
        change(other, other.checker, is_checker=False)
        assert hints == []

    def test_what_is_not_committed_is_not_looked_at(self, committed_house: House, hints: list[Any]) -> None:
        with transaction.atomic():
            change(committed_house, committed_house.checker, is_checker=False)
            transaction.set_rollback(True)
        assert hints == []


@pytest.mark.django_db(transaction=True)
def test_operators_administrators_and_the_policys_addresses_are_told(committed_house: House, settings: Any) -> None:
    settings.MAIL_ON = True
    settings.PUBLIC_URL = "https://desk.example.com"
    house = committed_house
    set_terms(house.policy, notify=["desk@example.com"])
    people = [
        MembershipFactory(organisation=house.organisation, user=UserFactory(username=right), **{right: True}).user
        for right in ("is_operator", "is_administrator")
    ]
    house.submit()
    deliver_due()
    mail.outbox.clear()
    Membership.objects.update(is_checker=False)
    check(house)
    deliver_due()
    assert sorted(letter.to[0] for letter in mail.outbox) == sorted(
        [*(person.email for person in people), "desk@example.com"]
    )
    assert {letter.subject for letter in mail.outbox} == {"[Goodwill] Nobody can decide a request"}

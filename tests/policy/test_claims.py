"""Who is at a task: a claim is advice and ends by itself, a task that was handed over is somebody's."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from tests.concurrency.racing import race
from tests.factories import MembershipFactory, UserFactory, set_terms
from tests.house import House, build_house
from tests.policy.times import let_pass, told
from tests.workflows.journeys import task_of
from workflows import claims, desk, policies, services
from workflows.errors import AlreadyDecided, OwnRequest, PermissionDenied, RequestNotFound
from workflows.models import AdminTask, AuditEvent, WorkflowRequest
from workflows.states import State


@pytest.fixture
def supervisor(house: House) -> User:
    user: User = MembershipFactory(
        user=UserFactory(username="sam"), organisation=house.organisation, is_checker=True, is_supervisor=True
    ).user
    return user


def claim(house: House, request: WorkflowRequest, person: User) -> bool:
    return claims.claim(actor=house.actor(person), task_id=task_of(request).pk)


def assign(house: House, request: WorkflowRequest, by: User, to: User | None) -> None:
    claims.assign(actor=house.actor(by), task_id=task_of(request).pk, user_id=to.pk if to else None)


def waiting(house: House, person: User) -> set[Any]:
    return set(desk.waiting_for({house.organisation.pk: house.actor(person)}).values_list("request_id", flat=True))


class TestClaims:
    def test_the_second_one_is_told_that_somebody_is_at_it(self, house: House) -> None:
        request = house.submit()
        assert claim(house, request, house.checker) is True
        assert claim(house, request, house.colleague) is False
        task = task_of(request)
        assert (task.is_claimed, task.claimed_by) == (True, house.checker)
        event = AuditEvent.objects.get(request=request, action="task.claimed")
        assert event.actor == house.checker

    def test_it_binds_nobody(self, house: House) -> None:
        request = house.submit()
        claim(house, request, house.checker)
        assert house.approve(request, checker=house.colleague).state == State.EXECUTING

    @pytest.mark.parametrize(("minutes", "is_claimed"), [(14, True), (16, False)])
    def test_it_ends_after_a_quarter_of_an_hour(self, house: House, minutes: int, is_claimed: bool) -> None:
        request = house.submit()
        claim(house, request, house.checker)
        let_pass(minutes / 60)
        assert task_of(request).is_claimed is is_claimed
        assert claim(house, request, house.colleague) is not is_claimed

    def test_deciding_ends_it(self, house: House) -> None:
        request = house.submit()
        claim(house, request, house.checker)
        house.approve(request)
        task = task_of(request)
        assert (task.claimed_by, task.claimed_at, task.is_claimed) == (None, None, False)
        with pytest.raises(AlreadyDecided):
            claim(house, request, house.colleague)

    def test_only_its_holder_releases_it(self, house: House) -> None:
        request = house.submit()
        claim(house, request, house.checker)
        task = task_of(request)
        assert claims.release(actor=house.actor(house.colleague), task_id=task.pk) is False
        assert claims.release(actor=house.actor(house.checker), task_id=task.pk) is True
        assert told(request) == ["task.claimed", "task.released"]
        assert claim(house, request, house.colleague) is True

    @pytest.mark.parametrize(("role", "refusal"), [("maker", OwnRequest), ("auditor", PermissionDenied)])
    def test_whoever_may_not_decide_does_not_claim(self, house: House, role: str, refusal: type[Exception]) -> None:
        request = house.submit()
        with pytest.raises(refusal):
            claim(house, request, getattr(house, role))
        assert told(request) == []

    def test_a_task_of_another_organisation_is_not_there(self, house: House) -> None:
        other = build_house(70001)
        task = task_of(other.submit())
        for act in (claims.claim, claims.release):
            with pytest.raises(RequestNotFound):
                act(actor=house.actor(house.checker), task_id=task.pk)
        with pytest.raises(RequestNotFound):
            claims.assign(actor=house.actor(house.checker), task_id=task.pk, user_id=None)

    def test_the_next_task_is_one_that_nobody_else_is_at(self, house: House) -> None:
        first, second, third = (house.submit() for _ in range(3))
        actors = {house.organisation.pk: house.actor(house.checker)}
        claim(house, second, house.colleague)
        assert desk.next_after(actors, task_of(first)) == task_of(third)
        claim(house, third, house.checker)
        assert desk.next_after(actors, task_of(first)) == task_of(third), "one's own is passed over by nobody"
        let_pass(0.5)
        assert desk.next_after(actors, task_of(first)) == task_of(second)

    @pytest.mark.django_db(transaction=True)
    def test_of_two_at_the_same_instant_one_has_it(self, committed_house: House) -> None:
        house = committed_house
        for _ in range(10):
            request = house.submit()
            results = race(
                *[
                    lambda person=person, r=request: claim(house, r, person)
                    for person in (house.checker, house.colleague)
                ]  # type: ignore[misc]
            )
            assert sorted(results) == [False, True]
            assert told(request) == ["task.claimed"]

    @pytest.mark.django_db(transaction=True)
    def test_a_claim_and_a_decision_at_the_same_instant_do_not_block_each_other(self, committed_house: House) -> None:
        house = committed_house
        for _ in range(10):
            request = house.submit()
            claimed, decided = race(
                lambda r=request: claim(house, r, house.colleague),  # type: ignore[misc]
                lambda r=request: house.approve(r),  # type: ignore[misc]
            )
            assert claimed is True or type(claimed) is AlreadyDecided
            assert decided.state == State.EXECUTING
            assert task_of(request).claimed_by is None


class TestHandingOver:
    def test_only_that_person_and_supervisors_decide_it_then(self, house: House, supervisor: User) -> None:
        request = house.submit()
        assign(house, request, supervisor, house.colleague)
        assert request.pk not in waiting(house, house.checker)
        assert request.pk in waiting(house, house.colleague)
        with pytest.raises(PermissionDenied, match="handed this task to somebody else"):
            house.approve(request)
        assert house.approve(request, checker=house.colleague).state == State.EXECUTING
        event = AuditEvent.objects.get(request=request, action="task.assigned")
        assert (event.actor, event.details["to"]) == (supervisor, house.colleague.email)

    def test_it_can_be_given_back_to_everybody(self, house: House, supervisor: User) -> None:
        request = house.submit()
        assign(house, request, supervisor, house.colleague)
        assign(house, request, supervisor, None)
        assert told(request) == ["task.assigned", "task.unassigned"]
        assert house.approve(request).state == State.EXECUTING

    def test_the_same_again_is_no_news(self, house: House, supervisor: User) -> None:
        request = house.submit()
        for _ in range(2):
            assign(house, request, supervisor, house.colleague)
        assert told(request) == ["task.assigned"]

    def test_the_claim_of_somebody_else_ends(self, house: House, supervisor: User) -> None:
        request = house.submit()
        claim(house, request, house.checker)
        assign(house, request, supervisor, house.colleague)
        assert not task_of(request).is_claimed

    def test_only_people_who_may_decide_it_get_it(self, house: House, supervisor: User) -> None:
        request = house.submit(points=20)
        small = MembershipFactory(organisation=house.organisation, is_checker=True, decides_up_to=19).user
        stranger = build_house(70001).checker
        for person in (house.maker, house.auditor, small, stranger):
            with pytest.raises(PermissionDenied, match="may not decide the task"):
                assign(house, request, supervisor, person)
        assert {user.pk for user in claims.able_to_take(request, task_of(request))} == {
            house.checker.pk, house.colleague.pk, supervisor.pk,
        }  # fmt: skip
        assert told(request) == []

    def test_only_a_supervisor_hands_over(self, house: House) -> None:
        request = house.submit()
        with pytest.raises(PermissionDenied, match="Only a supervisor"):
            assign(house, request, house.checker, house.colleague)

    def test_not_even_a_supervisor_chooses_who_decides_their_own_request(self, house: House, supervisor: User) -> None:
        membership = house.membership(supervisor)
        membership.is_maker = True
        membership.save()
        request = house.submit(maker=supervisor)
        with pytest.raises(OwnRequest):
            assign(house, request, supervisor, house.colleague)

    def test_nor_of_what_lies_outside_their_scope(self, house: House, supervisor: User) -> None:
        membership = house.membership(supervisor)
        membership.tills = ["another"]
        membership.save()
        with pytest.raises(PermissionDenied, match="outside your scope"):
            assign(house, house.submit(), supervisor, house.colleague)

    def test_the_next_level_is_everybodys_again(self, house: House, supervisor: User) -> None:
        set_terms(house.policy, default={"kind": "levels", "levels": [{"people": 2}]})
        request = house.submit()
        assign(house, request, supervisor, house.colleague)
        house.approve(request, checker=house.colleague)
        second = AdminTask.objects.get(request=request, level=2)
        assert second.assigned_to is None
        assert policies.why_not_decide(house.actor(house.checker), request, second) is None

    def test_what_is_decided_is_handed_to_nobody(self, house: House, supervisor: User) -> None:
        request = house.submit()
        services.withdraw(actor=house.actor(house.maker), request_id=request.pk)
        with pytest.raises(AlreadyDecided):
            assign(house, request, supervisor, house.colleague)

"""Levels: one after the other, each by somebody else, and only by those whom it asks for."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client

from accounts.models import User
from tests.admin.conftest import decision
from tests.api.gateway import Gateway, gateway_of
from tests.factories import MembershipFactory, UserFactory, set_terms
from tests.house import House
from tests.workflows.journeys import actions_of, broken, past_the_guards, reread, write
from workflows import desk, waiting
from workflows.errors import PermissionDenied
from workflows.models import AdminTask, WorkflowRequest
from workflows.states import State


def asking_for(house: House, *levels: dict[str, Any]) -> None:
    set_terms(house.policy, default={"kind": "levels", "levels": list(levels)})


def member(house: House, **rights: Any) -> User:
    user: User = MembershipFactory(user=UserFactory(), organisation=house.organisation, **rights).user
    return user


def open_task(request: WorkflowRequest) -> AdminTask:
    return AdminTask.objects.get(request=request, decision=None)


def offered(house: House, person: User) -> set[Any]:
    """What the desk lists as waiting for somebody."""
    return set(desk.waiting_for({house.organisation.pk: house.actor(person)}).values_list("request_id", flat=True))


@pytest.fixture
def at_desk() -> Any:
    def log_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def supervisor(house: House) -> User:
    return member(house, is_checker=True, is_supervisor=True)


@pytest.fixture
def two_levels(house: House, supervisor: User) -> House:
    """A checker, and then a supervisor."""
    asking_for(house, {"role": "checker"}, {"role": "supervisor"})
    return house


class TestOneAfterTheOther:
    def test_it_is_carried_out_after_the_last_of_them(self, two_levels: House, supervisor: User) -> None:
        request = two_levels.submit()
        assert request.steps == 2
        assert two_levels.approve(request).state == State.WAITING
        assert two_levels.approve(request, checker=supervisor).state == State.EXECUTING
        assert actions_of(request) == ["request.submitted", "task.approved", "level.opened", "task.approved"]
        tasks = AdminTask.objects.filter(request=request).order_by("level")
        assert [(task.stage, task.role, task.checker) for task in tasks] == [
            (1, "checker", two_levels.checker), (2, "supervisor", supervisor),
        ]  # fmt: skip

    def test_one_rejection_ends_it(self, two_levels: House, supervisor: User) -> None:
        request = two_levels.submit()
        two_levels.approve(request)
        gateway_of(two_levels, supervisor).decide(request.pk, "rejected")
        assert reread(request).state == State.REJECTED
        assert not AdminTask.objects.filter(request=request, decision=None).exists()

    def test_nobody_decides_two_levels(self, house: House) -> None:
        asking_for(house, {"people": 2})
        request = house.submit()
        house.approve(request)
        with pytest.raises(PermissionDenied, match="earlier level"):
            house.approve(request)
        assert request.pk not in offered(house, house.checker)
        assert request.pk in offered(house, house.colleague)
        assert house.approve(request, checker=house.colleague).state == State.EXECUTING

    def test_the_maker_decides_none(self, two_levels: House) -> None:
        membership = two_levels.membership(two_levels.maker)
        membership.is_checker = membership.is_supervisor = True
        membership.save()
        request = two_levels.submit()
        for _ in range(2):
            assert gateway_of(two_levels).decide(request.pk).problems == [(9051, None)]
            if open_task(request).level == 1:
                two_levels.approve(request)

    def test_a_policy_that_asks_for_less_changes_nothing_for_it(self, two_levels: House) -> None:
        request = two_levels.submit()
        asking_for(two_levels, {"role": "checker"})
        assert two_levels.approve(request).state == State.WAITING
        assert open_task(request).role == "supervisor"


class TestWhoIsAsked:
    def refused(self, house: House, request: WorkflowRequest, person: User, sentence: str) -> None:
        """Neither offered nor accepted, and told why."""
        assert request.pk not in offered(house, person)
        with pytest.raises(PermissionDenied, match=sentence):
            house.approve(request, checker=person)

    def accepted(self, house: House, request: WorkflowRequest, person: User) -> None:
        assert request.pk in offered(house, person)
        house.approve(request, checker=person)

    def test_a_supervisor(self, two_levels: House, supervisor: User) -> None:
        request = two_levels.submit()
        two_levels.approve(request)
        self.refused(two_levels, request, two_levels.colleague, "needs a supervisor")
        self.accepted(two_levels, request, supervisor)

    def test_certain_people(self, house: House) -> None:
        asking_for(house, {"users": [house.colleague.pk]})
        request = house.submit()
        self.refused(house, request, house.checker, "other people")
        self.accepted(house, request, house.colleague)

    def test_people_whose_own_scope_lies_within_the_levels(self, house: House) -> None:
        local = member(house, is_checker=True, stores=["50682288"])
        asking_for(house, {"stores": ["50682288"]})
        request = house.submit()
        self.refused(house, request, house.checker, "CanCheckRequest")
        self.accepted(house, request, local)

    @pytest.mark.parametrize(("points", "may"), [(20, True), (21, False)])
    def test_people_who_decide_so_much(self, house: House, points: int, may: bool) -> None:
        small = member(house, is_checker=True, decides_up_to=20)
        request = house.submit(points=points)
        if may:
            self.accepted(house, request, small)
        else:
            self.refused(house, request, small, "up to 20")


class TestOverTheApi:
    @pytest.fixture
    def maker(self, two_levels: House) -> Gateway:
        return gateway_of(two_levels)

    def test_everything_shows_that_it_waits_until_the_last_level(
        self, two_levels: House, supervisor: User, maker: Gateway, settings: Any
    ) -> None:
        request_id = maker.submit().data["requestId"]
        first = gateway_of(two_levels, two_levels.checker).decide(request_id)
        assert (first.status, first.data["state"], first.data["endTime"]) == (200, "AdminTask", None)
        assert first.data["details"]["AdminTask_Actor"]["userId"] == two_levels.checker.pk
        assert maker.show(request_id).data["state"] == "AdminTask"
        assert [row["state"] for row in maker.list("states=AdminTask").data] == ["AdminTask"]
        assert maker.history().data[0]["goodwillStatus"] == "PENDING"
        settings.DECISION_WAIT_SECONDS = 0
        second = gateway_of(two_levels, supervisor).decide(request_id)
        assert (second.status, second.data["state"]) == (200, "IntouchAPITask")

    def test_the_same_person_is_refused_at_the_second_level(self, house: House) -> None:
        asking_for(house, {"people": 2})
        request = house.submit()
        checker = gateway_of(house, house.checker)
        assert checker.decide(request.pk).status == 200
        again = checker.decide(request.pk)
        assert (again.status, again.problems[0][0]) == (403, 2001)
        assert reread(request).state == State.WAITING

    def test_an_approval_that_opens_another_level_waits_for_no_outcome(
        self, two_levels: House, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.DECISION_WAIT_SECONDS = 10
        looks: list[State] = []
        state_of = waiting.state_of

        def look(request_id: Any) -> State:
            looks.append(state_of(request_id))
            return looks[-1]

        monkeypatch.setattr(waiting, "state_of", look)
        request = two_levels.submit()
        gateway_of(two_levels, two_levels.checker).decide(request.pk)
        assert looks == [State.WAITING], "there is nothing to wait for, so it is looked at once"


class TestAtTheDesk:
    def page(self, request: WorkflowRequest, verb: str) -> str:
        return f"/admin/workflows/admintask/{open_task(request).pk}/{verb}/"

    def test_two_people_take_the_two_levels(self, two_levels: House, supervisor: User, at_desk: Any) -> None:
        request = two_levels.submit()
        at_desk(two_levels.checker).post(self.page(request, "decide"), decision(request))
        assert open_task(request).level == 2
        at_desk(supervisor).post(self.page(request, "decide"), decision(request))
        assert reread(request).state == State.EXECUTING

    def test_the_same_person_sees_no_form_at_the_second_and_is_refused(self, house: House, at_desk: Any) -> None:
        asking_for(house, {"people": 2})
        request, client = house.submit(), at_desk(house.checker)
        client.post(self.page(request, "decide"), decision(request))
        page = client.get(self.page(request, "change")).content.decode()
        assert "You decided an earlier level of this request" in page
        assert 'value="approved"' not in page
        assert client.post(self.page(request, "decide"), decision(request)).status_code == 403


class TestInTheDatabase:
    def execute(self, request: WorkflowRequest) -> None:
        write(request, state="executing", due_at=request.created_at)

    def test_one_of_two_approvals_executes_nothing(self, house: House) -> None:
        """Even where the second task is gone, and the last one that there is was approved."""
        asking_for(house, {"people": 2})
        request = house.submit()
        house.approve(request)
        with broken("request_decided_by_checker"):
            self.execute(request)
        with past_the_guards():
            AdminTask.objects.filter(request=request, decision=None).delete()
        with broken("request_approved_by_all_levels"):
            self.execute(request)

    def test_two_approvals_do(self, house: House) -> None:
        asking_for(house, {"people": 2})
        request = house.submit()
        house.approve(request)
        AdminTask.objects.filter(request=request, level=2).update(
            decision="approved", checker=house.colleague, decided_at=Now(), message="m", digest=request.digest
        )
        self.execute(request)
        assert reread(request).state == State.EXECUTING

    def test_the_same_checker_is_refused_twice(self, house: House) -> None:
        asking_for(house, {"people": 2})
        request = house.submit()
        house.approve(request)
        with broken("task_one_per_checker"):
            AdminTask.objects.filter(request=request, level=2).update(
                decision="approved", checker=house.checker, decided_at=Now(), message="m", digest=request.digest
            )

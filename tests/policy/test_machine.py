"""Every order of asking, deciding, taking back, expiring, crediting and failing, several at the same instant.

Whatever hypothesis thinks of: no act passes a hard limit that is in force, the counters are what the requests say,
nobody decides their own or twice, and each request ends once. What a preview says is what the submission meets. What
has failed is tried again, and other versions come into force meanwhile, with more limits and with fewer.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count, QuerySet, Sum
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.concurrency.racing import failures, race
from tests.factories import MembershipFactory, UserFactory, set_terms
from tests.house import FAKE_CREDENTIAL, House, build_house
from wire.errors import ApiError
from wire.messages import Statement
from workflows import execution, services, submitting
from workflows.intouch.outcomes import Outcome
from workflows.models import (
    AdminTask,
    AuditEvent,
    CallOutcome,
    Decision,
    LimitUse,
    RequestSource,
    WorkflowPolicy,
    WorkflowRequest,
)
from workflows.rules import usage, verdicts
from workflows.rules.usage import FREED
from workflows.set_up import keep_credential
from workflows.states import ENDED, QUEUED, State
from workflows.submission import Submission, read_submission

CUSTOMERS = (11, 12)
PER_CUSTOMER, PER_PROGRAM, REQUESTS_OF_MAKER, PER_STORE = 200, 300, 9, 250
_organisations = itertools.count(700_000)

RULES: list[dict[str, Any]] = [
    {"name": "small", "when": {"points": {"up_to": 10}}, "then": {"kind": "approve"}},
    {
        "name": "twice",
        "when": {"look_alike": True, "points": {"up_to": 100}},
        "then": {"kind": "levels", "levels": [{"people": 2}]},
    },
    {
        "name": "large",
        "when": {"points": {"over": 100}},
        "then": {"kind": "levels", "levels": [{}, {"role": "supervisor"}]},
    },
]
HARD: dict[str, dict[str, Any]] = {
    "customer": {"measure": "points", "window": "30", "most": PER_CUSTOMER},
    "program": {"measure": "points", "window": "month", "most": PER_PROGRAM},
    "maker": {"measure": "requests", "window": "day", "most": REQUESTS_OF_MAKER},
    "store": {"measure": "points", "window": "365", "most": PER_STORE},
}
MANY = {"name": "many", "per": "customer", "measure": "requests", "window": "7", "most": 3,
        "at_limit": {"role": "supervisor"}}  # fmt: skip
ALL = ("customer", "program", "maker")


def limits_of(names: Iterable[str]) -> list[dict[str, Any]]:
    """The hard limits of these kinds, and the soft one."""
    return [{"name": name, "per": name, **HARD[name]} for name in names] + [MANY]


ASKED = st.tuples(st.sampled_from(CUSTOMERS), st.sampled_from([5, 10, 40, 60, 150]))
ACTS = st.sampled_from(["approve", "approve", "reject", "withdraw", "expire"])
VERSIONS = st.sets(st.sampled_from(sorted(HARD)))


class Machine(RuleBasedStateMachine):
    """One organisation with a maker, three checkers, one of them a supervisor, and an operator.

    Attributes:
        hard: the hard limits that are in force.
        before: how full each was at the last look. One that comes into force late may be more than full already, but
            nothing is added to it from then on.
    """

    @initialize()
    def furnish(self) -> None:
        self.house: House = build_house(next(_organisations))
        supervisor = UserFactory(username=f"supervisor-{self.house.organisation.pk}")
        MembershipFactory(user=supervisor, organisation=self.house.organisation, is_checker=True, is_supervisor=True)
        self.checkers = (self.house.checker, self.house.colleague, supervisor)
        self.operator = UserFactory(username=f"operator-{self.house.organisation.pk}")
        MembershipFactory(user=self.operator, organisation=self.house.organisation, is_operator=True)
        keep_credential(self.house.target, FAKE_CREDENTIAL)
        self.put_in_force(ALL)
        self.before = dict.fromkeys(HARD, Decimal(0))

    def put_in_force(self, names: Iterable[str]) -> None:
        policy = WorkflowPolicy.objects.get(organisation=self.house.organisation)
        set_terms(policy, rules=RULES, limits=limits_of(names))
        self.hard = frozenset(names)

    def submission(self, customer: int, points: int) -> Submission:
        body = self.house.body(earningEntityId=customer, points=points)
        return read_submission(body, organisation=self.house.organisation, slug="GOODWILL-POINTS")

    def in_state(self, *states: State) -> list[WorkflowRequest]:
        of_house = WorkflowRequest.objects.filter(organisation=self.house.organisation, state__in=states)
        return list(of_house.order_by("created_at", "id"))

    @rule(asked=ASKED)
    def one_is_asked_for_and_meets_what_its_preview_said(self, asked: tuple[int, int]) -> None:
        actor, submission = self.house.actor(self.house.maker), self.submission(*asked)
        preview = verdicts.look_and_judge(actor, submission, RequestSource.API).verdict
        try:
            request = submitting.submit(actor=actor, submission=submission).request
        except ApiError:
            with pytest.raises(ApiError):
                verdicts.check(preview, actor=actor, submission=submission, one_step=False)
        else:
            verdicts.check(preview, actor=actor, submission=submission, one_step=False)
            assert (request.rule, request.judgement) == (preview.rule, preview.as_json())

    @rule(batch=st.lists(ASKED, min_size=2, max_size=6))
    def several_are_asked_for_at_once(self, batch: list[tuple[int, int]]) -> None:
        actor = self.house.actor(self.house.maker)
        asked = [partial(submitting.submit, actor=actor, submission=self.submission(*one)) for one in batch]
        self.run(*asked)

    @rule(acts=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 2), ACTS), min_size=1, max_size=5))
    def several_act_on_what_waits_at_once(self, acts: list[tuple[int, int, str]]) -> None:
        waiting = self.in_state(State.WAITING)
        if waiting:
            self.run(*[self.act(waiting[which % len(waiting)], who, what) for which, who, what in acts])

    def act(self, request: WorkflowRequest, who: int, what: str) -> Callable[[], Any]:
        actor, organisation_id = self.house.actor(self.checkers[who]), self.house.organisation.pk
        match what:
            case "withdraw":
                return partial(services.withdraw, actor=self.house.actor(self.house.maker), request_id=request.pk)
            case "expire":
                return partial(services.expire, organisation_id=organisation_id, request_id=request.pk)
        decision = Decision.APPROVED if what == "approve" else Decision.REJECTED
        return partial(services.decide, actor=actor, request_id=request.pk, decision=decision, message="by a machine")

    @rule(which=st.integers(0, 20), workers=st.integers(1, 3), credited=st.booleans())
    def workers_carry_out_one_at_once(self, which: int, workers: int, credited: bool) -> None:
        queued = self.in_state(*QUEUED)
        if queued:
            self.run(*[partial(carry_out, queued[which % len(queued)], credited)] * workers)

    @rule(which=st.lists(st.integers(0, 20), min_size=1, max_size=3))
    def what_has_failed_is_asked_for_again_at_once(self, which: list[int]) -> None:
        failed = self.in_state(State.FAILED)
        if failed:
            self.run(*[self.asking_again(failed[each % len(failed)]) for each in which])

    def asking_again(self, request: WorkflowRequest) -> Callable[[], Any]:
        actor = self.house.actor(self.operator)
        return partial(services.ask_for_retry, actor=actor, request_id=request.pk, message="by a machine")

    @rule(names=VERSIONS)
    def another_version_comes_into_force(self, names: set[str]) -> None:
        self.put_in_force(names)

    @rule(names=VERSIONS, asked=ASKED, which=st.integers(0, 20), act=ACTS)
    def another_version_comes_into_force_beside_other_acts(
        self, names: set[str], asked: tuple[int, int], which: int, act: str
    ) -> None:
        maker = self.house.actor(self.house.maker)
        acts = [partial(submitting.submit, actor=maker, submission=self.submission(*asked))]
        if waiting := self.in_state(State.WAITING):
            acts.append(self.act(waiting[which % len(waiting)], 0, act))
        if failed := self.in_state(State.FAILED):
            acts.append(self.asking_again(failed[which % len(failed)]))
        self.run(partial(self.put_in_force, names), *acts)
        self.before = self.fullest()  # which of them came first is not told

    def run(self, *acts: Callable[[], Any]) -> None:
        """All at once; whatever is refused is refused in words."""
        assert [error for error in failures(race(*acts)) if not isinstance(error, ApiError)] == []

    def counted(self) -> QuerySet[WorkflowRequest]:
        return WorkflowRequest.objects.filter(organisation=self.house.organisation).exclude(state__in=FREED)

    def fullest(self) -> dict[str, Decimal]:
        """How much counts for each limit, by the requests; of the customers, for the one with most."""
        points = self.counted().aggregate(sum=Sum("amount"))["sum"] or Decimal(0)
        per_customer = self.counted().values("customer_id").annotate(sum=Sum("amount")).values_list("sum", flat=True)
        return {
            "customer": max(per_customer, default=Decimal(0)), "program": points, "store": points,
            "maker": Decimal(self.counted().count()),
        }  # fmt: skip

    @invariant()
    def no_act_passes_a_hard_limit_that_is_in_force(self) -> None:
        now = self.fullest()
        for name in self.hard:
            assert now[name] <= max(Decimal(HARD[name]["most"]), self.before[name]), name
        self.before = now

    @invariant()
    def the_counters_are_the_truth(self) -> None:
        truth = self.counted().aggregate(points=Sum("amount"), requests=Count("id"))
        for per in WorkflowPolicy.objects.get(organisation=self.house.organisation).counted:
            kept = LimitUse.objects.filter(organisation=self.house.organisation, per=per)
            found = kept.aggregate(points=Sum("points"), requests=Sum("requests"))
            assert (found["points"] or 0, found["requests"] or 0) == (truth["points"] or 0, truth["requests"]), per
        assert not AuditEvent.objects.filter(action="limits.out_of_step").exists()

    @invariant()
    def each_request_has_the_approvals_it_needs_of_different_people(self) -> None:
        for request in self.in_state(State.EXECUTING, State.CREDITED):
            approved = AdminTask.objects.filter(request=request, decision=Decision.APPROVED, opened_by=None)
            deciders = list(approved.values_list("checker_id", flat=True))
            assert len(deciders) == len(set(deciders)) == request.steps
            assert self.house.maker.pk not in deciders

    @invariant()
    def what_has_ended_stays_as_it_ended(self) -> None:
        ends = {str(request.pk): request.state for request in self.in_state(*(ENDED - {State.FAILED}))}
        assert {key: ends.get(key) for key in self.known_ends()} == self.known_ends()
        self._known = ends

    def known_ends(self) -> dict[str, str]:
        known: dict[str, str] = getattr(self, "_known", {})
        return known

    def teardown(self) -> None:
        """Everything ends without a credit but what has been credited; then only that counts."""
        if not hasattr(self, "house"):
            return
        for request in self.in_state(State.WAITING):
            services.withdraw(actor=self.house.actor(self.house.maker), request_id=request.pk)
        for request in self.in_state(State.EXECUTING):
            carry_out(request, False)
        self.put_in_force(ALL)
        credited = self.in_state(State.CREDITED)
        assert (
            len(self.in_state(*ENDED)) == WorkflowRequest.objects.filter(organisation=self.house.organisation).count()
        )
        left = LimitUse.objects.filter(organisation=self.house.organisation, per="customer")
        found = left.aggregate(points=Sum("points"), requests=Sum("requests"))
        assert (found["points"] or 0) == sum(request.amount or 0 for request in credited)
        assert (found["requests"] or 0) == len(credited)
        connection.close()


def carry_out(request: WorkflowRequest, credited: bool) -> None:
    """A worker's attempt, with Intouch's answer made up."""
    claim = execution.claim_due(request.pk)
    if claim is not None:
        kind = CallOutcome.CREDITED if credited else CallOutcome.REFUSED
        execution.record(claim, Outcome(kind, http_status=201 if credited else 400))


@pytest.mark.django_db(transaction=True)
def test_no_order_of_acts_gets_past_a_limit_or_a_level() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=20, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


WITHOUT: dict[str, Callable[..., Any]] = {
    "freed": lambda *_: [],
    "locked": lambda *_: Statement("SELECT 1", (), lambda _: timezone.now()),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("without", WITHOUT)
def test_the_machine_finds_a_way_past_what_does_not_hold(without: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The twins: nothing is freed; nobody waits for anybody."""
    monkeypatch.setattr(usage, without, WITHOUT[without])
    # Who wins a race is not the same twice: what fails the first time only is found all the same.
    with pytest.raises((AssertionError, Flaky)):
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=200, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck),
                phases=[Phase.generate], database=None, report_multiple_bugs=False,
            ),
        )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_the_machine_sees_a_retry_that_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin of the retries, step by step."""
    monkeypatch.setattr(verdicts, "count_again", lambda *_: None)
    machine = Machine()
    machine.furnish()
    machine.one_is_asked_for_and_meets_what_its_preview_said((11, 10))
    machine.workers_carry_out_one_at_once(0, 1, credited=False)
    machine.the_counters_are_the_truth()
    machine.what_has_failed_is_asked_for_again_at_once([0])
    with pytest.raises(AssertionError, match="customer"):
        machine.the_counters_are_the_truth()

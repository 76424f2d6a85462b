"""Settings change only by what one administrator proposes and another approves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from accounts.models import Membership, User
from tests.factories import MembershipFactory, UserFactory, set_terms
from tests.house import House, build_house
from tests.settings_change.conftest import Council, council_of
from tests.settings_change.proposals import (
    PROPOSALS,
    SLUG,
    propose_cap,
    settings_of,
)
from workflows import desk, execution, services, settings_change
from workflows.errors import InvalidPayload, NobodyCanDecide, OwnRequest, PermissionDenied, RequestNotFound
from workflows.models import (
    AuditEvent,
    CallPurpose,
    Decision,
    IntouchCall,
    IntouchTarget,
    PolicyVersion,
    WorkflowPolicy,
    WorkflowRequest,
)
from workflows.states import State
from workflows.terms.document import Level, Result, Role, Terms


@pytest.mark.parametrize("kind", PROPOSALS)
class TestEveryKind:
    def test_it_takes_effect_when_another_administrator_approves_and_not_before(
        self, council: Council, kind: str
    ) -> None:
        before = settings_of(council.house.organisation)
        request = PROPOSALS[kind](council)
        assert settings_of(council.house.organisation) == before
        council.decide(request)
        assert settings_of(council.house.organisation) == before, "a decision alone applies nothing"
        assert execution.execute(request.pk)
        request.refresh_from_db()
        assert request.state == State.CREDITED
        assert settings_of(council.house.organisation) != before

    @pytest.mark.parametrize("end", ["rejected", "withdrawn", "expired"])
    def test_what_is_not_approved_changes_nothing(self, council: Council, kind: str, end: str) -> None:
        before = settings_of(council.house.organisation)
        request = PROPOSALS[kind](council)
        if end == "rejected":
            council.decide(request, Decision.REJECTED)
        elif end == "withdrawn":
            services.withdraw(actor=council.house.actor(council.ada), request_id=request.pk)
        else:
            services.expire(organisation_id=council.house.organisation.pk, request_id=request.pk)
        assert not execution.execute(request.pk)
        request.refresh_from_db()
        assert (request.state, request.secret) == (end, None)
        assert settings_of(council.house.organisation) == before

    def test_the_proposer_cannot_approve_it_nor_can_a_checker(self, council: Council, kind: str) -> None:
        request = PROPOSALS[kind](council)
        with pytest.raises(OwnRequest):
            council.decide(request, who=council.ada)
        with pytest.raises(PermissionDenied, match=r"administrator|concerns yourself"):
            council.decide(request, who=council.house.checker)
        with pytest.raises(PermissionDenied):
            council.decide(request, who=council.house.maker)

    def test_the_second_time_it_is_carried_out_nothing_happens(self, council: Council, kind: str) -> None:
        request = council.carry(PROPOSALS[kind](council))
        after = settings_of(council.house.organisation)
        assert not execution.execute(request.pk)
        assert settings_of(council.house.organisation) == after
        (call,) = IntouchCall.objects.filter(request=request)
        assert (call.purpose, call.outcome, call.http_status) == (CallPurpose.LOCAL, "credited", None)

    def test_an_administrator_of_another_organisation_can_neither_see_nor_decide_it(
        self, council: Council, kind: str
    ) -> None:
        request = PROPOSALS[kind](council)
        others = council_of(build_house(organisation_id=70001))
        with pytest.raises(RequestNotFound):
            others.decide(request)
        assert request.pk not in desk.requests_within({70001: others.house.actor(others.bob)}).values_list(
            "pk", flat=True
        )
        request.refresh_from_db()
        assert request.state == State.WAITING

    def test_without_a_second_administrator_it_is_refused_at_once(self, house: House, kind: str) -> None:
        ada = UserFactory(username="ada-alone")
        MembershipFactory(user=ada, organisation=house.organisation, is_administrator=True)
        with pytest.raises(NobodyCanDecide, match="second administrator"):
            PROPOSALS[kind](Council(house, ada, ada))
        assert not WorkflowRequest.objects.exists()

    def test_only_an_administrator_of_the_whole_organisation_proposes(self, council: Council, kind: str) -> None:
        for changes in ({"is_administrator": False, "is_checker": True}, {"tills": ["7"]}):
            Membership.objects.filter(user=council.ada).update(**changes)
            with pytest.raises(PermissionDenied, match="administrator"):
                PROPOSALS[kind](council)
            Membership.objects.filter(user=council.ada).update(is_administrator=True)

    def test_a_proposer_who_is_no_administrator_any_more_changes_nothing(self, council: Council, kind: str) -> None:
        request = PROPOSALS[kind](council)
        council.decide(request)
        Membership.objects.filter(user=council.ada).update(is_active=False)
        before = settings_of(council.house.organisation)
        execution.execute(request.pk)
        request.refresh_from_db()
        assert (request.state, request.last_error) == (
            State.FAILED,
            "Whoever proposed this is no administrator any more.",
        )
        assert settings_of(council.house.organisation) == before

    def test_the_difference_is_audited_with_the_change_and_holds_no_credential(
        self, council: Council, kind: str
    ) -> None:
        request = council.carry(PROPOSALS[kind](council))
        event = AuditEvent.objects.get(action="settings.changed")
        assert (event.request, event.actor) == (request, council.ada)
        assert event.details["difference"] == [
            {name: each[name] for name in ("field", "before", "after")} for each in request.content["difference"]
        ]
        assert event.details["difference"]
        told = [str(each.details) for each in AuditEvent.objects.all()] + [request.payload]
        assert not any("bmV3Om5ldw" in text for text in told)


def stale_policy(council: Council) -> None:
    set_terms(council.house.policy, cap=5)


def stale_target(council: Council) -> None:
    IntouchTarget.objects.update(is_enabled=False)


def stale_rights(council: Council) -> None:
    Membership.objects.filter(user=council.house.checker).update(is_auditor=True)


def stale_new_target(council: Council) -> None:
    IntouchTarget.objects.create(
        organisation=council.house.organisation, origin="https://second.example.com", base_url="https://x.example.com"
    )


def stale_member(council: Council) -> None:
    MembershipFactory(user=User.objects.get(username="newcomer"), organisation=council.house.organisation)


@pytest.mark.parametrize(
    ("kind", "meanwhile", "sentence"),
    [("policy", stale_policy, "The policy has changed since"), ("target moved", stale_target, "target has changed"),
     ("credential", stale_target, "target has changed"), ("target added", stale_new_target, "target has changed"),
     ("rights", stale_rights, "rights have changed"), ("member added", stale_member, "rights have changed")],
)  # fmt: skip
def test_what_was_made_from_an_older_state_fails_loudly(
    council: Council, kind: str, meanwhile: Callable[[Council], None], sentence: str
) -> None:
    request = PROPOSALS[kind](council)
    meanwhile(council)
    before = settings_of(council.house.organisation)
    council.carry(request)
    assert request.state == State.FAILED
    assert sentence in request.last_error
    assert settings_of(council.house.organisation) == before


def test_what_was_made_from_another_version_than_the_one_in_force_is_not_even_proposed(council: Council) -> None:
    seen = council.house.policy.active_id
    stale_policy(council)
    with pytest.raises(InvalidPayload, match="came into force meanwhile"):
        settings_change.propose_policy(
            actor=council.house.actor(council.ada), slug=SLUG, terms=Terms(cap=1), made_from=seen, note="late"
        )


def test_of_two_proposals_from_one_version_the_second_fails(council: Council) -> None:
    first, second = propose_cap(council, 100), propose_cap(council, 200)
    assert council.carry(first).state == State.CREDITED
    assert council.carry(second).state == State.FAILED
    assert PolicyVersion.objects.get(pk=WorkflowPolicy.objects.get(request_type=SLUG).active_id).terms.cap == 100


def test_a_policy_comes_into_force_as_the_proposers_version_with_the_note(council: Council) -> None:
    council.carry(propose_cap(council))
    version = PolicyVersion.objects.latest("pk")
    assert (version.number, version.created_by, version.note) == (2, council.ada, "a larger cap")


def test_a_policy_that_nobody_could_decide_by_is_refused_at_once(council: Council) -> None:
    terms = Terms(default=Result(kind="levels", levels=(Level(role=Role.SUPERVISOR),)))
    with pytest.raises(InvalidPayload, match="not enough people"):
        settings_change.propose_policy(
            actor=council.house.actor(council.ada),
            slug=SLUG,
            terms=terms,
            note="supervisors alone",
            made_from=council.house.policy.active_id,
        )


def test_what_changes_nothing_or_has_no_reason_is_refused(council: Council) -> None:
    actor = council.house.actor(council.ada)
    with pytest.raises(InvalidPayload, match="changes nothing"):
        settings_change.propose_policy(
            actor=actor,
            slug=SLUG,
            terms=council.house.policy.terms,
            note="why not",
            made_from=council.house.policy.active_id,
        )
    for note in ("", "  ", "two\nlines", "x" * 501):
        with pytest.raises(InvalidPayload, match="Say why"):
            settings_change.propose_policy(
                actor=actor, slug=SLUG, terms=Terms(cap=1), note=note, made_from=council.house.policy.active_id
            )
    assert not WorkflowRequest.objects.exists()

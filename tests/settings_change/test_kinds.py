"""What holds for credentials, for rights and for the policy of changes themselves."""

from __future__ import annotations

import pytest

from tests.factories import MembershipFactory, UserFactory
from tests.house import FAKE_CREDENTIAL
from tests.settings_change.conftest import Council
from tests.settings_change.proposals import (
    NEW_CREDENTIAL,
    credential_of,
    propose_cap,
    propose_credential,
    propose_move,
    propose_new_target,
    propose_rights,
)
from workflows import execution, settings_change
from workflows.errors import InvalidPayload, NobodyCanDecide, OwnRequest, PermissionDenied
from workflows.models import (
    IntouchTarget,
    WorkflowPolicy,
    WorkflowRequest,
)
from workflows.rules import versions
from workflows.set_up import keep_credential
from workflows.settings_change.strength import ONE_ADMINISTRATOR
from workflows.states import State
from workflows.terms.document import Level, Result, Role, Terms


class TestCredentials:
    def test_a_credential_waits_encrypted_and_moves_to_the_target(self, council: Council) -> None:
        request = propose_credential(council)
        assert b"bmV3" not in bytes(request.secret or b"")
        assert request.content["difference"] == [
            {"field": "Own Intouch credential", "before": "none", "after": "a new credential"}
        ]
        council.carry(request)
        council.house.target.refresh_from_db()
        assert credential_of(council.house.target) == NEW_CREDENTIAL
        assert request.secret is None

    def test_a_stored_credential_does_not_go_along_to_another_address(self, council: Council) -> None:
        keep_credential(council.house.target, FAKE_CREDENTIAL)
        with pytest.raises(InvalidPayload, match="enter the credential again"):
            propose_move(council)

    @pytest.mark.parametrize("wrong", ["***", "two\nlines", "ünïcode", ""])
    def test_what_is_no_credential_is_refused(self, council: Council, wrong: str) -> None:
        with pytest.raises(InvalidPayload, match="one line of printable ASCII"):
            settings_change.propose_credential(
                actor=council.house.actor(council.ada), target=council.house.target, credential=wrong, note="x"
            )

    def test_a_secret_copied_from_another_request_does_not_open(self, council: Council) -> None:
        first, second = propose_credential(council), propose_new_target(council)
        WorkflowRequest.objects.filter(pk=second.pk).update(secret=first.secret)
        council.carry(second)
        assert (second.state, second.last_error) == (
            State.FAILED, "The new credential cannot be read: propose it anew.",
        )  # fmt: skip
        assert IntouchTarget.objects.count() == 1, "what was begun is taken back"


class TestRights:
    def test_nobody_proposes_rights_of_their_own(self, council: Council) -> None:
        with pytest.raises(OwnRequest, match="rights of your own"):
            propose_rights(council, council.ada, is_checker=True)

    def test_whom_it_concerns_cannot_approve_it(self, council: Council) -> None:
        third = UserFactory(username="cyd")
        MembershipFactory(user=third, organisation=council.house.organisation, is_administrator=True)
        request = propose_rights(council, council.bob, is_checker=True)
        with pytest.raises(PermissionDenied, match="concerns yourself"):
            council.decide(request, who=council.bob)
        council.decide(request, who=third)
        execution.execute(request.pk)
        assert council.house.membership(council.bob).is_checker

    def test_with_two_administrators_neither_can_be_touched(self, council: Council) -> None:
        with pytest.raises(NobodyCanDecide, match="not concerned"):
            propose_rights(council, council.bob, is_active=False)

    def test_contradictory_rights_are_refused(self, council: Council) -> None:
        with pytest.raises(InvalidPayload):
            propose_rights(council, council.house.auditor, is_supervisor=True)


class TestItsOwnPolicy:
    def test_two_administrators_can_be_asked_for(self, council: Council) -> None:
        cyd = UserFactory(username="cyd")
        MembershipFactory(user=cyd, organisation=council.house.organisation, is_administrator=True)
        stronger = Terms(default=Result(kind="levels", levels=(Level(role=Role.ADMINISTRATOR, people=2),)))
        propose_cap(council)
        own = WorkflowPolicy.objects.get(request_type="SETTINGS-CHANGE")
        council.carry(
            settings_change.propose_policy(
                actor=council.house.actor(council.ada),
                slug="SETTINGS-CHANGE",
                terms=stronger,
                note="six eyes",
                made_from=own.active_id,
            )
        )
        request = propose_cap(council)
        council.decide(request)
        assert not execution.execute(request.pk), "one of two has approved"
        council.decide(request, who=cyd)
        assert execution.execute(request.pk)

    def test_two_of_two_cannot_be_asked_for_because_the_proposer_approves_nothing(self, council: Council) -> None:
        stronger = Terms(default=Result(kind="levels", levels=(Level(role=Role.ADMINISTRATOR, people=2),)))
        propose_cap(council)
        own = WorkflowPolicy.objects.get(request_type="SETTINGS-CHANGE")
        with pytest.raises(InvalidPayload, match=r"needs 3 administrators of the whole organisation.* there are 2"):
            settings_change.propose_policy(
                actor=council.house.actor(council.ada), slug="SETTINGS-CHANGE", terms=stronger, note="four eyes more",
                made_from=own.active_id,
            )  # fmt: skip

    def test_a_third_administrator_who_left_before_it_was_approved_is_missed(self, council: Council) -> None:
        cyd = UserFactory(username="cyd")
        membership = MembershipFactory(user=cyd, organisation=council.house.organisation, is_administrator=True)
        stronger = Terms(default=Result(kind="levels", levels=(Level(role=Role.ADMINISTRATOR, people=2),)))
        propose_cap(council)
        own = WorkflowPolicy.objects.get(request_type="SETTINGS-CHANGE")
        request = settings_change.propose_policy(
            actor=council.house.actor(council.ada), slug="SETTINGS-CHANGE", terms=stronger, note="six eyes",
            made_from=own.active_id,
        )  # fmt: skip
        membership.is_active = False
        membership.save()
        council.carry(request)
        assert request.state == State.FAILED
        assert "needs 3 administrators" in request.last_error
        propose_cap(council)  # and so settings can still be changed

    @pytest.mark.parametrize(
        "weaker",
        [Terms(), Terms(is_enabled=False), Terms.model_validate(ONE_ADMINISTRATOR.as_json() | {"auto_approval": "all"}),
         Terms(default=Result(kind="levels", levels=(Level(role=Role.ADMINISTRATOR, users=(1,)),))),
         Terms(default=Result(kind="refuse", message="No more changes."))],
    )  # fmt: skip
    def test_nothing_weaker_than_another_administrator_comes_into_force(self, council: Council, weaker: Terms) -> None:
        propose_cap(council)
        with pytest.raises(InvalidPayload):
            settings_change.propose_policy(
                actor=council.house.actor(council.ada),
                slug="SETTINGS-CHANGE",
                terms=weaker,
                note="less",
                made_from=None,
            )
        with pytest.raises(Exception, match=r"administrator|switched off|automatically"):
            versions.put_in_force(
                organisation=council.house.organisation, slug="SETTINGS-CHANGE", terms=weaker, author=None,
                checked=False,
            )  # fmt: skip

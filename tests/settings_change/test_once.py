"""A change is carried out once, however workers die; and never what nobody decided on."""

from __future__ import annotations

import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from tests.factories import MembershipFactory, UserFactory, set_terms
from tests.faults.processes import started
from tests.settings_change.conftest import Council
from tests.settings_change.proposals import (
    propose_cap,
    versions_of,
)
from tests.workflows.journeys import make_due, past_the_guards, write
from workflows import execution, operations, services
from workflows.models import (
    IntouchCall,
    WorkflowRequest,
)
from workflows.states import State


class TestOnceOnly:
    @pytest.mark.parametrize("where", ["claim.after", "local.applied"])
    def test_a_worker_that_is_killed_leaves_it_due_and_it_is_applied_once(
        self, committed_council: Council, tmp_path: Path, where: str
    ) -> None:
        council = committed_council
        request = propose_cap(council)
        council.decide(request)
        script = f"import django; django.setup(); from workflows import execution; execution.execute('{request.pk}')"
        with started(tmp_path / "log", "-c", script, FAILPOINT=f"{where}:kill") as worker:
            assert worker.ended_with() == -signal.SIGKILL, worker.output
        assert versions_of(council) == 1, "applied and recorded, or neither"
        assert not execution.execute(request.pk), "the dead worker's lease has not run out"
        make_due(request)
        assert execution.execute(request.pk)
        request.refresh_from_db()
        assert request.state == State.CREDITED
        outcomes = IntouchCall.objects.filter(request=request).order_by("attempt").values_list("outcome", flat=True)
        assert list(outcomes) == ["not_sent", "credited"]
        assert versions_of(council) == 2

    def test_a_worker_that_lost_its_lease_applies_nothing(self, council: Council) -> None:
        request = propose_cap(council)
        council.decide(request)
        late = execution.claim_due(request.pk)
        assert late is not None
        WorkflowRequest.objects.filter(pk=request.pk).update(lease_expires_at=Now() - timedelta(seconds=1))
        assert execution.execute(request.pk)
        assert not execution.carry_out_and_record(late)
        assert versions_of(council) == 2

    def test_a_pause_of_everything_does_not_keep_settings_from_being_put_right(self, council: Council) -> None:
        operator = UserFactory(username="oper")
        MembershipFactory(user=operator, organisation=council.house.organisation, is_operator=True)
        actor = council.house.actor(operator)
        request = propose_cap(council)
        council.decide(request)
        operations.pause(actor=actor, request_type="SETTINGS-CHANGE", reason="by name")
        assert not execution.execute(request.pk)
        operations.resume(actor=actor, request_type="SETTINGS-CHANGE")
        operations.pause(actor=actor, reason="a wrong credential")
        assert execution.execute(request.pk)

    def test_what_was_altered_after_the_decision_is_not_applied(self, council: Council) -> None:
        request = propose_cap(council)
        council.decide(request)
        with past_the_guards():
            write(request, payload=request.payload.replace("777", "999"))
        execution.execute(request.pk)
        request.refresh_from_db()
        assert request.state == State.FAILED
        assert "altered" in request.last_error or "digest" in request.last_error

    def test_a_failed_change_is_proposed_anew_and_not_tried_again(self, council: Council) -> None:
        operator = UserFactory(username="oper")
        MembershipFactory(user=operator, organisation=council.house.organisation, is_operator=True)
        request = propose_cap(council)
        set_terms(council.house.policy, cap=5)
        council.carry(request)
        with pytest.raises(Exception, match="proposed anew"):
            services.ask_for_retry(actor=council.house.actor(operator), request_id=request.pk, message="again")


@pytest.mark.parametrize("changes", [{"customer_id": 5}, {"auto_approved": True}, {"one_step": True}])
def test_the_database_knows_what_a_change_of_settings_is(council: Council, changes: dict[str, Any]) -> None:
    request = propose_cap(council)
    with (
        past_the_guards(),
        pytest.raises(IntegrityError, match="request_has_customer_and_target"),
        transaction.atomic(),
    ):
        write(request, **changes)
    goodwill = council.house.submit()
    with (
        past_the_guards(),
        pytest.raises(IntegrityError, match="request_has_customer_and_target"),
        transaction.atomic(),
    ):
        write(goodwill, target_id=None)

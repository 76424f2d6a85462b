"""Changes of settings over the API: read and decided like any request, submitted by nobody."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.gateway import PREFIX, Gateway, gateway_of
from tests.house import build_house
from tests.settings_change.conftest import Council, council_of
from tests.settings_change.proposals import NEW_CREDENTIAL, propose_cap, propose_credential
from workflows.models import WorkflowPolicy, WorkflowRequest
from workflows.rules import versions
from workflows.settings_change.strength import ONE_ADMINISTRATOR

PATH = f"{PREFIX}/SETTINGS-CHANGE"


@pytest.fixture(autouse=True)
def _nobody_waits(settings: Any) -> None:
    settings.DECISION_WAIT_SECONDS = 0


@pytest.fixture
def bob(council: Council) -> Gateway:
    return gateway_of(council.house, council.bob)


@pytest.mark.parametrize("verb", ["", "/preview"])
def test_nobody_submits_one(council: Council, verb: str) -> None:
    versions.put_in_force(
        organisation=council.house.organisation, slug="SETTINGS-CHANGE", terms=ONE_ADMINISTRATOR, author=None
    )
    for person in (council.house.maker, council.ada):
        answer = gateway_of(council.house, person).submit(path=f"{PATH}{verb}")
        assert (answer.status, answer.problems[0][0]) in {(400, 2009), (403, 2001)}
    makers = gateway_of(council.house).submit(path=f"{PATH}{verb}")
    assert (makers.status, makers.problems[0][0]) == (400, 2009)
    assert "SETTINGS-CHANGE" not in makers.json["errors"][0]["message"]
    assert not WorkflowRequest.objects.exists()


def test_it_is_read_with_its_difference_and_without_a_credential(council: Council, bob: Gateway) -> None:
    request = propose_credential(council)
    answer = bob.show(request.pk)
    payload = answer.data["details"]["IntouchAPITask-Payload"]
    assert (answer.data["requestType"], answer.data["state"]) == ("settings-change", "AdminTask")
    assert payload["difference"] == [{"field": "Own Intouch credential", "before": "none", "after": "a new credential"}]
    assert NEW_CREDENTIAL.split()[1] not in answer.text


def test_another_administrator_approves_it_and_nobody_else(council: Council, bob: Gateway) -> None:
    request = propose_cap(council)
    for person, problem in ((council.ada, (403, 9051)), (council.house.checker, (403, 2001))):
        answer = gateway_of(council.house, person).decide(request.pk, path=PATH)
        assert (answer.status, answer.problems[0][0]) == problem
    answer = bob.decide(request.pk, path=PATH)
    assert (answer.status, answer.data["state"]) == (200, "IntouchAPITask")
    assert bob.decide(request.pk, path=PATH).status == 409


def test_it_is_found_by_its_type_and_by_no_customer(council: Council, bob: Gateway) -> None:
    request = propose_cap(council)
    council.house.submit()
    assert [item["requestId"] for item in bob.list("requestType=SETTINGS-CHANGE").data] == [str(request.pk)]
    assert len(bob.list().data) == 2
    assert len(bob.list("customerId=382332518").data) == 1


def test_an_administrator_next_door_finds_nothing(council: Council) -> None:
    request = propose_cap(council)
    other = council_of(build_house(organisation_id=70001))
    theirs = gateway_of(other.house, other.bob)
    assert theirs.show(request.pk).status == 404
    assert theirs.decide(request.pk, path=PATH).status == 404
    assert theirs.list().data == []
    assert not WorkflowPolicy.objects.filter(
        organisation=other.house.organisation, request_type="SETTINGS-CHANGE"
    ).exists()

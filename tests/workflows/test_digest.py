"""The digest of the content: the same for what means the same, another for anything else, for ever."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from tests.factories import set_terms
from tests.house import SEED_BODY, House
from tests.workflows.journeys import attempt, past_the_guards, reread, write
from tests.workflows.sandbox_client import Client
from wire.redaction import MASK
from workflows.attempts import TAMPERED
from workflows.models import AuditEvent
from workflows.states import State
from workflows.submission import EntityInfo, content_digest, read_submission

TASK = "IntouchAPITask-Payload"
ENTITY = EntityInfo.model_validate(SEED_BODY["entityInfo"])


def digest(change: Any = None, entity: Any = None) -> str:
    content = copy.deepcopy(SEED_BODY["payload"][TASK])
    if change is not None:
        change(content)
    return content_digest(entity or ENTITY, content)


def test_the_digest_of_the_seed_s_request_is_what_it_has_always_been() -> None:
    """It is stored with every decision: a change of the canonical form would break every request that waits."""

    def without_the_credential(content: Any) -> None:
        content["headers"]["Authorization"] = MASK

    assert digest(without_the_credential) == "494a254fd240723a80303827865b3fa1e99ad7a0af653ec1c91563b79046f4fc"


SAME = {
    "20.0": lambda content: content["body"].update(points=Decimal("20.0")),
    "2e1": lambda content: content["body"].update(points=Decimal("2E+1")),
    "20.000000": lambda content: content["body"].update(points=Decimal("20.000000")),
    "other order": lambda content: content.update(body=dict(reversed(content["body"].items()))),
}
OTHER = {
    "21": lambda content: content["body"].update(points=21),
    "20.5": lambda content: content["body"].update(points=Decimal("20.5")),
    "a text": lambda content: content["body"].update(points="20"),
    "true": lambda content: content["body"].update(points=True),
    "null": lambda content: content["body"].update(points=None),
    "missing": lambda content: content["body"].pop("points"),
    "added": lambda content: content["body"].update(comments=""),
    "moved": lambda content: content.update(points=content["body"].pop("points")),
    "path": lambda content: content.update(path="/internal/goodwill"),
    "hostname": lambda content: content.update(hostname="http://other:1900"),
    "header": lambda content: content["headers"].update({"content-type": "APPLICATION/JSON"}),
    "a lone accent": lambda content: content["body"].update(reason="re\u0301ason"),
    "a composed accent": lambda content: content["body"].update(reason="r\u00e9ason"),
}


@pytest.mark.parametrize("name", SAME)
def test_what_means_the_same_has_the_same_digest(name: str) -> None:
    assert digest(SAME[name]) == digest()


def test_whatever_differs_has_a_digest_of_its_own() -> None:
    found = [digest(), *(digest(change) for change in OTHER.values())]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("field", ["till_id", "store_id", "zone_id", "concept_id"])
def test_the_entity_is_part_of_it(field: str) -> None:
    assert digest(entity=ENTITY.model_copy(update={field: "1"})) != digest()


@pytest.mark.django_db
def test_the_stored_request_has_the_digest_of_the_submission(house: House) -> None:
    body = house.body(points=Decimal("20.0"), comments='ünïcode \u2028 and \\ and "')
    submission = read_submission(copy.deepcopy(body), organisation=house.organisation, slug="GOODWILL-POINTS")
    request = house.submit(**body["payload"][TASK]["body"])
    row = reread(request)
    assert submission.digest == row.digest == content_digest(row, row.content)


@pytest.mark.django_db
def test_the_credential_is_no_part_of_it(house: House) -> None:
    digests = set()
    for credential in ("Basic ZmFrZTpmYWtl", "Basic b3RoZXI6b3RoZXI=", None):
        house.target.credential = b"v1:a:b"
        house.target.save()
        body = house.body(referenceId="the same")
        headers = body["payload"][TASK]["headers"]
        headers.pop("Authorization")
        if credential:
            headers["authorization"] = credential
        submission = read_submission(body, organisation=house.organisation, slug="GOODWILL-POINTS")
        digests.add(submission.digest)
    assert len(digests) == 1


def test_a_payload_that_was_altered_together_with_its_digest_is_not_what_the_checker_saw(
    calling_house: House, intouch: Client, caplog: pytest.LogCaptureFixture
) -> None:
    request = calling_house.approve(calling_house.submit())
    with past_the_guards():
        write(request, payload=request.payload.replace('"points":20', '"points":21'))
        altered = reread(request)
        write(request, digest=content_digest(altered, altered.content))
    row = attempt(request)
    assert (row.state, row.last_error, intouch.ledger()["calls"]) == (State.FAILED, TAMPERED, 0)
    assert "altered after it was decided on" in caplog.text
    assert AuditEvent.objects.get(request=request, action="call.refused").details["error"] == TAMPERED


def test_what_needed_no_checker_is_sent_under_its_own_digest(calling_house: House, intouch: Client) -> None:
    set_terms(calling_house.policy, auto_approval="all")
    assert attempt(calling_house.submit()).state == State.CREDITED
    assert intouch.ledger()["calls"] == 1

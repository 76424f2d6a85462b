"""The same sent many times at the same instant, by one client without patience or by two that share a reference."""

from __future__ import annotations

import base64
import copy
import http.client
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError

from tests.concurrency.racing import Rendezvous, failures, race, successes
from tests.faults.processes import eventually, started
from tests.house import House
from tests.workflows.journeys import counts, goodwill_of, history
from wire import strict_json
from wire.messages import Statement
from workflows import submitting
from workflows.errors import ReferenceReused
from workflows.models import WorkflowRequest
from workflows.rules import verdicts
from workflows.submission import Submission, read_submission
from workflows.submitting import Submitted

AT_ONCE = 50
ROUNDS = 10


def read(house: House, body: dict[str, Any]) -> Submission:
    return read_submission(copy.deepcopy(body), organisation=house.organisation, slug="GOODWILL-POINTS")


def sending(house: House, body: dict[str, Any], **options: Any) -> Any:
    actor = house.actor(house.maker)
    return lambda: submitting.submit(actor=actor, submission=read(house, body), **options)


def test_fifty_times_the_same_is_one_request(house: House) -> None:
    body = house.body()
    results: list[Submitted] = race(*[sending(house, body)] * AT_ONCE)
    assert failures(results) == []
    assert len({submitted.request.pk for submitted in results}) == 1
    assert sorted(submitted.replayed for submitted in results) == [False] + [True] * (AT_ONCE - 1)
    found = counts()
    assert (found.requests, found.tasks, found.goodwill, found.events) == (1, 1, 1, 1)
    assert history(WorkflowRequest.objects.get()) == "PENDING"


def test_of_two_contents_under_one_reference_one_is_kept_whole(house: House) -> None:
    for number in range(ROUNDS):
        bodies = [house.body(referenceId=f"shared-{number}", points=points) for points in (20, 21)]
        results = race(*[sending(house, body) for body in bodies])
        (kept,), (refused,) = successes(results), failures(results)
        assert type(refused) is ReferenceReused
        row = WorkflowRequest.objects.get(reference_id=f"shared-{number}")
        points = bodies[results.index(kept)]["payload"]["IntouchAPITask-Payload"]["body"]["points"]
        assert (row.amount, row.content["body"]["points"], goodwill_of(row).points) == (points, points, points)


def test_of_two_references_under_one_idempotency_key_one_is_kept(house: House) -> None:
    for number in range(ROUNDS):
        results = race(*[sending(house, house.body(), idempotency_key=f"key-{number}") for _ in range(2)])
        assert len(successes(results)) == 1
        (refused,) = failures(results)
        assert type(refused) is ReferenceReused
        assert refused.problems[0].reference == "Idempotency-Key"
    assert counts().requests == ROUNDS


def test_two_organisations_do_not_get_into_each_other_s_way(house: House) -> None:
    from tests.house import build_house

    other = build_house(51251)
    results = race(*[sending(where, where.body(referenceId="shared")) for where in (house, other) for _ in range(8)])
    assert failures(results) == []
    assert len({submitted.request.pk for submitted in results}) == 2


def test_without_the_second_look_all_but_one_would_get_an_error(house: House) -> None:
    """The twin: look for the reference, then insert. The unique constraint keeps one row; nobody is told kindly."""
    body, meeting, actor = house.body(), Rendezvous(4), house.actor(house.maker)

    def look_then_insert() -> WorkflowRequest:
        submission = read(house, body)
        assert not WorkflowRequest.objects.filter(reference_id=submission.subject.reference_id).exists()
        meeting.wait()
        with submitting.transaction.atomic():
            judged = verdicts.count_and_judge(actor, submission, submitting.RequestSource.API, ())
            return submitting._create(actor, submission, judged, False, None, submitting.RequestSource.API)

    results = race(*[look_then_insert] * 4)
    assert len(successes(results)) == 1
    assert {type(error) for error in failures(results)} == {IntegrityError}
    assert {error.__cause__.diag.constraint_name for error in failures(results)} == {"request_reference_once"}  # type: ignore[union-attr]
    assert counts().requests == 1


def test_an_error_that_is_no_repetition_is_not_taken_for_one(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Statement("UPDATE workflows_workflowrequest SET customer_id = %s", [-1])
    monkeypatch.setattr(submitting.notices, "noted", lambda *_: [broken])
    with pytest.raises(IntegrityError):
        house.submit()
    assert counts().requests == 0


@dataclass(frozen=True)
class Web:
    """A running web server."""

    port: int

    def post(self, house: House, raw: bytes) -> tuple[int, str | None, bytes]:
        """E1 by the service account: status, the replay header, and the body."""
        credential = base64.b64encode(f"{house.service_account.username}:{house.service_secret}".encode()).decode()
        http_connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {
            "Authorization": f"Basic {credential}", "Content-Type": "application/json",
            "X-CAP-API-AUTH-ORG-ID": str(house.organisation.pk),
        }  # fmt: skip
        http_connection.request("POST", "/api_gateway/v2/request-workflow/GOODWILL-POINTS", raw, headers)
        response = http_connection.getresponse()
        found = (response.status, response.getheader("Idempotent-Replay"), response.read())
        http_connection.close()
        return found


@pytest.fixture
def web(transactional_db: Any, tmp_path: Path) -> Iterator[Web]:
    """Gunicorn as in production, with threads, on the database of the test."""
    command = ("-m", "gunicorn", "--config", "config/gunicorn.py", "config.wsgi")
    settings = {"BIND": "127.0.0.1:0", "WEB_CONCURRENCY": "2", "WEB_THREADS": "16"}
    with started(tmp_path / "web.log", *command, **settings) as process:
        eventually(lambda: "Listening at" in process.output or not process.is_running, "gunicorn starts")
        found = re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", process.output)
        assert found is not None, process.output
        yield Web(int(found[1]))


@pytest.mark.xdist_group("processes")
def test_fifty_times_the_same_over_http_is_one_request_and_fifty_equal_answers(house: House, web: Web) -> None:
    raw = strict_json.dumps(house.body()).encode()
    answers = race(*[partial(web.post, house, raw)] * AT_ONCE)
    assert failures(answers) == []
    assert {status for status, _, _ in answers} == {200}
    assert sorted(replayed or "" for _, replayed, _ in answers) == [""] + ["true"] * (AT_ONCE - 1)
    assert len({body for _, _, body in answers}) == 1
    assert json.loads(answers[0][2])["data"]["requestId"] == str(WorkflowRequest.objects.get().pk)
    assert counts().tasks == counts().goodwill == counts().events == 1

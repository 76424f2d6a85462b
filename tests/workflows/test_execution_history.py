"""What one attempt proves depends on the attempts before it; and when the next one is due."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now

from accounts.actors import Actor
from tests.factories import MembershipFactory, UserFactory
from tests.house import FAKE_CREDENTIAL, House
from tests.workflows.journeys import attempt, events_of, history, outcomes_of, past_the_guards, reread
from tests.workflows.raw_servers import RawServer, answering, raw_server
from tests.workflows.sandbox_client import Client
from wire import secrets
from wire.secrets import Secret
from workflows import execution, policies, services
from workflows.bindings import target_binding
from workflows.errors import AlreadyDecided
from workflows.intouch.outcomes import Outcome
from workflows.models import AdminTask, CallOutcome, IntouchCall, WorkflowRequest
from workflows.states import State

CREDITED, REFUSED, NOT_SENT, UNKNOWN = (
    CallOutcome.CREDITED, CallOutcome.REFUSED, CallOutcome.NOT_SENT, CallOutcome.UNKNOWN,
)  # fmt: skip
KNOWN = Outcome(REFUSED, 400, "Reference number already exists", already_known=True)


@pytest.fixture
def request_(house: House, settings: Any) -> WorkflowRequest:
    settings.INTOUCH_BREAKER_FAILURES = 1000
    return house.approve(house.submit())


def goes(request: WorkflowRequest, *outcomes: Outcome) -> WorkflowRequest:
    """The attempts of a request, each with the outcome given, as if Intouch had answered so."""
    for outcome in outcomes:
        WorkflowRequest.objects.filter(pk=request.pk).update(due_at=Now(), lease_expires_at=None)
        claim = execution.claim_due(request.pk)
        assert claim is not None
        assert execution.record(claim, outcome)
    return reread(request)


def seconds_until_due(request: WorkflowRequest) -> float:
    row = WorkflowRequest.objects.annotate(left=F("due_at") - Now()).get(pk=request.pk)
    return float(row.left.total_seconds())


def test_a_known_reference_at_the_first_attempt_is_somebody_else_s(request_: WorkflowRequest) -> None:
    row = goes(request_, KNOWN)
    assert (row.state, row.last_error, history(row)) == (State.FAILED, KNOWN.error, "FAILURE")


def test_a_known_reference_after_attempts_that_were_never_sent_is_somebody_else_s(request_: WorkflowRequest) -> None:
    assert (
        goes(request_, Outcome(NOT_SENT, error="refused"), Outcome(NOT_SENT, 429, "busy"), KNOWN).state == State.FAILED
    )


def test_a_known_reference_after_an_unknown_outcome_is_ours(request_: WorkflowRequest) -> None:
    row = goes(request_, Outcome(UNKNOWN, error="reset"), KNOWN)
    assert (row.state, row.last_error, history(row)) == (State.CREDITED, "", "APPROVED")
    assert outcomes_of(row) == [UNKNOWN, CREDITED]
    assert events_of(row)[-1].action == "call.credited"


AFTERWARDS = [
    Outcome(REFUSED, 400, "Invalid customer"), Outcome(REFUSED, 404, "HTTP 404"), Outcome(REFUSED, 200, "it failed"),
    Outcome(NOT_SENT, error="not sent: NewConnectionError"), Outcome(NOT_SENT, 429, "HTTP 429"),
    Outcome(UNKNOWN, 503, "HTTP 503"),
]  # fmt: skip


@pytest.mark.parametrize("later", AFTERWARDS, ids=lambda outcome: outcome.error)
def test_after_an_unknown_outcome_nothing_that_comes_later_makes_it_failed(
    request_: WorkflowRequest, later: Outcome
) -> None:
    row = goes(request_, Outcome(UNKNOWN, error="reset"), *[later] * 5)
    assert (row.state, row.last_error, history(row)) == (State.UNKNOWN, later.error, "PENDING")
    assert row.secret is not None
    assert row.due_at is not None
    assert goes(row, KNOWN).state == State.CREDITED


@pytest.mark.parametrize("last", AFTERWARDS[3:], ids=lambda outcome: outcome.error)
def test_when_the_tries_are_used_up_an_unknown_outcome_stays_one_and_waits_for_a_person(
    request_: WorkflowRequest, settings: Any, last: Outcome
) -> None:
    settings.INTOUCH_MAX_TRIES = 3
    row = goes(request_, Outcome(UNKNOWN, error="reset"), Outcome(UNKNOWN, error="reset"), last)
    assert (row.state, row.due_at, row.lease_expires_at, row.ended_at) == (State.UNKNOWN, None, None, None)
    assert history(row) == "PENDING"
    assert execution.due_ids(10) == []
    assert execution.execute(row.pk) is False


def test_when_the_tries_are_used_up_and_nothing_was_ever_sent_it_has_failed(
    request_: WorkflowRequest, settings: Any
) -> None:
    settings.INTOUCH_MAX_TRIES = 3
    row = goes(request_, *[Outcome(NOT_SENT, error="not sent: NewConnectionError")] * 2)
    assert (row.state, row.due_at is None) == (State.EXECUTING, False)
    row = goes(row, Outcome(NOT_SENT, error="not sent: NewConnectionError"))
    assert (row.state, row.secret, row.due_at) == (State.FAILED, None, None)
    assert (row.last_error, history(row)) == ("not sent: NewConnectionError", "FAILURE")


def test_an_unknown_outcome_at_the_last_try_is_unknown(request_: WorkflowRequest, settings: Any) -> None:
    settings.INTOUCH_MAX_TRIES = 1
    row = goes(request_, Outcome(UNKNOWN, error="reset"))
    assert (row.state, row.due_at) == (State.UNKNOWN, None)


AWAY = Outcome(NOT_SENT, error="not sent: NewConnectionError", is_outage=True)
BUSY = Outcome(NOT_SENT, 429, "HTTP 429")
BROKEN = Outcome(UNKNOWN, 503, "HTTP 503", is_outage=True)
HOUR = timedelta(hours=1)


def _operator_of(house: House) -> Actor:
    olga = UserFactory()
    MembershipFactory(user=olga, organisation=house.organisation, is_operator=True)
    return house.actor(olga)


def goes_back(request: WorkflowRequest, by: timedelta) -> None:
    """Everything that has happened to the request happened so much earlier."""
    with past_the_guards():
        WorkflowRequest.objects.filter(pk=request.pk).update(
            created_at=F("created_at") - by, updated_at=F("updated_at") - by
        )
        AdminTask.objects.filter(request=request).update(opened_at=F("opened_at") - by, decided_at=F("decided_at") - by)
        IntouchCall.objects.filter(request=request).update(
            started_at=F("started_at") - by, finished_at=F("finished_at") - by
        )


@pytest.mark.parametrize(
    ("outage", "state"), [(AWAY, State.EXECUTING), (BROKEN, State.UNKNOWN)], ids=["away", "broken"]
)
def test_an_outage_spends_no_try(request_: WorkflowRequest, settings: Any, outage: Outcome, state: State) -> None:
    settings.INTOUCH_MAX_TRIES = 3
    row = goes(request_, *[outage] * 30)
    assert (row.state, row.due_at is None) == (state, False)
    row = goes(row, Outcome(CREDITED, 201))
    assert row.state == State.CREDITED


@pytest.mark.parametrize(
    ("outage", "state"), [(AWAY, State.FAILED), (BUSY, State.FAILED), (BROKEN, State.UNKNOWN)],
    ids=["away", "busy", "broken"],
)  # fmt: skip
def test_an_outage_of_a_day_is_the_longest(
    request_: WorkflowRequest, settings: Any, outage: Outcome, state: State
) -> None:
    settings.INTOUCH_MAX_AGE_HOURS, settings.INTOUCH_MAX_TRIES = 24, 1000
    row = goes(request_, outage)
    for _ in range(23):
        goes_back(row, HOUR)
        row = goes(row, outage)
        assert row.due_at is not None
    goes_back(row, HOUR)
    row = goes(row, outage)
    assert (row.state, row.due_at) == (state, None)


def test_time_in_which_nothing_was_tried_is_no_age(request_: WorkflowRequest, settings: Any) -> None:
    settings.INTOUCH_MAX_AGE_HOURS = 24
    goes_back(request_, 25 * HOUR)
    row = goes(request_, BUSY)
    assert row.state == State.EXECUTING
    goes_back(row, 25 * HOUR)
    assert goes(row, BUSY).state == State.EXECUTING


def test_each_approval_has_its_own_tries(house: House, request_: WorkflowRequest, settings: Any) -> None:
    settings.INTOUCH_MAX_TRIES = 2
    house.target.credential = secrets.encrypt(Secret(FAKE_CREDENTIAL), target_binding(house.target.pk))
    house.target.save()
    assert goes(request_, BUSY, BUSY).state == State.FAILED
    services.ask_for_retry(actor=_operator_of(house), request_id=request_.pk, message="Intouch was busy")
    house.approve(request_)
    row = goes(request_, BUSY)
    assert (row.state, row.due_at is None) == (State.EXECUTING, False)
    assert goes(row, BUSY).state == State.FAILED


def test_a_reference_that_was_somebody_else_s_never_becomes_ours(request_: WorkflowRequest, house: House) -> None:
    row = goes(request_, KNOWN)
    assert isinstance(policies.why_not_retry(_operator_of(house), row), AlreadyDecided)
    with past_the_guards():
        WorkflowRequest.objects.filter(pk=row.pk).update(state=State.UNKNOWN, ended_at=None)
    assert goes(row, BROKEN, KNOWN).state == State.UNKNOWN


def test_the_wait_grows_with_each_try_up_to_the_longest(request_: WorkflowRequest, settings: Any) -> None:
    settings.INTOUCH_BACKOFF_SECONDS, settings.INTOUCH_BACKOFF_MOST_SECONDS = 100.0, 700.0
    settings.INTOUCH_MAX_TRIES = 100
    for ceiling in (100, 200, 400, 700, 700, 700):
        row = goes(request_, Outcome(NOT_SENT, error="away"))
        assert -1 <= seconds_until_due(row) <= ceiling


def test_the_waits_of_many_requests_are_spread(house: House, settings: Any) -> None:
    settings.INTOUCH_BACKOFF_SECONDS = settings.INTOUCH_BACKOFF_MOST_SECONDS = 1000.0
    settings.INTOUCH_BREAKER_FAILURES = 1000
    waits = [seconds_until_due(goes(house.approve(house.submit()), Outcome(NOT_SENT, error="away"))) for _ in range(12)]
    assert max(waits) - min(waits) > 50


@pytest.mark.parametrize("kind", [NOT_SENT, UNKNOWN])
def test_a_wait_that_intouch_asks_for_is_kept(request_: WorkflowRequest, settings: Any, kind: CallOutcome) -> None:
    settings.INTOUCH_BACKOFF_SECONDS = settings.INTOUCH_BACKOFF_MOST_SECONDS = 1.0
    row = goes(request_, Outcome(kind, 429, "busy", retry_after=500.0))
    assert 490 < seconds_until_due(row) <= 500


@pytest.mark.parametrize(
    ("said", "least", "most"), [("7", 0, 7), ("99999999", 3500, 3600), ("0", 0, 7), ("soon", 0, 7)]
)
def test_the_header_is_obeyed_within_bounds(
    calling_house: House, intouch: Client, settings: Any, said: str, least: float, most: float
) -> None:
    settings.INTOUCH_BACKOFF_SECONDS = settings.INTOUCH_BACKOFF_MOST_SECONDS = 6.0
    intouch.order("429", retryAfter=said)
    row = attempt(calling_house.approve(calling_house.submit()))
    assert (row.state, outcomes_of(row)) == (State.EXECUTING, [NOT_SENT])
    assert least - 1 < seconds_until_due(row) <= most
    assert execution.due_ids(10) == [] or said in ("0", "soon")


def test_a_connection_refused_after_an_unknown_outcome_leaves_it_unknown(calling_house: House, intouch: Client) -> None:
    intouch.order("drop-after-credit")
    row = attempt(calling_house.approve(calling_house.submit()))
    away = calling_house.target
    away.base_url, back = "http://127.0.0.1:9", away.base_url
    away.save()
    row = attempt(row)
    assert (row.state, outcomes_of(row)) == (State.UNKNOWN, [UNKNOWN, NOT_SENT])
    away.base_url = back
    away.save()
    row = attempt(row)
    assert (row.state, intouch.credits()) == (State.CREDITED, 1)


def test_a_connection_refused_at_first_is_tried_again(calling_house: House, intouch: Client) -> None:
    away = calling_house.target
    away.base_url, back = "http://127.0.0.1:9", away.base_url
    away.save()
    row = attempt(calling_house.approve(calling_house.submit()))
    assert (row.state, row.last_error) == (State.EXECUTING, "not sent: NewConnectionError")
    away.base_url = back
    away.save()
    assert attempt(row).state == State.CREDITED


def refusing(message: str) -> Any:
    body = b'{"errors": [{"message": "%s"}]}' % message.encode()
    return answering(b"HTTP/1.1 400 Bad\r\ncontent-length: %d\r\n\r\n" % len(body) + body)


def calls(house: House, server: RawServer) -> None:
    house.target.base_url = server.url
    house.target.save()


def test_a_complaint_that_quotes_the_maker_does_not_pass_for_a_known_reference(
    calling_house: House, intouch: Client
) -> None:
    """A maker chooses the reason; an error that echoes it must not turn an unknown outcome into a credit."""
    reason = "the reference already exists"
    intouch.order("drop-before-credit")
    row = attempt(calling_house.approve(calling_house.submit(reason=reason)))
    with raw_server(refusing(f"the reason '{reason}' is not in the catalogue")) as server:
        calls(calling_house, server)
        row = attempt(row)
    assert (row.state, intouch.credits()) == (State.UNKNOWN, 0)


def test_a_request_keeps_the_decisive_answer(calling_house: House, intouch: Client) -> None:
    intouch.order("500-after-credit")
    row = attempt(calling_house.approve(calling_house.submit()))
    assert row.answer is not None
    assert row.answer["status"] == 500
    row = attempt(row)
    assert row.answer is not None
    assert row.answer["body"]["errors"][0]["message"] == "Reference number already exists"

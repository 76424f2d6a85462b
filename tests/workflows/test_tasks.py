"""The messages: an id and nothing else, harmless when lost, doubled or odd."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import redis
from celery import current_app
from django.db import DataError

from tests.concurrency.racing import race
from tests.factories import set_terms
from tests.house import House
from tests.workflows.journeys import attempt, point_to, reread
from tests.workflows.sandbox_client import Client
from wire.messages import Statement
from workflows import queue, services, tasks
from workflows.models import Decision, Pause, WorkflowRequest
from workflows.states import State


@pytest.fixture
def broker() -> Iterator[Any]:
    """This process's own database of the broker, empty."""
    client = redis.Redis.from_url(os.environ["CELERY_BROKER_URL"])
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


def messages(broker: Any) -> list[dict[str, Any]]:
    return [json.loads(raw) for raw in broker.lrange("celery", 0, -1)]


def named(broker: Any) -> list[str]:
    """The ids in the queue, the oldest first."""
    import base64

    return [json.loads(base64.b64decode(message["body"]))[0][0] for message in reversed(messages(broker))]


@pytest.fixture
def house(committed_house: House, intouch: Client, settings: Any) -> House:
    settings.INTOUCH_ALLOW_LOOPBACK = True
    return point_to(committed_house, intouch)


def test_an_approval_sends_one_message_that_holds_the_id_and_no_content(house: House, broker: Any) -> None:
    request = house.approve(house.submit())
    (message,) = messages(broker)
    assert named(broker) == [str(request.pk)]
    assert message["headers"]["task"] == "workflows.execute"
    text = json.dumps(message) + json.dumps([named(broker)])
    for secret in ("ZmFrZTpmYWtl", request.reference_id, str(request.customer_id)):
        assert secret not in text


def test_a_rejection_a_withdrawal_and_a_submission_send_none(house: House, broker: Any) -> None:
    services.decide(
        actor=house.actor(house.checker), request_id=house.submit().pk, decision=Decision.REJECTED, message="no"
    )
    services.withdraw(actor=house.actor(house.maker), request_id=house.submit().pk)
    assert messages(broker) == []


def test_an_automatic_approval_sends_one(house: House, broker: Any) -> None:
    set_terms(house.policy, auto_approval="all")
    request = house.submit()
    assert named(broker) == [str(request.pk)]


def test_nothing_leaves_before_the_commit(house: House, broker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    request = house.submit()
    seen: list[Any] = []
    send = queue._publish

    def look_from_elsewhere(*arguments: Any, **options: Any) -> Any:
        """What another connection sees of the request at the moment at which the message leaves."""
        seen.extend(race(lambda: reread(request).state))
        return send(*arguments, **options)

    monkeypatch.setattr(queue, "_publish", look_from_elsewhere)
    house.approve(request)
    assert (seen, len(messages(broker))) == ([State.EXECUTING], 1)


def test_what_is_not_committed_sends_nothing(house: House, broker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint is ordered, and then the message that writes the decision fails."""
    request = house.submit()

    def fail(*_: Any, **__: Any) -> list[Statement[None]]:
        services.announce(request.pk)
        return [Statement("SELECT 1 / 0", [])]

    monkeypatch.setattr(services.audit, "said", fail)
    with pytest.raises(DataError, match="division by zero"):
        house.approve(request)
    assert (reread(request).state, messages(broker)) == (State.WAITING, [])


def test_the_task_makes_one_attempt(house: House, intouch: Client) -> None:
    request = house.approve(house.submit())
    for _ in range(3):
        tasks.execute(str(request.pk))
    assert (reread(request).state, intouch.ledger()["calls"]) == (State.CREDITED, 1)


@pytest.mark.parametrize("message", ["", "x", "1", "0198" * 9, None, 7, ["a"], {"id": 1}, "\x00", "é" * 100])
def test_a_message_that_names_no_request_is_dropped(house: House, message: Any) -> None:
    tasks.execute(message)
    assert WorkflowRequest.objects.count() == 0


def test_a_message_for_a_request_that_does_not_exist_is_dropped(house: House) -> None:
    tasks.execute(str(uuid4()))


def test_the_sweep_sends_again_what_is_due_the_oldest_first(house: House, broker: Any) -> None:
    first, second = house.approve(house.submit()), house.approve(house.submit())
    house.submit()
    broker.flushdb()
    assert tasks.sweep() == 2
    assert named(broker) == [str(first.pk), str(second.pk)]


def test_the_sweep_leaves_out_what_is_not_due_leased_ended_or_paused(
    house: House, broker: Any, intouch: Client
) -> None:
    from workflows import execution

    attempt(house.approve(house.submit()))
    intouch.order("429", retryAfter=1000)
    attempt(house.approve(house.submit()))
    assert execution.claim_due(house.approve(house.submit()).pk) is not None
    broker.flushdb()
    assert tasks.sweep() == 0
    waiting = house.approve(house.submit())
    Pause.objects.create(organisation=house.organisation, reason="r", paused_by=house.auditor)
    broker.flushdb()
    assert tasks.sweep() == 0
    Pause.objects.all().delete()
    assert tasks.sweep() == 1
    assert named(broker) == [str(waiting.pk)]


def test_the_sweep_sends_no_second_hint_for_what_the_queue_names_already(house: House, broker: Any) -> None:
    hinted, forgotten = house.approve(house.submit()), house.approve(house.submit())
    broker.ltrim("celery", -1, -1)
    assert named(broker) == [str(hinted.pk)]
    assert [tasks.sweep(), tasks.sweep()] == [1, 0]
    assert named(broker) == [str(hinted.pk), str(forgotten.pk)]


def test_what_a_worker_took_and_never_began_is_sent_again(house: House, broker: Any) -> None:
    request = house.approve(house.submit())
    assert broker.rpop("celery") is not None
    assert tasks.sweep() == 1
    assert named(broker) == [str(request.pk)]


@pytest.mark.parametrize(
    "rubbish", [b"", b"\xff", b"null", b"[]", b"{}", b'{"body": 7}', b'{"body": "W10="}', b'{"body": "bnVsbA=="}']
)
def test_rubbish_in_the_queue_hides_nothing_from_the_sweep(house: House, broker: Any, rubbish: bytes) -> None:
    house.approve(house.submit())
    broker.delete("celery")
    broker.lpush("celery", rubbish)
    assert queue.waiting_hints(10) == (1, set())
    assert tasks.sweep() == 1


def test_the_sweep_adds_nothing_to_a_full_queue(house: House, broker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = [house.approve(house.submit()) for _ in range(4)]
    broker.ltrim("celery", -2, -1)
    monkeypatch.setattr(tasks, "SWEEP_BATCH", 3)
    assert queue.waiting_hints(3) == (2, {request.pk for request in requests[:2]})
    assert [tasks.sweep(), tasks.sweep()] == [1, 0]
    assert named(broker) == [str(request.pk) for request in requests[:3]]


def test_a_broker_that_refuses_costs_the_hint_and_nothing_else(house: House, broker: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(queue, "_rest", queue._BrokerRest())
    monkeypatch.setattr(current_app.conf, "broker_url", "redis://127.0.0.1:9/0")
    request = house.submit()
    refused: list[str] = []

    def refuse(*_: Any, **__: Any) -> None:
        refused.append("asked")
        raise ConnectionRefusedError

    monkeypatch.setattr(queue, "_publish", refuse)
    assert house.approve(request).state == State.EXECUTING
    assert queue.publish([request.pk] * 5) == 0
    assert refused == ["asked"], "after a failure the broker is left alone for a while"
    monkeypatch.undo()
    assert tasks.sweep() == 1

"""How long an approval over the API waits for its outcome."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from tests.api.gateway import SUBMIT, Gateway, decision_body, gateway_of
from tests.house import House
from tests.workflows.sandbox_client import running
from workflows import execution
from workflows.models import IntouchTarget


def test_respond_async_answers_before_the_outcome(checker: Gateway, settings: Any) -> None:
    settings.DECISION_WAIT_SECONDS = 10  # the test's own time-out would tell if it were waited for

    answer = checker.having(Prefer="respond-async").decide(checker.house.submit().pk)

    assert answer.data["state"] == "IntouchAPITask"
    assert "IntouchAPITask_Output" not in answer.data["details"]


@pytest.mark.parametrize(
    "preference", ["wait=0", "wait=00", "Wait=0, handling=strict", "handling=strict, RESPOND-ASYNC"]
)
def test_a_preference_is_read_in_any_company(checker: Gateway, settings: Any, preference: str) -> None:
    settings.DECISION_WAIT_SECONDS = 10

    assert checker.having(Prefer=preference).decide(checker.house.submit().pk).data["state"] == "IntouchAPITask"


@pytest.mark.parametrize("preference", ["wait=x", "wait=-1", "wait=", "wait=٣", "wait", "nonsense", ";;,="])
def test_a_preference_that_makes_no_sense_is_passed_over(checker: Gateway, preference: str) -> None:
    answer = checker.having(Prefer=None).call(
        "PUT", SUBMIT, decision_body(checker.house.submit().pk),
        environ={"HTTP_PREFER": preference.encode().decode("latin-1")},
    )  # fmt: skip

    assert answer.status == 200


def _carry_out(request_id: Any, found: list[bool]) -> None:
    """What a worker does, once the approval is committed."""
    try:
        while not execution.execute(request_id):
            threading.Event().wait(0.01)
        found.append(True)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_an_approval_waits_for_the_outcome_and_shows_intouchs_answer(committed_house: House, settings: Any) -> None:
    settings.DECISION_WAIT_SECONDS = 0
    checker = gateway_of(committed_house, committed_house.checker)
    request = committed_house.submit()
    done: list[bool] = []
    with running() as sandbox:
        _serve_from(committed_house.target, sandbox.server.server_port)
        worker = threading.Thread(target=_carry_out, args=(request.pk, done))
        worker.start()
        answer = checker.having(Prefer="wait=10").decide(request.pk)
        worker.join()

    assert done == [True]
    assert answer.data["state"] == "approved"
    output = answer.data["details"]["IntouchAPITask_Output"]
    assert (output["status"], output["body"]) == (201, {"createdId": 1, "warnings": []})
    assert all(isinstance(values, list) for values in output["headers"].values())
    row = checker.history().data[0]
    assert (row["goodwillStatus"], row["approvedValue"], row["updatedComments"]) == ("APPROVED", "20", "fine")


def _serve_from(target: IntouchTarget, port: int) -> None:
    IntouchTarget.objects.filter(pk=target.pk).update(base_url=f"http://127.0.0.1:{port}")

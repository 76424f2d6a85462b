"""The flow: a decision from outside, a claim at once, and the outcome from outside again."""

from __future__ import annotations

from typing import Any

import writes
from django.db import connection
from viewflow import this
from viewflow.workflow import flow, lock


class LifeFlow(flow.Flow):
    lock_impl = lock.select_for_update_lock

    start = flow.StartHandle(this.begin).Next(this.decide)
    decide = flow.Handle(this.decided).Next(this.claim)
    claim = flow.Function(this.claimed).Next(this.outcome)
    outcome = flow.Handle(this.recorded).Next(this.end)
    end = flow.End()

    def begin(self, activation: Any, request: int) -> Any:
        activation.process.data = {"request": request}
        return activation.process

    def decided(self, activation: Any) -> None:
        writes.decide(connection.connection, activation.process.data["request"])

    def claimed(self, activation: Any) -> None:
        writes.claim(connection.connection, activation.process.data["request"])

    def recorded(self, activation: Any, answer: dict[str, Any]) -> None:
        writes.record(connection.connection, activation.process.data["request"], answer)

"""A life by the ORM as a tutorial has it: rows are fetched under a lock, changed and saved. No rule, no guard.

Over the tables of `bench.engine`. It sends about as many statements as the service does, so that a busy machine makes
both dearer alike; that is what the short run compares with.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import models, transaction
from django.utils import timezone


class Request(models.Model):
    maker = models.BigIntegerField()
    state = models.TextField()
    payload = models.TextField()
    tries = models.IntegerField(default=0)
    lease = models.DateTimeField(null=True)
    result = models.TextField(null=True)  # noqa: DJ001
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        managed, app_label, db_table = False, "bench", "bench_request"


class Task(models.Model):
    request = models.BigIntegerField()
    decision = models.TextField(null=True)  # noqa: DJ001
    checker = models.BigIntegerField(null=True)
    message = models.TextField(null=True)  # noqa: DJ001
    decided_at = models.DateTimeField(null=True)

    class Meta:
        managed, app_label, db_table = False, "bench", "bench_task"


class History(models.Model):
    request = models.BigIntegerField(primary_key=True)
    status = models.TextField()

    class Meta:
        managed, app_label, db_table = False, "bench", "bench_history"


class Call(models.Model):
    request = models.BigIntegerField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    outcome = models.TextField(null=True)  # noqa: DJ001

    class Meta:
        managed, app_label, db_table = False, "bench", "bench_call"


class Event(models.Model):
    request = models.BigIntegerField()
    action = models.TextField()
    at = models.DateTimeField(auto_now_add=True)
    details = models.JSONField(default=dict)

    class Meta:
        managed, app_label, db_table = False, "bench", "bench_event"


def decide(request_id: int) -> None:
    with transaction.atomic():
        request = Request.objects.select_for_update().get(pk=request_id)
        task = Task.objects.select_for_update().get(request=request_id)
        assert (request.state, task.decision) == ("waiting", None)
        task.decision, task.checker, task.decided_at = "approved", 2, timezone.now()
        task.save()
        _to_state(request, "executing", "task.approved", "PENDING")


def claim(request_id: int) -> Call:
    with transaction.atomic():
        request = Request.objects.select_for_update().get(pk=request_id)
        request.tries, request.lease = request.tries + 1, timezone.now() + timedelta(seconds=60)
        request.save()
        return Call.objects.create(request=request_id, started_at=timezone.now())


def record(call: Call, answer: Any) -> None:
    with transaction.atomic():
        request = Request.objects.select_for_update().get(pk=call.request)
        call.outcome, call.finished_at = "credited", timezone.now()
        call.save()
        request.result, request.lease = str(answer), None
        _to_state(request, "credited", "call.credited", "APPROVED")


def _to_state(request: Request, state: str, action: str, status: str) -> None:
    request.state = state
    request.save()
    history = History.objects.get(request=request.pk)
    history.status = status
    history.save()
    Event.objects.create(request=request.pk, action=action)

"""The task: claim, call, record."""

from __future__ import annotations

from typing import Any

import requests
from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from bench.stock.models import Call, Event, History, PointsRequest


@shared_task
def execute(request_id: str) -> None:
    with transaction.atomic():
        found = PointsRequest.objects.select_for_update().get(pk=request_id)
        if found.state != "executing":
            return
        call = Call.objects.create(request=found)
    task: dict[str, Any] = found.payload["task"]
    answer = requests.post(settings.STUB_URL + task["path"], json=task["body"], headers=task["headers"], timeout=10)
    with transaction.atomic():
        found = PointsRequest.objects.select_for_update().get(pk=request_id)
        call.outcome = "credited" if answer.status_code == 201 else "refused"
        call.finished_at = timezone.now()
        call.save()
        found.state = "credited" if answer.status_code == 201 else "failed"
        found.result = answer.json()
        found.save()
        history = History.objects.get(request=found)
        history.status = "APPROVED"
        history.save()
        Event.objects.create(request=found, action=f"call.{call.outcome}")

"""The rows that a life leaves behind."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import models


class Program(models.Model):
    number = models.BigIntegerField(unique=True)
    name = models.CharField(max_length=100)


class PointsRequest(models.Model):
    id = models.UUIDField(primary_key=True)
    reference_id = models.CharField(max_length=255, unique=True)
    maker = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=20, default="waiting", db_index=True)
    customer_id = models.BigIntegerField(db_index=True)
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    points = models.DecimalField(max_digits=20, decimal_places=6)
    reason = models.CharField(max_length=1000)
    payload = models.JSONField()
    result = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)


class Task(models.Model):
    request = models.ForeignKey(PointsRequest, on_delete=models.PROTECT, related_name="tasks")
    decision = models.CharField(max_length=10, null=True)  # noqa: DJ001
    checker = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    message = models.CharField(max_length=1000, blank=True)
    decided_at = models.DateTimeField(null=True)


class History(models.Model):
    request = models.OneToOneField(PointsRequest, on_delete=models.PROTECT, related_name="history")
    status = models.CharField(max_length=10, default="PENDING")
    updated_comments = models.CharField(max_length=3000, blank=True)
    updated_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")


class Call(models.Model):
    request = models.ForeignKey(PointsRequest, on_delete=models.PROTECT, related_name="calls")
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, null=True)  # noqa: DJ001


class Event(models.Model):
    request = models.ForeignKey(PointsRequest, on_delete=models.PROTECT, related_name="events")
    action = models.CharField(max_length=60)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    details = models.JSONField(default=dict)

"""Submit and decide, by nested serializers."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bench.stock.models import Event, History, PointsRequest, Program, Task
from bench.stock.tasks import execute


class BodySerializer(serializers.Serializer[Any]):
    referenceId = serializers.CharField(max_length=255)  # noqa: N815
    reason = serializers.CharField(max_length=1000)
    baseType = serializers.ChoiceField(["POINTS"])  # noqa: N815
    programId = serializers.SlugRelatedField(slug_field="number", queryset=Program.objects.all())  # noqa: N815
    awardingTillId = serializers.IntegerField(min_value=1)  # noqa: N815
    earningEntityType = serializers.ChoiceField(["CUSTOMER"])  # noqa: N815
    earningEntityId = serializers.IntegerField(min_value=1)  # noqa: N815
    points = serializers.DecimalField(max_digits=20, decimal_places=6, min_value=0)
    source = serializers.CharField(max_length=64)


class TaskPayloadSerializer(serializers.Serializer[Any]):
    hostname = serializers.URLField()
    path = serializers.CharField()
    method = serializers.CharField()
    headers = serializers.DictField()
    body = BodySerializer()


class PayloadSerializer(serializers.Serializer[Any]):
    task = TaskPayloadSerializer()


class EntitySerializer(serializers.Serializer[Any]):
    tillId = serializers.CharField(max_length=64)  # noqa: N815
    storeId = serializers.CharField(max_length=64)  # noqa: N815
    zoneId = serializers.CharField(max_length=64)  # noqa: N815
    conceptId = serializers.CharField(max_length=64)  # noqa: N815


class SubmitSerializer(serializers.Serializer[Any]):
    entityInfo = EntitySerializer()  # noqa: N815
    payload = PayloadSerializer()


class RequestSerializer(serializers.ModelSerializer[PointsRequest]):
    class Meta:
        model = PointsRequest
        fields = "__all__"


class DecisionSerializer(serializers.Serializer[Any]):
    decision = serializers.ChoiceField(["approved", "rejected"])
    message = serializers.CharField(max_length=1000)


class SubmitView(APIView):
    def post(self, request: Request) -> Response:
        given = SubmitSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        body = given.validated_data["payload"]["task"]["body"]
        user: Any = request.user
        with transaction.atomic():
            made = PointsRequest.objects.create(
                id=uuid4(), reference_id=body["referenceId"], maker=user, customer_id=body["earningEntityId"],
                program=body["programId"], points=body["points"], reason=body["reason"],
                payload=request.data["payload"],
            )  # fmt: skip
            Task.objects.create(request=made)
            History.objects.create(request=made, updated_by=user)
            Event.objects.create(request=made, action="request.submitted", actor=user)
        return Response(RequestSerializer(made).data, status=status.HTTP_201_CREATED)


class DecideView(APIView):
    def put(self, request: Request, request_id: str) -> Response:
        given = DecisionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        decision, message = given.validated_data["decision"], given.validated_data["message"]
        user: Any = request.user
        with transaction.atomic():
            found = PointsRequest.objects.select_for_update().get(pk=request_id)
            if found.maker_id == user.pk or not user.groups.filter(name="checkers").exists():
                raise PermissionDenied
            task = Task.objects.select_for_update().get(request=found)
            if found.state != "waiting" or task.decision is not None:
                raise ValidationError("already decided")
            task.decision, task.message, task.checker, task.decided_at = decision, message, user, timezone.now()
            task.save()
            found.state = "executing" if decision == "approved" else "rejected"
            found.save()
            history = History.objects.get(request=found)
            history.updated_by, history.updated_comments = user, message
            history.save()
            Event.objects.create(request=found, action=f"task.{decision}", actor=user, details={"message": message})
            if decision == "approved":
                transaction.on_commit(partial(execute.delay, str(found.pk)))
        return Response(RequestSerializer(found).data)

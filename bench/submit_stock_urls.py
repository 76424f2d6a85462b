"""The stock service that a submission is compared with: what a good Django developer writes on the first day.

Nested serializers, a token looked up by the ORM, permissions asked of the ORM, four rows made by `objects.create`. It
checks less than the service: no scopes, limits or people, no replay, no strict JSON, and the credential stays clear.
"""

# ruff: noqa: N815 - the fields are named as on the wire
from __future__ import annotations

import hashlib
import json
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.urls import include, path
from django.utils import timezone
from rest_framework import authentication, exceptions, permissions, serializers, views
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from accounts.models import Membership, ServiceAccountSecret
from goodwill.models import GoodwillRequest, GoodwillStatus, Program
from workflows.models import AdminTask, AuditEvent, IntouchTarget, WorkflowPolicy, WorkflowRequest
from workflows.states import State


class Token(authentication.BaseAuthentication):
    def authenticate(self, request: Any) -> Any:
        digest = hashlib.sha256(request.headers.get("X-Token", "").encode()).hexdigest()
        found = ServiceAccountSecret.objects.select_related("user").filter(digest=digest, revoked_at=None).first()
        if found is None:
            raise exceptions.AuthenticationFailed
        return found.user, found


class IsMaker(permissions.BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        return Membership.objects.filter(
            user=request.user, organisation_id=request.headers["X-CAP-API-AUTH-ORG-ID"], is_maker=True
        ).exists()


class Entity(serializers.Serializer[Any]):
    tillId = serializers.CharField(max_length=64)
    storeId = serializers.CharField(max_length=64)
    zoneId = serializers.CharField(max_length=64)
    conceptId = serializers.CharField(max_length=64)


class Body(serializers.Serializer[Any]):
    referenceId = serializers.CharField(max_length=255)
    reason = serializers.CharField(max_length=1000)
    baseType = serializers.ChoiceField(["POINTS"])
    programId = serializers.IntegerField(min_value=1)
    awardingTillId = serializers.IntegerField(min_value=1)
    earningEntityType = serializers.ChoiceField(["CUSTOMER"])
    earningEntityId = serializers.IntegerField(min_value=1)
    points = serializers.DecimalField(max_digits=20, decimal_places=6, min_value=0)
    source = serializers.CharField(max_length=64)
    comments = serializers.CharField(max_length=1000, required=False)


class Task(serializers.Serializer[Any]):
    hostname = serializers.CharField()
    path = serializers.ChoiceField(["/internal/goodwill/"])
    method = serializers.ChoiceField(["POST"])
    pathParams = serializers.DictField()
    queryParams = serializers.DictField()
    headers = serializers.DictField(child=serializers.CharField())
    body = Body()


class Payload(serializers.Serializer[Any]):
    def get_fields(self) -> Any:
        return {"IntouchAPITask-Payload": Task()}


class Submission(serializers.Serializer[Any]):
    entityInfo = Entity()
    payload = Payload()


class Submit(views.APIView):
    authentication_classes = (Token,)
    permission_classes = (IsMaker,)
    parser_classes = (JSONParser,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = DefaultContentNegotiation

    @transaction.atomic
    def post(self, request: Any) -> Response:
        given = Submission(data=request.data)
        given.is_valid(raise_exception=True)
        organisation_id = int(request.headers["X-CAP-API-AUTH-ORG-ID"])
        made = self.make(request.user, organisation_id, given.validated_data)
        return Response({"data": {"requestId": str(made.pk), "state": made.state, "startTime": made.created_at}})

    def make(self, user: Any, organisation_id: int, given: Any) -> WorkflowRequest:
        entity, task = given["entityInfo"], given["payload"]["IntouchAPITask-Payload"]
        body, now = task["body"], timezone.now()
        program = Program.objects.get(organisation_id=organisation_id, program_id=body["programId"])
        target = IntouchTarget.objects.get(organisation_id=organisation_id, origin=task["hostname"])
        policy = WorkflowPolicy.objects.get(organisation_id=organisation_id, request_type="GOODWILL-POINTS")
        if WorkflowRequest.objects.filter(
            organisation_id=organisation_id, request_type="GOODWILL-POINTS", reference_id=body["referenceId"]
        ).exists():
            raise exceptions.ValidationError({"referenceId": "exists"})
        made = WorkflowRequest.objects.create(
            organisation_id=organisation_id, request_type="GOODWILL-POINTS", reference_id=body["referenceId"],
            maker=user, maker_name=user.username, state=State.WAITING, policy_version_id=policy.active_id,
            till_id=entity["tillId"], store_id=entity["storeId"], zone_id=entity["zoneId"],
            concept_id=entity["conceptId"], customer_id=body["earningEntityId"], amount=body["points"],
            reason=body["reason"], payload=json.dumps(task, default=str), digest="", target=target,
            correlation_id=str(uuid4()), created_at=now, updated_at=now,
        )  # fmt: skip
        AdminTask.objects.create(organisation_id=organisation_id, request=made, maker=user, opened_at=now)
        GoodwillRequest.objects.create(
            organisation_id=organisation_id, program=program, workflow_request=made, points=body["points"],
            customer_id=body["earningEntityId"], status=GoodwillStatus.PENDING, reason=body["reason"],
            added_by=user, updated_by=user, added_on=now, updated_on=now,
        )  # fmt: skip
        AuditEvent.objects.create(
            organisation_id=organisation_id, request=made, action="request.submitted", actor=user,
            actor_name=user.username, correlation_id=made.correlation_id, details={},
        )  # fmt: skip
        return made


urlpatterns = [path("submit", Submit.as_view()), path("", include("config.urls"))]

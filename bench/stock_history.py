"""The opponent of E5: the same rows as a tutorial of Django REST framework would show them.

A `ListAPIView` with `ModelSerializer`s and `LimitOffsetPagination`, with the join that keeps it from a query for each
row. Authentication, membership and middleware are this service's own, so that only the reading is compared.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.urls import include, path
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.renderers import JSONRenderer

from accounts.api.authentication import actor_of
from accounts.models import User
from goodwill.models import GoodwillRequest, Program


class UserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ("id", "code", "description", "name", "user_type", "reference_id", "admin_type", "is_active",
                  "is_ou_enabled", "time_zone_id", "currency_id", "language_id", "is_default")  # fmt: skip


class ProgramSerializer(serializers.ModelSerializer):
    class Meta:
        model = Program
        fields = ("program_id", "name", "points_to_currency_ratio", "description", "is_default")


class GoodwillSerializer(serializers.ModelSerializer):
    added_by = UserSerializer()
    updated_by = UserSerializer()
    entered_by = UserSerializer()
    program = ProgramSerializer()

    class Meta:
        model = GoodwillRequest
        fields = ("id", "added_by", "updated_by", "entered_by", "added_on", "updated_on", "customer_id",
                  "request_number", "goodwill_type", "status", "comments", "reason", "points", "updated_comments",
                  "program", "earning_entity_type", "one_step", "workflow_request_id")  # fmt: skip


class Pages(LimitOffsetPagination):
    default_limit = 10


class StockHistory(ListAPIView):
    serializer_class = GoodwillSerializer
    pagination_class = Pages
    renderer_classes: ClassVar[list[Any]] = [JSONRenderer]

    def get_queryset(self) -> Any:
        actor = actor_of(self.request, header_required=False)
        rows = GoodwillRequest.objects.filter(organisation=actor.organisation, customer_id=self.kwargs["customer"])
        related = rows.select_related("program", "added_by", "updated_by", "entered_by")
        return related.order_by("-added_on", "-id")


urlpatterns = [
    path("stock/customers/<int:customer>/goodwillRequest", StockHistory.as_view()),
    path("", include("config.urls")),
]

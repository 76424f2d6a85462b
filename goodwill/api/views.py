"""E5: a customer's goodwill history."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts.api.authentication import actor_of
from goodwill import selectors
from goodwill.api import schema
from goodwill.api.presenters import present
from goodwill.models import GoodwillRequest
from wire.errors import MalformedBody, Problem
from wire.filters import BooleanFilter, IntegerFilter, StrictFilterSet, read_integer
from wire.pages import LimitOffset

NOT_FOUND = Problem(9050, "Goodwill request not found")


class GoodwillFilter(StrictFilterSet):
    """The parameters of E5."""

    also_allowed: ClassVar[frozenset[str]] = LimitOffset.parameters | {"customerId"}

    requestId = IntegerFilter(field_name="request_number", label="The numeric id of a goodwill request.")
    is_one_step_change = BooleanFilter(field_name="one_step", label="Issued at once, without a checker.")
    programId = IntegerFilter(field_name="program__program_id", label="The loyalty program.")
    autoApprove = BooleanFilter(field_name="auto_approved", label="Approved by the policy.")

    class Meta:
        model = GoodwillRequest
        fields: ClassVar[list[str]] = []


class GoodwillHistoryViewSet(ViewSet):
    """A customer's goodwill requests, newest first, the pending ones too."""

    @schema.history
    def list(self, request: Request, customer_id: str | None = None) -> Response:
        actor = actor_of(request, header_required=False)
        history = selectors.history_of(actor, _customer(request, customer_id))
        pages = LimitOffset()
        found = pages.paginate_queryset(GoodwillFilter(request.query_params, queryset=history).strict_qs, request)
        if pages.total == 0:
            body: dict[str, Any] = {
                "pagination": pages.as_json, "data": [], "warnings": [], "errors": [NOT_FOUND.as_json()],
            }  # fmt: skip
            return Response(body, status=404)
        return pages.get_paginated_response([present(row) for row in found])


def _customer(request: Request, in_path: str | None) -> int:
    """The customer of the path, or of the query where the path names none; both must agree."""
    in_query = request.query_params.get("customerId") or None
    text = in_path or in_query
    if text is None:
        raise _wrong_customer("customerId is missing: name the customer in the path or in the query.")
    if in_path and in_query and in_path != in_query:
        raise _wrong_customer("customerId differs from the customer in the path.")
    try:
        return read_integer(text, least=1)
    except ValueError as error:
        raise _wrong_customer(f"customerId {error}.") from None


def _wrong_customer(message: str) -> MalformedBody:
    return MalformedBody(message, reference="customerId")

"""E5: a customer's goodwill history."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts.api.authentication import actor_of
from accounts.replica import reads_from
from goodwill import history
from goodwill.api import schema
from goodwill.api.filters import NOT_FOUND, GoodwillFilter
from goodwill.api.presenters import present_page
from wire.errors import MalformedBody
from wire.filters import POSITIVE, read_integer
from wire.pages import LimitOffset


class GoodwillHistoryViewSet(ViewSet):
    """A customer's goodwill requests, newest first, the pending ones too."""

    @schema.history
    def list(self, request: Request) -> Response:
        return self._page(request, None)

    @schema.history_of_customer
    def of_customer(self, request: Request, customer_id: str) -> Response:
        return self._page(request, customer_id)

    def _page(self, request: Request, customer_id: str | None) -> Response:
        actor = actor_of(request, header_required=False)
        customer = _customer(request, customer_id)
        filters = GoodwillFilter(request.query_params).chosen
        pages = LimitOffset(request)
        page = history.read_page(
            actor.organisation.pk, customer, filters, limit=pages.limit, offset=pages.offset, using=reads_from()
        )
        if page.total == 0:
            body: dict[str, Any] = {
                "pagination": pages.as_json(0), "data": [], "warnings": [], "errors": [NOT_FOUND.as_json()],
            }  # fmt: skip
            return Response(body, status=404)
        return pages.response(page.total, present_page(page))


def _customer(request: Request, in_path: str | None) -> int:
    """The customer of the path, or of the query where the path names none; both must agree."""
    in_query = request.query_params.get("customerId") or None
    text = in_path or in_query
    if text is None:
        raise _wrong_customer("customerId is missing: name the customer in the path or in the query.")
    if in_path and in_query and in_path != in_query:
        raise _wrong_customer("customerId differs from the customer in the path.")
    try:
        return read_integer(text, POSITIVE)
    except ValueError as error:
        raise _wrong_customer(f"customerId {error}.") from None


def _wrong_customer(message: str) -> MalformedBody:
    return MalformedBody(message, reference="customerId")

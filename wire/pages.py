"""The two pagination formats of the gateway: numbered pages, and limit with offset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from wire.errors import MalformedBody
from wire.filters import LARGEST, NOT_NEGATIVE, Bounds, read_integer

DEFAULT_LIMIT = 10
MOST = 100

_PRIVATE = {"Cache-Control": "no-store"}  # customers' data is for the caller alone
_LIMIT: Bounds = (1, MOST)
_PAGE: Bounds = (0, LARGEST // MOST)


def _parameter(request: Request, name: str, default: int, bounds: Bounds) -> int:
    """The value of a parameter; an empty one counts as absent."""
    text = request.query_params.get(name)
    try:
        return read_integer(text, bounds) if text else default
    except ValueError as error:
        raise MalformedBody(f"{name} {error}.", reference=name) from None


class NumberedPages(BasePagination):
    """E4: `limit` and a zero-based `PageNo`, also spelt `pageNo`; tells how many there are.

    The total is exact however many there are: clients read on until they have as many.
    """

    parameters: ClassVar[Mapping[str, Bounds | None]] = {"limit": _LIMIT, "PageNo": _PAGE, "pageNo": _PAGE}

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        if request.query_params.get("PageNo") and request.query_params.get("pageNo"):
            raise MalformedBody("pageNo is PageNo spelt otherwise: send one of them.", reference="pageNo")
        self.limit = _parameter(request, "limit", DEFAULT_LIMIT, _LIMIT)
        self.number = _parameter(request, "PageNo", _parameter(request, "pageNo", 0, _PAGE), _PAGE)
        self.total = queryset.order_by().count()
        start = self.number * self.limit
        return list(queryset[start : start + self.limit]) if start < self.total else []

    def get_paginated_response(self, data: Any) -> Response:
        pagination = {
            "totalElements": self.total, "totalPages": -(-self.total // self.limit),
            "numberOfElements": len(data), "number": self.number,
        }  # fmt: skip
        return Response({"data": data, "pagination": pagination}, headers=_PRIVATE)


class LimitOffset:
    """E5: `limit` and `offset`; `total` counts across all pages."""

    parameters: ClassVar[Mapping[str, Bounds | None]] = {"limit": _LIMIT, "offset": NOT_NEGATIVE}

    def __init__(self, request: Request) -> None:
        """Raises MalformedBody where either is out of bounds."""
        self.limit = _parameter(request, "limit", DEFAULT_LIMIT, _LIMIT)
        self.offset = _parameter(request, "offset", 0, NOT_NEGATIVE)

    def as_json(self, total: int) -> dict[str, int]:
        return {"limit": self.limit, "offset": self.offset, "total": total}

    def response(self, total: int, data: Any) -> Response:
        body = {"pagination": self.as_json(total), "data": data, "warnings": [], "errors": []}
        return Response(body, headers=_PRIVATE)

"""The two pagination formats of the gateway: numbered pages, and limit with offset."""

from __future__ import annotations

from typing import Any

from rest_framework.pagination import BasePagination, LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response

from wire.errors import MalformedBody, Problem
from wire.filters import LARGEST, read_integer

DEFAULT_LIMIT = 10
MOST = 100


def _parameter(request: Request, names: tuple[str, ...], default: int, *, least: int, most: int) -> int:
    """The value of the first of these parameters that was sent; an empty one counts as absent."""
    for name in names:
        text = request.query_params.get(name, "")
        if text:
            try:
                return read_integer(text, least=least, most=most)
            except ValueError as error:
                raise MalformedBody(problems=[Problem(MalformedBody.code, f"{name} {error}.", name)]) from None
    return default


class NumberedPages(BasePagination):
    """E4: `limit` and a zero-based `PageNo`; tells how many there are."""

    parameters = frozenset({"limit", "PageNo", "pageNo"})

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        limit = _parameter(request, ("limit",), DEFAULT_LIMIT, least=1, most=MOST)
        self.number = _parameter(request, ("PageNo", "pageNo"), 0, least=0, most=LARGEST // MOST)
        self.total = queryset.count()
        self.pages = -(-self.total // limit)
        start = self.number * limit
        return list(queryset[start : start + limit]) if start < self.total else []

    def get_paginated_response(self, data: Any) -> Response:
        pagination = {
            "totalElements": self.total, "totalPages": self.pages,
            "numberOfElements": len(data), "number": self.number,
        }  # fmt: skip
        return Response({"data": data, "pagination": pagination})


class LimitOffset(LimitOffsetPagination):
    """E5: `limit` and `offset`; `total` counts across all pages."""

    parameters = frozenset({"limit", "offset"})
    default_limit = DEFAULT_LIMIT
    max_limit = MOST

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.wanted = _parameter(request, ("limit",), DEFAULT_LIMIT, least=1, most=MOST)
        self.start = _parameter(request, ("offset",), 0, least=0, most=LARGEST)
        self.total = queryset.count()
        return list(queryset[self.start : self.start + self.wanted]) if self.start < self.total else []

    @property
    def as_json(self) -> dict[str, int]:
        return {"limit": self.wanted, "offset": self.start, "total": self.total}

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"pagination": self.as_json, "data": data, "warnings": [], "errors": []})

"""The OpenAPI side of E1 to E4."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema

submit = extend_schema(operation_id="submit_request")
decide = extend_schema(operation_id="decide_request")
retrieve = extend_schema(operation_id="get_request")
listing = extend_schema(operation_id="list_requests")

"""The OpenAPI side of E5."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema

history = extend_schema(operation_id="list_goodwill_history")

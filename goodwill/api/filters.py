"""The parameters of E5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from goodwill.models import GoodwillRequest
from wire.errors import Problem
from wire.filters import BooleanFilter, Bounds, IntegerFilter, StrictFilterSet
from wire.pages import LimitOffset

NOT_FOUND = Problem(9050, "Goodwill request not found")


class GoodwillFilter(StrictFilterSet):
    """The parameters of E5."""

    also_allowed: ClassVar[Mapping[str, Bounds | None]] = {**LimitOffset.parameters, "customerId": None}

    requestId = IntegerFilter(field_name="request_number", label="The numeric id of a goodwill request.")
    is_one_step_change = BooleanFilter(field_name="one_step", label="Issued at once, without a checker.")
    programId = IntegerFilter(field_name="program__program_id", label="The loyalty program.")
    autoApprove = BooleanFilter(field_name="auto_approved", label="Approved by the policy.")

    class Meta:
        model = GoodwillRequest
        fields: ClassVar[list[str]] = []

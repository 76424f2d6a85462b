"""What a checker sees of a goodwill request beyond what the engine knows: the program, the money, the comments."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from goodwill.models import GoodwillRequest, GoodwillStatus
from workflows.amounts import readable
from workflows.models import WorkflowRequest
from workflows.registry import Credit, Fact


def facts_for_checker(request: WorkflowRequest) -> Iterator[Fact]:
    """One query."""
    row = GoodwillRequest.objects.select_related("program").get(workflow_request=request)
    ratio = row.program.points_to_currency_ratio
    if row.comments:
        yield Fact(_("Comments"), row.comments, is_long=True)
    yield Fact(_("Program"), str(row.program), note=row.program.description)
    if row.points is not None:
        yield Fact(
            _("Worth in money"), _money(row.points * ratio), is_lead=True,
            note=_("%(points)s points × %(ratio)s") % {"points": readable(row.points), "ratio": readable(ratio)},
        )  # fmt: skip
    yield Fact(_("Goodwill request"), str(row.request_number))
    yield Fact(_("Awarding till"), str(request.content["body"]["awardingTillId"]))


def earlier_credits(request: WorkflowRequest, since: datetime, most: int) -> Iterator[Credit]:
    """What the history from before the engine holds for the customer; one query."""
    if request.customer_id is None:
        return
    found = GoodwillRequest.objects.filter(
        organisation=request.organisation_id, customer_id=request.customer_id, workflow_request=None,
        status=GoodwillStatus.APPROVED, added_on__gte=since,
    )  # fmt: skip
    for at, points, reason in found.order_by("-added_on", "-id").values_list("updated_on", "points", "reason")[:most]:
        if points is not None:  # as it is in whatever was approved
            yield Credit(at, points, reason)


def find_by_number(organisation_ids: Collection[int], number: int) -> Iterator[UUID]:
    """The requests whose number in the history is this one."""
    found = GoodwillRequest.objects.filter(organisation__in=organisation_ids, request_number=number)
    for request_id in found.values_list("workflow_request_id", flat=True):
        if request_id is not None:
            yield request_id


def _money(amount: Decimal) -> str:
    """Two decimals, and more only where there are fractions of a cent."""
    return readable(amount, least_decimals=2)

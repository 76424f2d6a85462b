"""Reading goodwill requests: within one organisation, a fixed number of queries."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.actors import Actor
from goodwill.models import GoodwillRequest


def history_of(actor: Actor, customer_id: int) -> QuerySet[GoodwillRequest]:
    """A customer's goodwill requests in the actor's organisation, newest first."""
    return (
        GoodwillRequest.objects.filter(organisation=actor.organisation, customer_id=customer_id)
        .select_related("program", "added_by", "updated_by", "entered_by")
        .order_by("-added_on", "-id")
    )

"""What the pages of the desk are written with: moments with their zone, ages, amounts."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from accounts.models import Organisation
from accounts.moments import in_zone
from workflows import registry
from workflows.amounts import readable
from workflows.models import WorkflowRequest

register = template.Library()
register.simple_tag(in_zone, name="moment")


@register.filter
def age(at: datetime) -> str:
    """How long ago, in one unit."""
    since = timesince(at, timezone.now(), depth=1)
    return _("a moment") if since.startswith("0") else since


@register.filter
def amount(number: Decimal | int | None) -> str:
    return "–" if number is None else readable(Decimal(number))


@register.filter
def money(number: Decimal | None) -> str:
    return "–" if number is None else readable(number, least_decimals=2)


@register.filter
def whom(request: WorkflowRequest) -> str:
    """The customer; for what concerns none, what it is."""
    return str(request.customer_id or registry.get(request.request_type).label)


@register.filter
def about(request: WorkflowRequest) -> str:
    """`Customer 42`; for what concerns no customer, what it is."""
    if request.customer_id is None:
        return whom(request)
    return _("Customer %(number)s") % {"number": request.customer_id}


@register.simple_tag
def since(at: datetime, organisation: Organisation) -> SafeString:
    """How long ago, with the exact time and its zone on hover."""
    local = at.astimezone(organisation.zone)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), f"{local:%Y-%m-%d %H:%M:%S} {organisation.time_zone}",
        age(at),
    )  # fmt: skip

"""What the pages of the desk are written with: moments with their zone, ages, amounts."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django import template
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from accounts.moments import in_zone
from workflows.amounts import readable

register = template.Library()
register.simple_tag(in_zone, name="moment")


@register.filter
def age(at: datetime) -> str:
    """How long ago, in one unit."""
    since = timesince(at, timezone.now(), depth=1)
    return _("a moment") if since.startswith("0") else since


@register.filter
def amount(number: Decimal | None) -> str:
    return "–" if number is None else readable(number)

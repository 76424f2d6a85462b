"""Points in time as pages show them: in an organisation's zone, or in UTC, and the zone is always named."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import Organisation

_UTC = ZoneInfo("UTC")


def in_zone(at: datetime | None, organisation: Organisation | None = None) -> SafeString | str:
    """`21 Nov 08:05 IST`, with the year where it is not this one; the exact time in UTC is a machine's to read."""
    if at is None:
        return "–"
    zone = organisation.zone if organisation is not None else _UTC
    local = at.astimezone(zone)
    is_this_year = local.year == timezone.now().astimezone(zone).year
    return format_html(
        '<time datetime="{}" title="{}">{} <span class="zone">{}</span></time>',
        at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), f"{local:%Y-%m-%d %H:%M:%S} {zone.key}",
        date_format(local, "j M H:i" if is_this_year else "j M Y H:i"), _zone_name(local),
    )  # fmt: skip


def spelled(at: datetime, organisation: Organisation) -> str:
    """`2026-11-22 06:25:10 IST`: the same within a sentence."""
    local = at.astimezone(organisation.zone)
    return f"{local:%Y-%m-%d %H:%M:%S} {_zone_name(local)}"


def time_of_day(at: datetime, organisation: Organisation) -> str:
    """`06:25 IST`: for what is of today."""
    local = at.astimezone(organisation.zone)
    return f"{local:%H:%M} {_zone_name(local)}"


def _zone_name(local: datetime) -> str:
    """`IST`, or `UTC+04:00` where the zone has no name of letters."""
    name = local.tzname() or ""
    return name if name[:1].isalpha() else f"UTC{local.isoformat()[-6:]}"

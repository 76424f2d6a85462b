"""Days of limits and budgets are those of the organisation's calendar, wherever its clock stands."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.models import Organisation
from tests.factories import set_terms
from tests.house import House
from tests.policy.test_contradictions import limit
from workflows.models.policy import LimitUse
from workflows.rules import usage
from workflows.terms.document import Window


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("Asia/Kolkata", "2026-06-30T18:29:59", "2026-06-30"),
        ("Asia/Kolkata", "2026-06-30T18:30:00", "2026-07-01"),
        ("America/New_York", "2026-07-01T03:59:59", "2026-06-30"),
        ("America/New_York", "2026-07-01T04:00:00", "2026-07-01"),
        # Clocks are put forward on 8 March and back on 1 November: midnight is one hour earlier or later from then on.
        ("America/New_York", "2026-03-08T04:59:59", "2026-03-07"),
        ("America/New_York", "2026-03-08T05:00:00", "2026-03-08"),
        ("America/New_York", "2026-03-09T03:59:59", "2026-03-08"),
        ("America/New_York", "2026-03-09T04:00:00", "2026-03-09"),
        ("America/New_York", "2026-11-02T04:59:59", "2026-11-01"),
        ("America/New_York", "2026-11-02T05:00:00", "2026-11-02"),
        ("UTC", "2026-12-31T23:59:59", "2026-12-31"),
        ("UTC", "2027-01-01T00:00:00", "2027-01-01"),
    ],
)
def test_a_day_begins_at_midnight_where_the_organisation_is(zone: str, moment: str, day: str) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert usage.today_of(Organisation(time_zone=zone), at) == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("window", "today", "first"),
    [
        (Window.DAY, "2026-03-01", "2026-03-01"),
        (Window.WEEK, "2026-03-01", "2026-02-23"),
        (Window.MONTH, "2026-03-01", "2026-01-31"),
        (Window.YEAR, "2026-03-01", "2025-03-02"),
        (Window.YEAR, "2028-03-01", "2027-03-03"),  # over a leap day
        (Window.CALENDAR_MONTH, "2026-02-28", "2026-02-01"),
        (Window.CALENDAR_MONTH, "2026-03-01", "2026-03-01"),
    ],
)
def test_a_window_takes_today_in_and_goes_back_by_days_of_the_calendar(window: Window, today: str, first: str) -> None:
    assert usage.first_day(window, date.fromisoformat(today)) == date.fromisoformat(first)


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])  # at any moment one of them has another day
def test_a_request_counts_on_the_day_that_the_organisation_has(house: House, zone: str) -> None:
    house.organisation.time_zone = zone
    house.organisation.save()
    set_terms(house.policy, limits=[limit(window="day")])
    before = timezone.now().astimezone(ZoneInfo(zone)).date()
    request = house.submit()
    after = timezone.now().astimezone(ZoneInfo(zone)).date()
    assert request.counted_on in (before, after)
    assert LimitUse.objects.get().day == request.counted_on

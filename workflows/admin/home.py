"""The home page: numbers and plots for whoever has come in, each of them a link to the list behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.admin_guard import actors_for
from workflows import desk, desk_figures
from workflows.admin import chips, making, plots, policy_budgets
from workflows.admin.chips import Chip
from workflows.admin.plots import Bars, Columns
from workflows.amounts import readable
from workflows.desk import Actors
from workflows.desk_figures import Month, Waiting
from workflows.models import AdminTask
from workflows.policies import roles_of
from workflows.states import ENDED, State

_DECLINED = ENDED - {State.CREDITED, State.FAILED}


@dataclass(frozen=True, slots=True)
class Made:
    """How many of the person's requests of the last days stand so, and the list of them."""

    chip: Chip
    number: int
    link: str


@dataclass(frozen=True, slots=True)
class Home:
    """What the page shows beside `desk.Summary`. What does not concern the person is None or empty."""

    waiting: Waiting | None
    waiting_link: str
    is_mine: bool
    decided_today: int
    decided_link: str
    by_age: Bars | None
    making: list[tuple[str, str]]
    made: list[Made]
    decided_lately: list[tuple[AdminTask, Chip]]
    month: Month | None
    decisions: Columns | None
    times: Columns | None
    programs: Bars | None
    organisations: list[tuple[int, str]]
    organisation: Actor
    budgets: list[tuple[str, str]]


class _Links:
    """Addresses of the lists, for one organisation where the person has several."""

    def __init__(self, request: HttpRequest, organisation: Actor | None = None) -> None:
        self._given: dict[str, Any] = {}
        if organisation is not None and len(actors_for(request)) > 1:
            self._given = {"organisation": organisation.organisation.pk}

    def tasks(self, **query: Any) -> str:
        return f"{reverse('admin:workflows_admintask_changelist')}?{urlencode(query | self._given)}"

    def requests(self, **query: Any) -> str:
        return f"{reverse('admin:workflows_workflowrequest_changelist')}?{urlencode(query | self._given)}"


def home_of(request: HttpRequest) -> Home:
    """A fixed number of queries, none of which counts a big table to its end."""
    actors = actors_for(request)
    roles = [actor.membership for actor in actors.values()]
    may_check, may_make = any(roles_of(role) for role in roles), any(role.is_maker for role in roles)
    chosen, links = _chosen(request, actors), _Links(request)
    reads = may_check or not may_make or any(role.is_auditor or role.is_operator for role in roles)
    today = desk_figures.today_of(chosen.organisation)
    tasks = desk.waiting_for(actors) if may_check else desk.undecided(actors)
    waiting, tab = desk_figures.waiting_among(tasks, actors) if reads else None, "for-me" if may_check else "waiting"
    month = desk_figures.month_of(chosen) if reads else None
    of_one = _Links(request, chosen)
    return Home(
        waiting=waiting, waiting_link=links.tasks(show=tab), is_mine=may_check,
        decided_today=desk_figures.decided_by(actors, today) if may_check else 0,
        decided_link=links.tasks(show="decided", by="me", decided_from=today, decided_to=today),
        by_age=_by_age(waiting, links, tab) if waiting else None,
        making=making.pages_for(actors),
        made=_made(actors, links, today) if may_make else [],
        decided_lately=_decided_lately(actors) if may_make else [],
        month=month,
        decisions=_decisions(month, of_one) if month else None,
        times=_times(month, of_one) if month else None,
        programs=_programs(month, of_one) if month else None,
        organisations=[(key, actor.organisation.name) for key, actor in actors.items()] if len(actors) > 1 else [],
        organisation=chosen,
        budgets=policy_budgets.links(actors),
    )  # fmt: skip


def _chosen(request: HttpRequest, actors: Actors) -> Actor:
    asked = request.GET.get("organisation", "")
    named = {str(key): actor for key, actor in actors.items()}
    return named.get(asked) or next(iter(actors.values()))


def _by_age(waiting: Waiting, links: _Links, tab: str) -> Bars:
    rows = []
    for (label, least, most), number in zip(desk_figures.AGES, waiting.ages, strict=True):
        bounds = {name: hours for name, hours in (("older", least), ("younger", most)) if hours is not None}
        rows.append((label, number, f"{number:n}", links.tasks(show=tab, **bounds)))
    return plots.bars(_("Waiting by age"), (_("Waits for"), _("Tasks")), rows)


def _programs(month: Month, links: _Links) -> Bars:
    first, last = month.days[0].day, month.days[-1].day
    rows = [
        (
            found.program_name or str(found.program_id), float(found.points), readable(found.points),
            links.requests(show="credited", program=found.program_id, ended_from=first, ended_to=last),
        )
        for found in month.programs
    ]  # fmt: skip
    return plots.bars(_("Points credited per program"), (_("Program"), _("Points")), rows)


def _decisions(month: Month, links: _Links) -> Columns:
    parts = (("approved", "good", _("Approved")), ("automatic", "work", _("Automatic")),
             ("rejected", "no", _("Rejected")), ("failed", "bad", _("Failed")))  # fmt: skip
    columns = []
    for found in month.days:
        day = found.day
        ways = {
            "approved": links.tasks(show="decided", decision="approved", decided_from=day, decided_to=day),
            "rejected": links.tasks(show="decided", decision="rejected", decided_from=day, decided_to=day),
            "automatic": links.requests(automatic="yes", made_from=day, made_to=day),
            "failed": links.requests(show="failed", ended_from=day, ended_to=day),
        }
        values = [float(getattr(found, name)) for name, _tone, _label in parts]
        texts = [f"{getattr(found, name):n}" for name, _tone, _label in parts]
        columns.append((_day(day), values, texts, [ways[name] for name, _tone, _label in parts]))
    legend = [(tone, label) for _name, tone, label in parts]
    return plots.stacked(_("Decisions per day"), legend, columns)


def _times(month: Month, links: _Links) -> Columns:
    columns = []
    for found in month.days:
        link = links.tasks(show="decided", decided_from=found.day, decided_to=found.day)
        values = [found.median_seconds or 0.0, found.p95_seconds or 0.0]
        texts = [_duration(found.median_seconds), _duration(found.p95_seconds)]
        columns.append((_day(found.day), values, texts, [link, link]))
    legend = [("work", _("Median")), ("off", _("95 of 100 were faster"))]
    return plots.overlaid(_("Time to decision"), legend, columns, _duration)


def _day(day: date) -> str:
    return date_format(day, "j M")


def _duration(seconds: float | None) -> str:
    """In one unit: `45 s`, `12 min`, `3.5 h`, `2.1 days`."""
    if seconds is None:
        return "–"
    for limit, divisor, form in ((90, 1, _("%s s")), (5400, 60, _("%s min")), (172800, 3600, _("%s h"))):
        if seconds < limit:
            return form % _short(seconds / divisor)
    return _("%s days") % _short(seconds / 86400)


def _short(number: float) -> str:
    """Two decimals at most, and none from ten on."""
    return f"{round(number, 2 if number < 1 else 1 if number < 10 else 0):g}"


_MADE_AS: tuple[tuple[str, frozenset[State], Chip], ...] = (
    ("waiting", frozenset({State.WAITING}), chips.STATES[State.WAITING]),
    ("executing", frozenset({State.EXECUTING}), chips.STATES[State.EXECUTING]),
    ("unknown", frozenset({State.UNKNOWN}), chips.STATES[State.UNKNOWN]),
    ("credited", frozenset({State.CREDITED}), chips.STATES[State.CREDITED]),
    ("failed", frozenset({State.FAILED}), chips.STATES[State.FAILED]),
    ("declined", _DECLINED, Chip("no", "stop", gettext_lazy("Not approved"))),
)


def _made(actors: Actors, links: _Links, today: date) -> list[Made]:
    since = today - timedelta(days=desk_figures.DAYS - 1)
    counted = desk_figures.made_by(actors, since)
    return [
        Made(
            chip, sum(counted.get(state, 0) for state in states),
            links.requests(show=tab, made_by="me", made_from=since),
        )
        for tab, states, chip in _MADE_AS
    ]  # fmt: skip


def _decided_lately(actors: Actors) -> list[tuple[AdminTask, Chip]]:
    tasks = desk.with_request(desk.decided_for_maker(actors))
    return [(task, chips.to_maker(task)) for task in tasks[: desk.FEW]]

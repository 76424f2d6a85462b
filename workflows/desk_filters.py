"""What somebody asked a list of the desk to show: the tab, the search and the filters of an address, as one query.

The list, its export, a saved view and "all that match" of a bulk decision read an address by the same functions, so
that each of them means the same rows. Nothing here lets anybody see more: every query is within the person's
organisations before a filter narrows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar, Final, Self

from django import forms
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from workflows import desk
from workflows.desk import Actors
from workflows.models import AdminTask, Decision, WorkflowRequest
from workflows.states import State

TAB, SEARCH, ORGANISATION = "show", "q", "organisation"
FOR_ME, MINE, WAITING, DECIDED = "for-me", "mine", "waiting", "decided"
TABS: Final = (
    (FOR_ME, _("Waiting for me")), (MINE, _("About my requests")), (WAITING, _("All waiting")), (DECIDED, _("Decided")),
)  # fmt: skip
# What is still to be decided: short lists beside what was decided in all the years.
OPEN_TABS: Final = frozenset({FOR_ME, WAITING})
MADE_BY, ME = "made_by", "me"
_HOURS: Final = (
    ("1", _("1 hour")), ("4", _("4 hours")), ("24", _("1 day")), ("72", _("3 days")), ("168", _("1 week")),
    ("720", _("30 days")),
)  # fmt: skip
_LARGEST = 2**63 - 1
# Half an address would choose more than the whole one: what is longer is refused and never cut.
MOST_ADDRESS: Final = 2000
TOO_LONG: Final = _(
    "The filters and the search of this list are too long to be kept, so nothing was done. Use fewer or shorter ones."
)


def _choice(label: Any, choices: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=[("", "–"), *choices], required=False)


def _number(label: Any) -> forms.DecimalField:
    """As wide as the widest column, so that a number that no row can have is a filter that finds nothing."""
    widget = forms.NumberInput(attrs={"step": "any", "min": "0"})
    return forms.DecimalField(label=label, required=False, min_value=0, max_digits=36, decimal_places=6, widget=widget)


def _text(label: Any, longest: int = 64) -> forms.CharField:
    return forms.CharField(label=label, max_length=longest, required=False)


def _day(label: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=False, widget=widget, input_formats=["%Y-%m-%d"])


class FilterForm(forms.Form):
    """The filters that lists of tasks and lists of requests share; every one may be left out."""

    program = forms.IntegerField(label=_("Program"), required=False, min_value=1, max_value=_LARGEST)
    maker = _text(_("Maker"), 254)
    reason = _text(_("Reason"), 200)
    points_from = _number(_("Points from"))
    points_to = _number(_("Points to"))
    money_from = _number(_("Money from"))
    money_to = _number(_("Money to"))
    concept = _text(_("Concept"))
    zone = _text(_("Zone"))
    store = _text(_("Store"))
    till = _text(_("Till"))


class TaskFilterForm(FilterForm):
    older = _choice(_("Waits at least"), _HOURS)
    younger = _choice(_("Waits at most"), _HOURS)
    decision = _choice(_("Decision"), Decision.choices)
    by = _choice(_("Decided by"), [(ME, _("me"))])
    decided_from = _day(_("Decided from"))
    decided_to = _day(_("Decided to"))


class RequestFilterForm(FilterForm):
    made_by = _choice(_("Made by"), [(ME, _("me"))])
    automatic = _choice(_("Approved automatically"), [("yes", _("yes")), ("no", _("no"))])
    made_from = _day(_("Made from"))
    made_to = _day(_("Made to"))
    ended_from = _day(_("Ended from"))
    ended_to = _day(_("Ended to"))


# Name of the filter: the look-up on a request.
_ON_REQUEST: Final = {
    "program": "program_id", "maker": "maker_name__icontains", "reason": "reason__icontains",
    "points_from": "amount__gte", "points_to": "amount__lte", "money_from": "money__gte", "money_to": "money__lte",
    "concept": "concept_id", "zone": "zone_id", "store": "store_id", "till": "till_id",
}  # fmt: skip


@dataclass(frozen=True)
class Filters:
    """The filters of an address; this class knows none. One that cannot be read lets no row through: it must never
    mean "all"."""

    form: forms.Form
    raw: Mapping[str, str]

    form_class: ClassVar[type[forms.Form]] = forms.Form
    prefix: ClassVar[str] = ""

    @classmethod
    def names(cls) -> frozenset[str]:
        return frozenset(_fields(cls.form_class))

    @classmethod
    def from_query(cls, query: QueryDict | Mapping[str, str]) -> Self:
        raw = {name: text for name in _fields(cls.form_class) if (text := str(query.get(name, "")).strip())}
        return cls(form=cls.form_class(raw), raw=raw)

    @property
    def is_readable(self) -> bool:
        return self.form.is_valid()

    def __bool__(self) -> bool:
        return bool(self.raw)

    def as_query(self) -> dict[str, str]:
        """The filters as they stood in the address, nothing else of it."""
        return dict(self.raw)

    def given(self) -> dict[str, Any]:
        """The filters that say something, as values."""
        return {name: self.form.cleaned_data[name] for name in self.raw}

    def apply(self, rows: QuerySet[Any], actors: Actors) -> QuerySet[Any]:
        """The rows that pass; `actors` says who "me" is and in which zones a day begins."""
        if not self.raw:
            return rows
        if not self.is_readable:
            return rows.none()
        plain = {f"{self.prefix}{lookup}": value for lookup, value in self.of_request().items()}
        return rows.filter(self._own(self.given(), actors), **plain)

    def of_request(self) -> dict[str, Any]:
        """The filters that look at the request, as look-ups on it; none where one cannot be read."""
        if not self.is_readable:
            return {}
        return {_ON_REQUEST[name]: value for name, value in self.given().items() if name in _ON_REQUEST}

    def _own(self, given: dict[str, Any], actors: Actors) -> Q:
        """The filters that look at the row itself."""
        return Q()


class TaskFilters(Filters):
    """Those of a list of tasks."""

    form_class = TaskFilterForm
    prefix = "request__"

    def _own(self, given: dict[str, Any], actors: Actors) -> Q:
        found = _days("decided_at", given.get("decided_from"), given.get("decided_to"), actors)
        now = timezone.now()
        if hours := given.get("older"):
            found &= Q(opened_at__lte=now - timedelta(hours=int(hours)))
        if hours := given.get("younger"):
            found &= Q(opened_at__gt=now - timedelta(hours=int(hours)))
        if decision := given.get("decision"):
            found &= Q(decision=decision)
        if given.get("by"):
            found &= Q(checker__in=[actor.user.pk for actor in actors.values()])
        return found

    def few_of(self, tasks: QuerySet[AdminTask], actors: Actors) -> QuerySet[AdminTask]:
        """Open tasks that have passed these filters, found from the side of the requests.

        To be asked for where hardly any passes: what waits is then read once, while the planner, left alone, looks the
        request of every task up. The slice cuts nothing off; it keeps the planner from turning that round.
        """
        waiting = WorkflowRequest.objects.filter(organisation__in=list(actors), state=State.WAITING)
        passed = waiting.filter(**self.of_request()).order_by().values("pk")
        return tasks.filter(request__in=passed[:_LARGEST])


class RequestFilters(Filters):
    """Those of a list of requests."""

    form_class = RequestFilterForm

    def _own(self, given: dict[str, Any], actors: Actors) -> Q:
        found = _days("created_at", given.get("made_from"), given.get("made_to"), actors)
        found &= _days("ended_at", given.get("ended_from"), given.get("ended_to"), actors)
        if given.get("ended_to"):
            # Implied, and said because the list is read in the order of this column.
            found &= _days("created_at", None, given["ended_to"], actors)
        if given.get("made_by"):
            found &= Q(maker__in=[actor.user.pk for actor in actors.values()])
        if choice := given.get("automatic"):
            found &= Q(auto_approved=choice == "yes")
        return found


def _fields(form_class: Any) -> list[str]:
    return list(form_class.base_fields)


def _days(column: str, first: date | None, last: date | None, actors: Actors) -> Q:
    """From the beginning of the first day to the end of the last one, in the zone of each row's organisation."""
    if first is None and last is None:
        return Q()
    found = Q(pk__in=[])
    for actor in actors.values():
        within = Q(organisation=actor.organisation.pk)
        if first is not None:
            within &= Q(**{f"{column}__gte": beginning_of(first, actor)})
        if last is not None and last < date.max:
            within &= Q(**{f"{column}__lt": beginning_of(last + timedelta(days=1), actor)})
        found |= within
    return found


def beginning_of(day: date, actor: Actor) -> datetime:
    """Midnight where the organisation is."""
    return datetime.combine(day, time.min, tzinfo=actor.organisation.zone)


def chosen_tab(query: QueryDict | Mapping[str, str]) -> str:
    """The tab that the address names, or the first."""
    asked = query.get(TAB)
    return str(asked) if asked in dict(TABS) else FOR_ME


def in_tab(tasks: QuerySet[AdminTask], actors: Actors, tab: str) -> QuerySet[AdminTask]:
    match tab:
        case "mine":
            return tasks.filter(maker__in={actor.user.pk for actor in actors.values()})
        case "waiting":
            return tasks.filter(decision=None)
        case "decided":
            return tasks.exclude(decision=None)
    return tasks.filter(desk.decidable_by(actors))


def found_by(tasks: QuerySet[AdminTask], actors: Actors, text: str) -> QuerySet[AdminTask]:
    """The tasks of requests that a search finds; all of them where nothing is searched for."""
    return tasks.filter(request__in=desk.matching(actors, text).values("pk")) if (text := text.strip()) else tasks


def address_of(query: QueryDict | Mapping[str, str]) -> dict[str, str]:
    """The parts of an address that choose tasks, and nothing else of it: what a saved view or a bulk decision keeps."""
    chosen = {name: text for name in (TAB, ORGANISATION, SEARCH) if (text := str(query.get(name, "")).strip())}
    return chosen | TaskFilters.from_query(query).as_query()


def tasks_for(actors: Actors, query: QueryDict | Mapping[str, str]) -> QuerySet[AdminTask]:
    """The tasks of the list at this address, for the person whose actors these are; not in any order."""
    tasks = desk.tasks_within(actors)
    asked = str(query.get(ORGANISATION, ""))
    if asked and asked in {str(key) for key in actors}:
        tasks = tasks.filter(organisation=int(asked))
    tasks = in_tab(tasks, actors, chosen_tab(query))
    tasks = found_by(tasks, actors, str(query.get(SEARCH, "")))
    return TaskFilters.from_query(query).apply(tasks, actors)

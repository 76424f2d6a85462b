"""The page that shows how full the limits of a policy are: bars, and a burn-down of every monthly budget."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.admin_guard import actors_for, administers
from workflows import budgets, desk_figures
from workflows.admin import plots
from workflows.admin.plots import Bar, Bars, Columns
from workflows.admin.policy_pages import may_read_sums, show
from workflows.amounts import readable
from workflows.budgets import BurnDown, LimitUses, Use
from workflows.desk import Actors
from workflows.models import WorkflowPolicy
from workflows.terms import words
from workflows.terms.document import Limit, Per
from workflows.terms.words import Names


@dataclass(frozen=True, slots=True)
class LimitShown:
    """A limit as the page shows it."""

    limit: Limit
    said: list[tuple[str, str]]
    bars: Bars
    burn_downs: list[tuple[str, Columns]]
    number: int


def readable_policies(actors: Actors) -> QuerySet[WorkflowPolicy]:
    """The policies whose page the person may open."""
    return budgets.policies_of({key: actor for key, actor in actors.items() if may_read_sums(actor)})


def links(actors: Actors) -> list[tuple[str, str]]:
    """Name and address of the page of every policy with a budget of programs; one query at most."""
    if not any(may_read_sums(actor) for actor in actors.values()):
        return []
    found = readable_policies(actors).exclude(active=None).order_by("organisation", "request_type")
    return [
        (f"{policy.request_type} · {policy.organisation.name}", _address(policy))
        for policy in found
        if budgets.has_program_budget(policy)
    ]


def _address(policy: WorkflowPolicy) -> str:
    return reverse("admin:workflows_workflowpolicy_budgets", args=(policy.pk,))


def budgets_page(request: HttpRequest, policy: WorkflowPolicy) -> HttpResponse:
    """For a policy of `readable_policies`."""
    organisation = policy.organisation
    shown = _Shown(several=len(actors_for(request)) > 1, policy=policy)
    return show(
        request, policy, "policy/budgets.html", title=_("How full the limits are"),
        limits=[
            shown.of(each, number)
            for number, each in enumerate(budgets.of_policy(policy, desk_figures.today_of(organisation)), start=1)
        ],
        may_edit=administers(request, organisation.pk), most_subjects=budgets.MOST_SUBJECTS,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Shown:
    """Puts uses into words and plots; `several`: the person has several organisations, so links name this one."""

    several: bool
    policy: WorkflowPolicy

    def of(self, uses: LimitUses, number: int) -> LimitShown:
        limit = uses.limit
        # The bars name the programs.
        said = words.of_limit(limit.model_copy(update={"programs": ()}), Names())
        heads = (str(words.PER[limit.per]).capitalize(), _("Used"))
        bars = [Bar(use.name, _used(use), self._link(uses, use), _share(use)) for use in uses.uses]
        title = _("The fullest") if limit.per != Per.PROGRAM else _("By program")
        burn_downs = [(f"limit-{number}-{each.use.subject}", self._burn_down(uses, each)) for each in uses.burn_downs]
        return LimitShown(limit, said, Bars(title, heads, bars), burn_downs, number)

    def _burn_down(self, uses: LimitUses, found: BurnDown) -> Columns:
        given = []
        for day, left in found.days:
            link = self._link(uses, found.use, made_from=day, made_to=day)
            text = "–" if left is None else readable(left)
            given.append((date_format(day, "j M"), [float(left or 0)], [text], [link]))
        title = _("%(program)s: left at the end of the day") % {"program": found.use.name}
        return plots.overlaid(title, [("work", _("Left"))], given, lambda top: readable(Decimal(str(top))))

    def _link(self, uses: LimitUses, use: Use, **days: Any) -> str:
        """The requests behind a number; what was rejected or failed stands there too, and is not counted."""
        query: dict[str, Any] = {"show": "all", "made_from": uses.since} | days
        query |= {
            Per.PROGRAM: {"program": use.subject}, Per.STORE: {"store": use.subject},
            Per.MAKER: {"maker": use.name}, Per.CUSTOMER: {"q": use.subject},
        }[uses.limit.per]  # fmt: skip
        if self.several:
            query["organisation"] = self.policy.organisation_id
        return f"{reverse('admin:workflows_workflowrequest_changelist')}?{urlencode(query)}"


def _share(use: Use) -> float:
    """Of the bar, in hundredths; what is over the limit by now fills it too."""
    return round(min(float(100 * use.used / use.most), 100.0), 2)


def _used(use: Use) -> str:
    return _("%(used)s of %(most)s (%(per_cent)s %%)") % {
        "used": readable(use.used), "most": readable(use.most), "per_cent": use.per_cent,
    }  # fmt: skip

"""The replay of a draft: what it would have done with the requests of the last 90 days, against what happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.admin_guard import actors_for, person_of
from wire.errors import ApiError
from workflows.admin import chips, plots
from workflows.admin.chips import Chip
from workflows.admin.policy_pages import address, show
from workflows.amounts import readable
from workflows.drafting import drafts, replaying
from workflows.drafting.fold import AUTOMATIC, REFUSED
from workflows.models import PolicyDraft, WorkflowPolicy, WorkflowRequest

PAGE: Final = 50
_ENDS: Final = {
    "credited": gettext_lazy("Credited"),
    "declined": gettext_lazy("Not approved"),
    "failed": gettext_lazy("Failed"),
    "open": gettext_lazy("Not ended"),
}
_LEGEND: Final = [
    ("good", gettext_lazy("Automatic")),
    ("wait", gettext_lazy("One level")),
    ("work", gettext_lazy("More levels")),
    ("bad", gettext_lazy("Refused")),
]


def outcome(levels: int) -> str:
    if levels == REFUSED:
        return _("Refused")
    if levels == AUTOMATIC:
        return _("Automatic")
    return ngettext("%(number)s level", "%(number)s levels", levels) % {"number": levels}


def replay_page(request: HttpRequest, policy: WorkflowPolicy) -> HttpResponse:
    """The outcome that the draft keeps; by POST, it is worked out anew."""
    draft = drafts.draft_of(policy, person_of(request))
    refusal: ApiError | None = None
    if request.method == "POST":
        try:
            replaying.ask(policy, person_of(request), request.POST.get("stamp", ""))
        except ApiError as error:
            refusal = error
        else:
            return HttpResponseRedirect(address(policy, "replay"))
    report = _report(draft) if draft.replay is not None else None
    return show(
        request, policy, "policy/replay.html", status=refusal.http_status if refusal else 200,
        title=_("Replay of the last 90 days"), draft=draft, stamp=drafts.stamp_of(draft),
        refusal=refusal.detail if refusal else "", report=report,
        is_stale=draft.replay is not None and draft.replay["document"] != draft.document,
        differing=_differing(request, policy, draft) if report else None,
    )  # fmt: skip


def _report(draft: PolicyDraft) -> dict[str, Any]:
    kept = draft.replay or {}
    return {
        "total": kept["total"],
        "differ_total": kept["differ_total"],
        "at": datetime.fromisoformat(kept["at"]),
        "is_cut": kept["is_cut"],
        "heads": [outcome(key) for key in _asked_before(kept)],
        "ends": list(_ENDS.values()),
        "rows": [_row(row, kept) for row in kept["table"]],
        "weeks": _weeks(kept),
        "rules": _rules(kept),
    }


def _asked_before(kept: dict[str, Any]) -> list[int]:
    return sorted({int(key) for row in kept["table"] for key in row["before"]})


def _row(row: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    return {
        "after": row["after"],
        "label": outcome(row["after"]),
        "count": row["count"],
        "share": f"{100 * row['count'] / kept['total']:.0f} %",
        "points": readable(Decimal(row["points"])),
        "before": [row["before"].get(str(key), 0) for key in _asked_before(kept)],
        "ends": [row["ends"].get(key, 0) for key in _ENDS],
    }


def _weeks(kept: dict[str, Any]) -> plots.Columns:
    known = dict(kept["weeks"])
    first, last = (datetime.fromisoformat(kept[name]).date() for name in ("since", "at"))
    monday = first - timedelta(days=first.weekday())
    given = []
    for number in range((last - monday).days // 7 + 1):
        week = (monday + timedelta(days=7 * number)).isoformat()
        counts = known.get(week, {})
        more = sum(count for key, count in counts.items() if int(key) > 1)
        values = [counts.get("0", 0), counts.get("1", 0), more, counts.get("-1", 0)]
        given.append((date_format(date.fromisoformat(week), "j M"), values, [f"{value:n}" for value in values],
                      ["#differing"] * len(values)))  # fmt: skip
    return plots.stacked(_("Requests per week, by what the draft would have done"), _LEGEND, given)


def _rules(kept: dict[str, Any]) -> plots.Bars:
    rows = [(rule, float(count), f"{count:n}", "#differing") for rule, count in kept["rules"]]
    return plots.bars(_("By the rule that decides"), (_("Rule"), _("Requests")), rows)


@dataclass(frozen=True, slots=True)
class Differing:
    """One request that the draft would have treated otherwise."""

    request: WorkflowRequest
    chip: Chip
    before: str
    after: str
    rule: str


@dataclass(frozen=True, slots=True)
class DifferingPage:
    rows: list[Differing]
    first: int
    last: int
    kept: int
    previous: str
    next: str
    only: str


def _instead(before: int, after: int) -> str:
    return _("%(outcome)s, of other people") % {"outcome": outcome(after)} if before == after else outcome(after)


def _differing(request: HttpRequest, policy: WorkflowPolicy, draft: PolicyDraft) -> DifferingPage | None:
    """A page of them, for members: who only runs the platform sees figures and no requests."""
    if policy.organisation_id not in actors_for(request) or draft.replay is None:
        return None
    only = request.GET.get("after", "")
    kept = [row for row in draft.replay["differ"] if only in ("", str(row[2]))]
    number = request.GET.get("page", "")
    page = int(number) if number.isascii() and number.isdigit() and len(number) < 5 else 1
    start = (max(page, 1) - 1) * PAGE
    shown = kept[start : start + PAGE]
    found = replaying.requests_named(policy, [row[0] for row in shown])
    return DifferingPage(
        rows=[
            Differing(found[key], chips.of_request(found[key]), outcome(before), _instead(before, after), rule)
            for key, before, after, rule in shown
            if key in found
        ],
        first=start + 1, last=start + len(shown), kept=len(kept),
        previous=_link(page - 1, only) if page > 1 else "",
        next=_link(page + 1, only) if start + PAGE < len(kept) else "",
        only=only,
    )  # fmt: skip


def _link(page: int, only: str) -> str:
    return f"?page={page}{f'&after={only}' if only.lstrip('-').isdigit() else ''}#differing"

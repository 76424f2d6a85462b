"""Many decisions at once: what was chosen is kept, looked at on a page of its own, confirmed by POST, and followed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db import DatabaseError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import conditional_page, require_GET, require_POST

from accounts.actors import Actor
from accounts.admin_guard import actors_for, person_of
from wire.errors import ApiError
from workflows import bulk_review, bulk_running, bulk_selection, desk_filters, desk_history, queue
from workflows.admin import bulk_result
from workflows.admin.base import DeskAdmin
from workflows.admin.chips import Chip
from workflows.admin.forms import BulkForm
from workflows.admin.lists import ORDER
from workflows.admin.password_again import PasswordAgainForm
from workflows.bulk_review import Line
from workflows.errors import CannotChoose
from workflows.models import BulkPhase, BulkRun, BulkVerdict

logger = logging.getLogger(__name__)

UNPROCESSABLE: Final = 422
MOST_LISTED: Final = 10
# In the address of a run's page: the list that one came from.
CAME_FROM: Final = "list"

_PHASES: Final = {
    BulkPhase.CHOSEN: Chip("off", "pen", gettext_lazy("Not confirmed")),
    BulkPhase.RUNNING: Chip("work", "arrow", gettext_lazy("Being decided")),
    BulkPhase.ENDED: Chip("good", "check", gettext_lazy("Done")),
}


@dataclass(frozen=True, slots=True)
class Listed:
    """Some lines of a choice, of which the page shows the first few and says how many more there are."""

    number: int
    shown: list[Line]
    why: str = ""

    @classmethod
    def of(cls, lines: list[Line], why: str = "") -> Listed:
        return cls(len(lines), lines[:MOST_LISTED], why)

    @property
    def unshown(self) -> int:
        return self.number - len(self.shown)


@dataclass(frozen=True, slots=True)
class RunRow:
    run: BulkRun
    chip: Chip


@admin.register(BulkRun)
class BulkRunAdmin(DeskAdmin):
    nav_label = gettext_lazy("Bulk decisions")
    nav_order = 15
    results_template = "desk/bulk_rows.html"
    page_template = "desk/bulk_page.html"
    search_fields = ()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """For checkers, who have their own, and for auditors, who have those of everybody."""
        actors = actors_for(request)
        mine = {key for key, actor in actors.items() if actor.membership.is_checker or actor.membership.is_auditor}
        return bool(mine) and (obj is None or obj.organisation_id in mine)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return bulk_selection.runs_of(actors_for(request)).select_related("organisation").order_by("-pk")

    def get_urls(self) -> list[URLPattern]:
        choose = self.admin_site.admin_view(require_POST(self.choose))
        progress = self.admin_site.admin_view(conditional_page(require_GET(self.progress_of)))
        return [
            path("choose/", choose, name="workflows_bulkrun_choose"),
            path("<path:object_id>/progress/", progress, name="workflows_bulkrun_progress"),
            self.post_url("start", self.start),
            self.post_url("again", self.choose_again),
            *super().get_urls(),
        ]

    def present(self, request: HttpRequest, rows: list[Any]) -> list[Any]:
        return [RunRow(run, _PHASES[BulkPhase(run.phase)]) for run in rows]

    # Choosing

    def choose(self, request: HttpRequest) -> HttpResponse:
        """Keep what was chosen on the list: its rows, or all that match its filters; then show it."""
        actors, query = actors_for(request), QueryDict(request.POST.get("query", ""))
        if len(request.POST.get("query", "")) > desk_filters.MOST_ADDRESS:
            return self._not_chosen(request, desk_filters.TOO_LONG, query)
        if request.POST.get("all"):
            return self._chosen(request, lambda: bulk_selection.choose_all(actors, query.dict()), query)
        digests = _digests(request.POST.getlist("chosen"))
        return self._chosen(request, lambda: bulk_selection.choose_rows(actors, digests), query)

    def choose_again(self, request: HttpRequest, run: BulkRun) -> HttpResponse:
        """A new choice of what a run has not decided."""
        actors = actors_for(request)
        return self._chosen(request, lambda: bulk_selection.choose_again(actors, run), _came_from(request))

    def _chosen(self, request: HttpRequest, choose: Callable[[], BulkRun], query: QueryDict) -> HttpResponse:
        if not self.has_view_permission(request):
            return HttpResponseRedirect(reverse("admin:index", current_app=self.admin_site.name))
        try:
            run = choose()
        except CannotChoose as refusal:
            return self._not_chosen(request, refusal.detail, query)
        return HttpResponseRedirect(self._page(run, query))

    def _not_chosen(self, request: HttpRequest, why: Any, query: QueryDict) -> HttpResponse:
        self.message_user(request, why, messages.WARNING)
        back = reverse("admin:workflows_admintask_changelist", current_app=self.admin_site.name)
        return HttpResponseRedirect(f"{back}?{query.urlencode()}" if query else back)

    def _page(self, run: BulkRun, came_from: QueryDict) -> str:
        page = reverse("admin:workflows_bulkrun_change", args=(run.pk,), current_app=self.admin_site.name)
        return f"{page}?{urlencode({CAME_FROM: came_from.urlencode()})}" if came_from else page

    # The page of a run: to be confirmed, or what it has come to

    def page_context(self, request: HttpRequest, row: BulkRun) -> dict[str, Any]:
        came_from = _came_from(request) or QueryDict(row.filter)
        common = {
            "run": row, "chip": _PHASES[BulkPhase(row.phase)], "is_mine": row.person_id == person_of(request).pk,
            "came_from": came_from.urlencode(),
        }  # fmt: skip
        if row.phase == BulkPhase.CHOSEN:
            return {**common, **self._to_confirm(self.actor_for(request, row), row)}
        return {**common, **bulk_result.read(row, request.GET.get("page", "1"))}

    def _to_confirm(self, actor: Actor, run: BulkRun) -> dict[str, Any]:
        review = bulk_review.review(run, actor)
        alike = desk_history.with_look_alikes([line.request.id for line in review.included])
        return {
            "title": _("Decide %(number)s at once") % {"number": review.all.number},
            "review": review,
            "left_out": [Listed.of(items, why) for why, items in review.left_out.items()],
            "alike": Listed.of([line for line in review.included if line.request.id in alike]),
            "confirmed": ",".join(str(line.pk) for line in review.included),
            "chosen": Listed.of(review.included),
            "form": BulkForm(),
            "password": PasswordAgainForm() if review.needs_fresh_proof else None,
        }

    # What changes something

    @method_decorator(sensitive_post_parameters("password"))
    def start(self, request: HttpRequest, run: BulkRun) -> HttpResponse:
        """Confirm. Up to `bulk_running.INLINE` are decided before the answer; more go on in the background."""
        form, password = BulkForm(request.POST), PasswordAgainForm(request.POST)
        if run.phase != BulkPhase.CHOSEN:
            return HttpResponseRedirect(self._page(run, _came_from(request)))
        if not form.is_valid():
            return self.show(request, run, status=UNPROCESSABLE, form=form)
        actor, verdict = self.actor_for(request, run), BulkVerdict(form.cleaned_data["decision"])
        try:
            confirmed = form.cleaned_data["confirmed"]
            is_asked = verdict == BulkVerdict.APPROVED and self._asks_for_password(actor, run, confirmed)
            proof = password.prove(request) if is_asked else None
            if password.errors:
                return self.show(request, run, status=UNPROCESSABLE, form=form, password=password)
            number = bulk_running.start(
                actor=actor, run_id=run.pk, confirmed=confirmed, verdict=verdict, message=form.cleaned_data["message"],
                proof=proof,
            )  # fmt: skip
        except ApiError as refusal:
            return self.show(request, run, status=refusal.http_status, refusal=refusal.detail, form=form)
        if number is not None and number <= bulk_running.INLINE:
            self._carry_on(run)
        return HttpResponseRedirect(self._page(run, _came_from(request)))

    def _carry_on(self, run: BulkRun) -> None:
        """Decide all of a short run; where the database is in the way of that, a worker goes on with it."""
        try:
            bulk_running.carry_on(run.pk, most=bulk_running.INLINE + 1)
        except DatabaseError:
            logger.exception("a bulk decision goes on in the background", extra={"run": run.pk})
            queue.publish_bulk(run.pk)

    def _asks_for_password(self, actor: Actor, run: BulkRun, confirmed: Collection[int]) -> bool:
        return bulk_review.review(run, actor, confirmed=confirmed).needs_fresh_proof

    # How far it is

    def progress_of(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.with_row(request, object_id, self.progress)

    def progress(self, request: HttpRequest, run: BulkRun) -> HttpResponse:
        return JsonResponse(bulk_result.progress(run, request.GET.get("page", "1")))


def _came_from(request: HttpRequest) -> QueryDict:
    """The tab, search, filters and order of the list that the address names; nothing else of what stands there."""
    address = request.GET.get(CAME_FROM, "")
    named = QueryDict(address if len(address) <= desk_filters.MOST_ADDRESS else "")
    known = desk_filters.address_of(named)
    if order := named.get(ORDER):
        known[ORDER] = order
    return QueryDict(urlencode(known))


def _digests(chosen: list[str]) -> dict[int, str]:
    """Of `17:3f…` the task and the digest; what looks otherwise was tampered with and chooses nothing."""
    found = {}
    for text in chosen[: bulk_selection.MOST_CHOSEN + 1]:
        number, _colon, digest = text.partition(":")
        if number.isascii() and number.isdigit() and len(number) < 19 and len(digest) == 64:
            found[int(number)] = digest
    return found

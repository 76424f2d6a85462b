"""Pages on which makers without API access ask for something: one per request type whose app registers a form.

A page builds the API's envelope and calls the API's validation and service; what they refuse is shown at its field.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.actors import Actor
from accounts.admin_guard import actors_for
from wire.errors import ApiError
from workflows import registry, submitting
from workflows.admin.maker_form import MakerForm
from workflows.amounts import readable
from workflows.errors import ReferenceReused
from workflows.models import RequestSource, WorkflowRequest
from workflows.registry import RequestType
from workflows.states import State
from workflows.submission import read_submission, terms_in_force
from workflows.submitting import Submitted
from workflows.targets import enabled_targets

UNPROCESSABLE = 422
_forms: dict[str, type[MakerForm]] = {}


def register(slug: str, form: type[MakerForm]) -> None:
    """Give a request type a page for makers; called while the admin's modules are loaded."""
    _forms[slug] = form


def urls(site: AdminSite) -> list[URLPattern]:
    view = require_http_methods(["GET", "HEAD", "POST"])(never_cache(MakerPages(site).page))
    return [path("new/<slug:kind>/", site.admin_view(view), name="make")]


def pages_for(actors: Mapping[int, Actor]) -> list[tuple[str, str]]:
    """Name and address of every page that these actors may use."""
    if not _makers(actors):
        return []
    many = len(_forms) > 1
    return [
        (
            _("New: %(kind)s") % {"kind": registry.get(slug).label} if many else _("New request"),
            reverse("admin:make", args=(slug.lower(),)),
        )
        for slug in sorted(_forms)
    ]


def _makers(actors: Mapping[int, Actor]) -> dict[int, Actor]:
    return {key: actor for key, actor in actors.items() if actor.membership.is_maker}


class MakerPages:
    def __init__(self, site: AdminSite) -> None:
        self.site = site

    def page(self, request: HttpRequest, kind: str) -> HttpResponse:
        """The form; by POST, what it asks for. For makers only."""
        slug = kind.upper()
        if slug not in _forms or kind != kind.lower():
            raise Http404
        makers = _makers(actors_for(request))
        if not makers:
            raise PermissionDenied
        actor = _chosen(makers, request.GET.get("organisation", ""))
        try:
            form = _form(actor, registry.get(slug), request)
        except ApiError as refusal:
            return self._show(request, slug, actor, obstacle=refusal.detail, status=refusal.http_status)
        if form.obstacle:
            return self._show(request, slug, actor, obstacle=form.obstacle)
        if request.method != "POST":
            return self._show(request, slug, actor, form=form)
        return self._make(request, slug, actor, form)

    def _make(self, request: HttpRequest, slug: str, actor: Actor, form: MakerForm) -> HttpResponse:
        if not form.is_valid():
            return self._show(request, slug, actor, form=form, status=UNPROCESSABLE)
        try:
            submission = read_submission(form.envelope(), organisation=actor.organisation, slug=slug)
            made = submitting.submit(actor=actor, submission=submission, source=RequestSource.ADMIN)
        except ReferenceReused as refusal:
            form.add_error(None, _("This form was sent before, with other content, and that request stands. Send it"
                                   " once more to make a second one."))  # fmt: skip
            form.renew_reference()
            return self._show(request, slug, actor, form=form, status=refusal.http_status)
        except ApiError as refusal:
            form.add_problems(refusal)
            return self._show(request, slug, actor, form=form, status=refusal.http_status)
        messages.success(request, _said(made))
        return HttpResponseRedirect(_address(made.request))

    def _show(
        self, request: HttpRequest, slug: str, actor: Actor, *, form: MakerForm | None = None, obstacle: Any = "",
        status: int = 200,
    ) -> HttpResponse:  # fmt: skip
        context = {
            **self.site.each_context(request),
            "title": _("New request"),
            "kind": registry.get(slug).label,
            "form": form,
            "obstacle": obstacle,
            "organisation": actor.organisation,
            "makers": list(_makers(actors_for(request)).values()),
        }
        return TemplateResponse(request, "desk/make.html", context, status=status)


def _chosen(makers: Mapping[int, Actor], wanted: str) -> Actor:
    """The actor in the organisation that the address names, else in the first one."""
    if wanted:
        found = {str(key): actor for key, actor in makers.items()}.get(wanted)
        if found is None:
            raise PermissionDenied
        return found
    return next(iter(makers.values()))


def _form(actor: Actor, kind: RequestType, request: HttpRequest) -> MakerForm:
    """The form of this maker.

    Raises:
        WorkflowDisabled: the organisation has no policy for the type.
    """
    terms = terms_in_force(actor.organisation, kind.slug)
    # People have no Intouch credential to send along, so the target's own is needed.
    targets = [target for target in enabled_targets(actor.organisation).values() if target.credential is not None]
    form = _forms[kind.slug](
        request.POST if request.method == "POST" else None, actor=actor, kind=kind, terms=terms, targets=targets
    )
    if not targets:
        form.obstacle = _(
            "Nothing can be asked for from here: no Intouch target of this organisation keeps a credential of its own."
            " A platform administrator can store one under Intouch targets."
        )
    return form


def _said(made: Submitted) -> str:
    request = made.request
    names = {
        "amount": readable(request.amount) if request.amount is not None else "",
        "customer": request.customer_id,
    }
    if made.replayed:
        return _("This form was sent already; this is the request that it made, and there is only this one.")
    if request.state == State.WAITING:
        return _("Sent: %(amount)s for customer %(customer)s. It waits for a checker now.") % names
    return _("Sent: %(amount)s for customer %(customer)s. It needs no checker and is being carried out.") % names


def _address(request: WorkflowRequest) -> str:
    """The task, on whose page the maker can withdraw; the request where no checker is asked."""
    task = request.tasks.filter(decision=None).first()
    if task is not None:
        return reverse("admin:workflows_admintask_change", args=(task.pk,))
    return reverse("admin:workflows_workflowrequest_change", args=(request.pk,))

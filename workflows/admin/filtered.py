"""Lists with filters: their form, the views that people keep of them, and their export."""

from __future__ import annotations

from typing import Any, ClassVar, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.admin_guard import actors_for, person_of
from workflows import audit, exporting, registry
from workflows.admin.base import DeskAdmin
from workflows.admin.forms import OneLineField
from workflows.admin.lists import ORDER, OrganisationFilter
from workflows.desk_filters import MOST_ADDRESS, TAB, TOO_LONG
from workflows.models import SavedView

MOST_VIEWS = 40


class ViewForm(forms.Form):
    """A name for a view."""

    name = OneLineField(max_length=60, error_messages={"required": gettext_lazy("Give the view a name.")})


class FilteredAdmin(DeskAdmin):
    """A list with filters. Subclasses say how the form groups them, and which columns an export has."""

    filter_groups: ClassVar[tuple[tuple[Any, tuple[str, ...]], ...]]
    export_columns: ClassVar[tuple[exporting.Column, ...]]

    def get_urls(self) -> list[URLPattern]:
        own = [("export", self.export), ("views/save", self.save_view), ("views/drop", self.drop_view)]
        return [*(self._post_path(where, view) for where, view in own), *super().get_urls()]

    def _post_path(self, where: str, view: Any) -> URLPattern:
        def acting(request: HttpRequest) -> HttpResponse:
            if not self.has_view_permission(request):
                raise PermissionDenied
            if len(request.POST.get("query", "")) > MOST_ADDRESS:
                self.message_user(request, TOO_LONG, messages.ERROR)
                return self._back(self._posted_query(request))
            answer: HttpResponse = view(request)
            return answer

        guarded: Any = self.admin_site.admin_view(require_POST(acting))
        found: URLPattern = path(f"{where}/", guarded, name=self._name(where))
        return found

    def _name(self, where: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{where.replace('/', '_')}"

    def _url(self, where: str) -> str:
        return reverse(f"admin:{self._name(where)}", current_app=self.admin_site.name)

    # The list

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        query = self._known(request.GET)
        context = {
            "views": SavedView.objects.filter(user=person_of(request), page=self.opts.model_name),
            "view_query": query,
            "save_view_url": self._url("views/save"),
            "drop_view_url": self._url("views/drop"),
            "export_url": self._url("export"),
            "export_most": exporting.MOST_ROWS,
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        form: forms.Form = changelist.filters.form
        form.fields["program"].widget = forms.Select(choices=self._programs(request))
        changelist.filter_groups = [
            (legend, [form[name] for name in names if name in form.fields]) for legend, names in self.filter_groups
        ]
        return changelist

    def _programs(self, request: HttpRequest) -> list[tuple[Any, Any]]:
        known: dict[int, str] = request.__dict__.setdefault("_desk_programs", {})
        if not known:
            organisations = list(actors_for(request))
            known.update(found for kind in registry.all_types() for found in kind.programs(organisations))
        return [("", "–"), *((number, f"{name} ({number})") for number, name in known.items())]

    def _known(self, query: QueryDict) -> str:
        """The parts of an address that say which rows a list shows and in which order."""
        names = (TAB, OrganisationFilter.parameter_name, SEARCH_VAR, ORDER, *sorted(self.filters_class.names()))
        return urlencode({name: text for name in names if (text := query.get(name, "").strip())})

    def _posted_query(self, request: HttpRequest) -> str:
        return self._known(QueryDict(request.POST.get("query", "")))

    def _back(self, query: str) -> HttpResponse:
        return HttpResponseRedirect(f"{self._url('changelist')}?{query}")

    # Views

    def save_view(self, request: HttpRequest) -> HttpResponse:
        """Keep a view under a name; the name of an older one is taken over."""
        query, form = self._posted_query(request), ViewForm(request.POST)
        mine = SavedView.objects.filter(user=person_of(request), page=self.opts.model_name)
        if not form.is_valid():
            self.message_user(request, " ".join(map(str, form.errors["name"])), messages.ERROR)
            return self._back(query)
        name = form.cleaned_data["name"]
        if not mine.filter(name__iexact=name).update(query=query, name=name):
            if mine.count() >= MOST_VIEWS:
                self.message_user(request, _("You have kept as many views as there may be; drop one."), messages.ERROR)
                return self._back(query)
            SavedView.objects.create(
                user=person_of(request), page=cast("str", self.opts.model_name), name=name, query=query
            )
        self.message_user(request, _("The view “%(name)s” is kept.") % {"name": name}, messages.SUCCESS)
        return self._back(query)

    def drop_view(self, request: HttpRequest) -> HttpResponse:
        number = request.POST.get("view", "")
        mine = SavedView.objects.filter(user=person_of(request), page=self.opts.model_name)
        if number.isascii() and number.isdigit() and len(number) < 19 and mine.filter(pk=int(number)).delete()[0]:
            self.message_user(request, _("The view was dropped."), messages.SUCCESS)
        else:
            self.message_user(request, _("There is no such view any more."), messages.WARNING)
        return self._back(self._posted_query(request))

    # Export

    def export(self, request: HttpRequest) -> Any:
        """Every row of the list at the posted address, as a file; who took it is audited in the same transaction."""
        query = self._posted_query(request)
        actors = actors_for(request)
        request.GET = QueryDict(query)
        try:
            rows = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return self._back("")
        kind = exporting.FORMATS.get(request.POST.get("format", ""), exporting.CSV)
        try:
            with transaction.atomic():
                made = exporting.write(rows, self.export_columns, kind, actors)
                for organisation_id, number in made.rows.items():
                    audit.record(
                        "export.made", actor=person_of(request), organisation_id=organisation_id,
                        list=self.opts.model_name, query=query, format=kind.name, rows=number,
                    )  # fmt: skip
        except exporting.TooManyRows:
            self.message_user(request, _too_many(), messages.ERROR)
            return self._back(query)
        name = f"{self.opts.model_name}-{timezone.now():%Y%m%d-%H%M%S}.{kind.name}"
        return FileResponse(made.file, as_attachment=True, filename=name, content_type=kind.content_type)


def _too_many() -> str:
    return _(
        "More than %(most)s rows pass these filters, so nothing was exported. Narrow the list, by days for example,"
        " and export it in parts."
    ) % {"most": f"{exporting.MOST_ROWS:,}"}

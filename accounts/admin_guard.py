"""What every page of the admin rests on: nothing is allowed unless a class says so.

The site registers nothing that does not derive from `GuardedAdmin` (config.admin_site). There are two kinds of pages:
`PlatformAdmin`, the set-up of all organisations, for superusers only; and `MemberAdmin`, the data of an organisation,
to read, for its active members only. Being a superuser opens no second way into the latter.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from accounts.actors import Actor, actors_of
from accounts.models import User
from accounts.moments import in_zone

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
    _TabularInline = admin.TabularInline[Any, Any]
    _Paginator = Paginator[Any]
    _ModelForm = forms.ModelForm[Any]
else:
    _ModelAdmin, _TabularInline = admin.ModelAdmin, admin.TabularInline
    _Paginator, _ModelForm = Paginator, forms.ModelForm

_ACTORS = "_desk_actors"


def person_of(request: HttpRequest) -> User:
    """The person who is logged in; the site lets nobody else as far as a ModelAdmin."""
    return cast("User", request.user)


def actors_for(request: HttpRequest) -> dict[int, Actor]:
    """Who the logged-in person is in each of their organisations; read once per request, empty for everybody else."""
    found: dict[int, Actor] | None = request.__dict__.get(_ACTORS)
    if found is None:
        user = request.user
        found = actors_of(user.pk) if user.is_authenticated and user.is_active and user.is_staff else {}
        request.__dict__[_ACTORS] = found
    return found


def runs_platform(request: HttpRequest) -> bool:
    """Whether the logged-in person is a platform administrator."""
    return bool(request.user.is_active and request.user.is_staff and request.user.is_superuser)


class CappedPaginator(_Paginator):
    """Counts no further than this many rows, so that a big table costs no full count."""

    most = 10_000

    @cached_property
    def count(self) -> int:
        return int(cast("QuerySet[Any]", self.object_list)[: self.most].count())


class GuardedAdmin(_ModelAdmin):
    """Denied by default: nobody may see, add, change or delete anything, and there are no rows.

    `nav_label` and `nav_order`: the link to the list, and its place among the others; by default the model's name.
    """

    nav_label: Any = ""
    nav_order = 100
    actions = None
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0
    view_on_site = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.all_rows(request).none()

    def all_rows(self, request: HttpRequest) -> QuerySet[Any]:
        """Every row there is, in order: what subclasses cut down to what the person may see."""
        return super().get_queryset(request)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only the very parameters of the declared filters: with anything longer, such as a path over relations to
        a password's hash, whoever sees one row more or less could guess what they may not read."""
        return lookup in set(_parameters(self.list_filter))


def _parameters(list_filter: Iterable[Any]) -> Iterable[str]:
    for item in list_filter:
        name = item[0] if isinstance(item, tuple) else item
        if isinstance(name, str):
            yield from (f"{name}{kind}" for kind in ("", "__exact", "__isnull", "__in"))
        else:
            yield name.parameter_name


def moment_column(name: str, label: Any) -> Any:
    """A column that shows a point in time with its zone."""

    @admin.display(description=label, ordering=name)
    def column(row: Model) -> SafeString | str:
        return in_zone(getattr(row, name))

    return column


class PlatformAdmin(GuardedAdmin):
    """The set-up of all organisations, for platform administrators. Nothing is deleted: it is switched off."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(
            request, {"title": capfirst(self.opts.verbose_name_plural)} | (extra_context or {})
        )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return runs_platform(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return runs_platform(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return runs_platform(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.all_rows(request) if runs_platform(request) else super().get_queryset(request)


def administers(request: HttpRequest, organisation_id: int) -> bool:
    """Whether the logged-in person may prepare settings of this organisation: its administrator, or the platform's."""
    actor = actors_for(request).get(organisation_id)
    return runs_platform(request) or (actor is not None and actor.membership.is_administrator)


class SettingsAdmin(PlatformAdmin):
    """A page of the set-up that an organisation's administrators open too, for the rows of their own organisations;
    for a model with a column `organisation`."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None:
            return administers(request, obj.organisation_id)
        return runs_platform(request) or bool(_administered(request))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        if runs_platform(request):
            return self.all_rows(request)
        return self.all_rows(request).filter(organisation__in=_administered(request))


def _administered(request: HttpRequest) -> list[int]:
    """The organisations that the logged-in person is an administrator of."""
    return [key for key, actor in actors_for(request).items() if actor.membership.is_administrator]


class PlatformForm(_ModelForm):
    """The form of a page of the set-up."""


class PlatformInline(_TabularInline):
    """Rows beside a platform administrator's form, to read; each is changed on its own page."""

    extra = 0
    can_delete = False
    show_change_link = True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return runs_platform(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MemberAdmin(GuardedAdmin):
    """The rows of an organisation, to read, for its active members; for a model with a column `organisation`."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        actors = actors_for(request)
        return bool(actors) and (obj is None or obj.organisation_id in actors)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.all_rows(request).filter(organisation__in=list(actors_for(request)))

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Django's history knows nothing of these rows; the audit trail does."""
        raise PermissionDenied

    def actor_for(self, request: HttpRequest, row: Model) -> Actor:
        """Who the logged-in person is in the organisation of a row that `get_queryset` has let through."""
        return actors_for(request)[row.organisation_id]  # type: ignore[attr-defined]

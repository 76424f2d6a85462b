"""Organisations: made once with the incumbent's id, renamed, switched off."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin_guard import PlatformAdmin, PlatformForm
from accounts.models import Organisation


def _time_zones() -> list[tuple[str, str]]:
    return [(name, name) for name in sorted(available_timezones())]


class OrganisationForm(PlatformForm):
    time_zone = forms.ChoiceField(
        label=_("Time zone"), choices=_time_zones, initial="UTC",
        help_text=_("The desk shows times in this zone; the API prints naive local times in it."),
    )  # fmt: skip

    class Meta:
        model = Organisation
        fields = ("id", "name", "time_zone", "requires_second_factor", "fresh_password_above", "is_active")


@admin.register(Organisation)
class OrganisationAdmin(PlatformAdmin):
    nav_order = 10
    form = OrganisationForm
    list_display = ("name", "number", "time_zone", "requires_second_factor", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "=id")
    ordering = ("name",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("number",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("id" if obj is None else "number", *OrganisationForm.Meta.fields[1:])

    @admin.display(description=_("organisation id"), ordering="id")
    def number(self, organisation: Organisation) -> str:
        return str(organisation.pk)

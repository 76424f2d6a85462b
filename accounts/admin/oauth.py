"""OAuth clients, to read: which there are and as whom they act. `create_oauth_client` makes them and their secrets."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import Application

from accounts.admin_guard import PlatformAdmin, moment_column

_CREATED = moment_column("created", _("created"))
_UPDATED = moment_column("updated", _("updated"))


@admin.register(Application)
class OAuthClientAdmin(PlatformAdmin):
    nav_label = _("OAuth clients")
    nav_order = 40
    list_display = ("name", "client_id", "user", _CREATED)
    list_select_related = ("user",)
    search_fields = ("name", "client_id", "user__username")
    ordering = ("name",)
    fields = ("name", "client_id", "user", _CREATED, _UPDATED)
    readonly_fields = (_CREATED, _UPDATED)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

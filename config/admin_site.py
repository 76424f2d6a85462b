"""The admin site: Django's own, for people who belong to an organisation or run the platform."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.utils.translation import gettext_lazy as _


class GoodwillAdminSite(AdminSite):
    site_header = _("Goodwill")
    site_title = _("Goodwill")
    index_title = _("Your desk")
    enable_nav_sidebar = False

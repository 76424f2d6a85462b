"""The admin site: Django's own, for people who belong to an organisation or run the platform.

It refuses to register an admin class that is not guarded (accounts.admin_guard), so that a page without rules cannot
be added by forgetting them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts import password_pages, second_factor_pages
from accounts.admin_guard import GuardedAdmin, MemberAdmin, PlatformAdmin, actors_for
from workflows import desk
from workflows.models import AdminTask

# They register pages of their own: groups and permissions, which nothing here follows, and tokens.
_UNWANTED = ("django.contrib.", "django_otp.", "oauth2_provider.")


@dataclass(frozen=True, slots=True)
class NavItem:
    """A link at the top of every page; `badge` counts what waits there."""

    label: str
    url: str
    is_current: bool
    badge: desk.Count | None = None


class GoodwillAdminSite(AdminSite):
    site_header = _("Goodwill")
    site_title = _("Goodwill")
    index_title = _("Your desk")
    site_url = None
    enable_nav_sidebar = False

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.disable_action("delete_selected")

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Every page waits until who has to has shown a second factor, and chosen a password of their own."""
        return super().admin_view(second_factor_pages.guarded(self, view), cacheable)

    def get_urls(self) -> list[Any]:
        from workflows.admin import making, notifications  # not before the site exists: it registers pages with it

        return [*second_factor_pages.urls(self), *making.urls(self), *notifications.urls(self), *super().get_urls()]

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return password_pages.change(self, request, extra_context)

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register guarded pages; leave out those of libraries.

        Raises:
            ImproperlyConfigured: the class does not derive from `GuardedAdmin`.
        """
        if admin_class is not None and admin_class.__module__.startswith(_UNWANTED):
            return
        if admin_class is None or not issubclass(admin_class, GuardedAdmin):
            raise ImproperlyConfigured(
                f"{admin_class or model_or_iterable} must derive from PlatformAdmin or MemberAdmin of"
                " accounts.admin_guard, so that it is denied by default."
            )
        super().register(model_or_iterable, admin_class, **options)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {
            **super().each_context(request),
            "nav_items": self._nav_items(request),
            "may_set_up": bool(self._items(request, PlatformAdmin)),
        }

    def _nav_items(self, request: HttpRequest) -> list[NavItem]:
        from workflows.admin import making

        making_pages = making.pages_for(actors_for(request))
        made = [NavItem(label, url, request.path.startswith(url)) for label, url in making_pages]
        items = self._items(request, MemberAdmin)
        return [*items[:1], *made, *items[1:]]

    def _items(self, request: HttpRequest, kind: type[GuardedAdmin]) -> list[NavItem]:
        pages = [page for page in self._registry.values() if isinstance(page, kind)]
        return [
            self._nav_item(request, page)
            for page in sorted(pages, key=lambda page: page.nav_order)
            if page.has_view_permission(request)
        ]

    def _nav_item(self, request: HttpRequest, page: GuardedAdmin) -> NavItem:
        url = reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist", current_app=self.name)
        badge = desk.count_waiting(actors_for(request)) if page.model is AdminTask else None
        label = str(page.nav_label or capfirst(page.opts.verbose_name_plural))
        return NavItem(label, url, request.path.startswith(url), badge or None)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """What waits for the one who has just come in, and for administrators the set-up."""
        from workflows.admin.home import home_of

        actors = actors_for(request)
        context = {
            "is_home": True,
            "summary": desk.summary(actors) if actors else None,
            "home": home_of(request) if actors else None,
            "set_up": self._items(request, PlatformAdmin),
            **(extra_context or {}),
        }
        return super().index(request, context)

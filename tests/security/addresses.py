"""Every address of the admin, read off the URL configuration, with the keys of an estate's rows filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import ForeignKey, Model
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern

from tests.security.estate import Estate

PREFIX = "/admin/"
KEY = re.compile(r"<(?:\w+:)?(\w+)>")
# The catch-all says that there is no such page; the look-up by content type is that of the sites framework.
NAMELESS = {"url": ["nowhere/"], "content_type_id": ["1"]}


def patterns() -> Iterator[tuple[str, URLPattern]]:
    """Route and pattern of every view of the admin."""
    resolver = next(each for each in get_resolver().url_patterns if getattr(each, "app_name", None) == "admin")
    yield from _below(PREFIX, resolver)


def _below(prefix: str, resolver: URLResolver) -> Iterator[tuple[str, URLPattern]]:
    for each in resolver.url_patterns:
        route = f"{prefix}{_route(each.pattern)}"
        if isinstance(each, URLResolver):
            yield from _below(route, each)
        else:
            yield route, each


def _route(pattern: Any) -> str:
    """A route with `<name>` for what is captured, whether it was written as a route or as an expression."""
    text = str(pattern)
    if not isinstance(pattern, RegexPattern):
        return text
    return re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", text.strip("^$"))


def addresses(estate: Estate, *, most: int, views: tuple[str, ...] | None = None) -> list[str]:
    """Every view with keys of the estate's rows, at most so many of a model; `views` names those of a row to visit."""
    found = set()
    for route, _ in patterns():
        if views is None or "<path:object_id>" not in route or route.endswith(tuple(f">/{view}" for view in views)):
            found.update(_filled(route, estate, most))
    return sorted(found)


def _filled(route: str, estate: Estate, most: int) -> Iterator[str]:
    names = KEY.findall(route)
    if not names:
        yield route
        return
    for value in _values(names[0], route, estate)[:most]:
        yield from _filled(KEY.sub(value, route, count=1), estate, most)


def _values(name: str, route: str, estate: Estate) -> list[str]:
    if name in NAMELESS:
        return NAMELESS[name]
    if name == "app_label":
        return sorted({model._meta.app_label for model in admin.site._registry})
    return estate.rows_of(model_of(route))


def model_of(route: str) -> type[Model]:
    """The model whose pages lie below this address; that of the first one where the address names none."""
    for model in admin.site._registry:
        if route.startswith(f"{PREFIX}{model._meta.app_label}/{model._meta.model_name}/"):
            return model
    return next(iter(admin.site._registry))


def lists() -> list[tuple[str, type[Model]]]:
    """The change list of every model."""
    return [(f"{PREFIX}{model._meta.app_label}/{model._meta.model_name}/", model) for model in admin.site._registry]


def lookups(text: str) -> Iterator[str]:
    """Autocomplete requests for every foreign key of every model, a text as their term."""
    for model in admin.site._registry:
        for each in model._meta.fields:
            if isinstance(each, ForeignKey):
                asked = f"app_label={model._meta.app_label}&model_name={model._meta.model_name}&field_name={each.name}"
                yield f"{PREFIX}autocomplete/?{asked}&term={text}"

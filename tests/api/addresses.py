"""Every address of the API, read off the URL configuration, so that no test can forget one."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver


def api_addresses() -> dict[str, URLPattern]:
    """Every address but those of the admin, by the name that it is reversed with."""
    return {
        str(pattern.name): pattern
        for path, pattern in _walk(get_resolver().url_patterns)
        if not path.startswith("admin/")
    }


def _walk(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, prefix + str(pattern.pattern))
        else:
            yield prefix + str(pattern.pattern), pattern

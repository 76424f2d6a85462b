"""A process that serves has loaded what it needs, and its garbage collector leaves that alone.

A full collection walks through everything that is alive: modules, models, forms and URLs of this service are two
hundred thousand objects, 130 ms during which every thread of the process stands still (`tests/config/test_settled.py`).
None of them ever becomes garbage.
"""

from __future__ import annotations

import gc


def settle() -> None:
    """Load what the first request would load, and put all there is where the collector does not look."""
    from django.urls import get_resolver

    get_resolver().reverse_dict  # noqa: B018 - reads every URL with its views, and the admin with its models
    gc.collect()
    gc.freeze()

"""Changes of a document, each a pure function from one to the next; all of them are validated as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from workflows.terms.document import Limit, Rule, Terms

Part = Literal["rules", "limits"]


class NotThere(LookupError):
    """No rule or limit stands at this place (any more)."""


def with_settings(terms: Terms, values: Mapping[str, Any]) -> Terms:
    """Everything that the values name, the rest as it was.

    Raises:
        pydantic.ValidationError: not a document.
    """
    return Terms.model_validate({**_parts(terms), **values})


def with_item(terms: Terms, part: Part, at: int | None, item: Rule | Limit) -> Terms:
    """The item in place of the one at `at`; at the end where that is None."""
    items = list(getattr(terms, part))
    if at is None:
        items.append(item)
    else:
        items[_place(items, at)] = item
    return with_settings(terms, {part: tuple(items)})


def without_item(terms: Terms, part: Part, at: int) -> Terms:
    items = list(getattr(terms, part))
    del items[_place(items, at)]
    return with_settings(terms, {part: tuple(items)})


def moved(terms: Terms, part: Part, at: int, by: int) -> Terms:
    """The item so many places further down, or up; at an end it stays."""
    items = list(getattr(terms, part))
    item = items.pop(_place(items, at))
    items.insert(max(0, at + by), item)
    return with_settings(terms, {part: tuple(items)})


def item_at(terms: Terms, part: Part, at: int) -> Any:
    """The rule or limit at this place.

    Raises:
        NotThere: there is none.
    """
    items = getattr(terms, part)
    return items[_place(items, at)]


def _place(items: Any, at: int) -> int:
    if not 0 <= at < len(items):
        raise NotThere
    return at


def _parts(terms: Terms) -> dict[str, Any]:
    return {name: getattr(terms, name) for name in Terms.model_fields}

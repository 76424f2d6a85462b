"""In which order a list stands, and how the place of a row in it is written into an address and read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from workflows.models.tasks import or_nothing

OLDEST, NEWEST = "oldest", "newest"
_SEPARATOR: Final = "~"
_AMOUNT: Final = models.DecimalField(max_digits=36, decimal_places=6)


@dataclass(frozen=True, slots=True)
class Key:
    """A column that rows are ordered by: its name in look-ups, where a row holds it, and what reads its text."""

    lookup: str
    column: models.Field[Any, Any]
    path: str = ""

    def of(self, row: models.Model) -> str:
        value = attrgetter(self.path or self.lookup)(row)
        return value.isoformat() if isinstance(value, datetime) else str(value)


@dataclass(frozen=True, slots=True)
class Order:
    """One way to order a list. The keys together are unique, none is ever empty, and all run the same way.

    Attributes:
        name: as it stands in the address.
        column: the column of the list that shows it.
        computed: keys that are no columns, by name; an index holds each of them.
    """

    name: str
    label: Any
    keys: tuple[Key, ...]
    is_descending: bool = False
    column: str = "since"
    computed: dict[str, Any] = field(default_factory=dict)

    def of(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows in this order."""
        ordered: QuerySet[Any] = rows.annotate(**self.computed).order_by(*self.as_ordering())
        return ordered

    def as_ordering(self) -> list[str]:
        sign = "-" if self.is_descending else ""
        return [f"{sign}{key.lookup}" for key in self.keys]

    def place_of(self, row: models.Model) -> str:
        return _SEPARATOR.join(key.of(row) for key in self.keys)

    def read(self, place: str) -> list[Any]:
        """The values of a place.

        Raises:
            ValueError: nothing in this list can have it.
        """
        texts = place.split(_SEPARATOR)
        if len(texts) != len(self.keys):
            raise ValueError("a place of another order")
        try:
            return [key.column.to_python(text) for key, text in zip(self.keys, texts, strict=True)]
        except (ValidationError, OverflowError) as error:
            raise ValueError("not a place") from error

    def beyond(self, values: Sequence[Any], *, backwards: bool = False) -> Q:
        """The rows after a place, or before it."""
        return _beyond(self.keys, values, "lt" if self.is_descending != backwards else "gt")

    def up_to(self, values: Sequence[Any], *, backwards: bool = False) -> Q:
        """The rows that come no later than a place, itself with them, seen from the same side as `beyond`."""
        return _beyond(self.keys, values, "gt" if self.is_descending != backwards else "lt", itself="e")


def _beyond(keys: Sequence[Key], values: Sequence[Any], side: str, *, itself: str = "") -> Q:
    """Compared key by key; the first one stands alone and narrows the index. `itself`: "e" takes in the place, too."""
    first, *others = keys
    if not others:
        return Q(**{f"{first.lookup}__{side}{itself}": values[0]})
    further = Q(**{f"{first.lookup}__{side}": values[0]}) | _beyond(others, values[1:], side, itself=itself)
    return Q(**{f"{first.lookup}__{side}e": values[0]}) & further


def by_columns(model: type[models.Model], *names: str) -> tuple[Order, Order]:
    """Oldest first and newest first, by these columns of the model."""
    keys = tuple(Key(name, model._meta.get_field(name)) for name in names)  # type: ignore[arg-type]
    return Order(OLDEST, _("Oldest first"), keys), Order(NEWEST, _("Newest first"), keys, is_descending=True)


def by_amount(
    name: str,
    label: Any,
    path: str,
    tail: tuple[Key, ...],
    *,
    column: str,
    is_descending: bool = False,
) -> Order:
    """By a number that may be missing."""
    return Order(
        name, label, (Key("in_order_of", _AMOUNT), *tail), is_descending=is_descending, column=column,
        computed={"in_order_of": or_nothing(path)},
    )  # fmt: skip

"""Plots without a script: their geometry here, drawn as SVG by templates/desk/plot_*.html, each beside its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

WIDTH: Final = 10
HEIGHT: Final = 100
_GAP: Final = 1.5


@dataclass(frozen=True, slots=True)
class Bar:
    """A row: `share` is its length in hundredths of the longest."""

    label: Any
    text: str
    link: str
    share: float


@dataclass(frozen=True, slots=True)
class Bars:
    title: str
    heads: tuple[str, str]
    bars: list[Bar]

    def __bool__(self) -> bool:
        return any(bar.share for bar in self.bars)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a column; the numbers are written as SVG wants them, whatever the reader's language."""

    tone: str
    label: Any
    text: str
    link: str
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class Column:
    label: str
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns from left to right; `top` is what the upper edge stands for."""

    title: str
    legend: list[tuple[str, Any]]
    columns: list[Column]
    top: str
    is_empty: bool

    @property
    def width(self) -> int:
        return WIDTH * len(self.columns)


Given = tuple[str, Sequence[float], Sequence[str], Sequence[str]]


def bars(title: str, heads: tuple[str, str], rows: Sequence[tuple[Any, float, str, str]]) -> Bars:
    """Lying bars; each row is label, value, the value in words, and where it leads."""
    longest = max((value for _label, value, _text, _link in rows), default=0)
    return Bars(title, heads, [Bar(label, text, link, _share(value, longest)) for label, value, text, link in rows])


def _share(value: float, longest: float) -> float:
    return round(100 * value / longest, 2) if longest else 0.0


def stacked(title: str, legend: list[tuple[str, Any]], given: Sequence[Given]) -> Columns:
    """Every column is the sum of its parts."""
    top = max((sum(values) for _label, values, _texts, _links in given), default=0.0)
    columns = []
    for place, (label, values, texts, links) in enumerate(given):
        parts, below = [], 0.0
        for (tone, name), value, text, link in zip(legend, values, texts, links, strict=True):
            below += value
            parts.append(_part(tone, name, text, link, place, value=value, upper=below, top=top))
        columns.append(Column(label, parts))
    return Columns(title, legend, columns, f"{top:n}", is_empty=not top)


def overlaid(title: str, legend: list[tuple[str, Any]], given: Sequence[Given], say: Callable[[float], str]) -> Columns:
    """Every part begins at the ground; later ones are drawn first, for they are taller."""
    top = max((max(values) for _label, values, _texts, _links in given), default=0.0)
    columns = [
        Column(
            label,
            [
                _part(tone, name, text, link, place, value=value, upper=value, top=top)
                for (tone, name), value, text, link in zip(legend, values, texts, links, strict=True)
            ],
        )
        for place, (label, values, texts, links) in enumerate(given)
    ]
    return Columns(title, legend, columns, say(top), is_empty=not top)


def _part(tone: str, name: Any, text: str, link: str, place: int, *, value: float, upper: float, top: float) -> Part:
    return Part(
        tone, name, text, link, x=f"{place * WIDTH + _GAP / 2:.2f}", y=f"{HEIGHT - _share(upper, top):.2f}",
        width=f"{WIDTH - _GAP:.2f}", height=f"{_share(value, top):.2f}",
    )  # fmt: skip

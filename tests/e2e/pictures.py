"""Keeps pictures of pages small: a page has few colours, and 256 of them are hard to tell from all."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from PIL import Image

MOST_BYTES = 200_000
# As many are kept as they are, so that no ground gets a tinge; the others stand for what is left, such as the edges of
# letters and a legend's few pixels.
_EXACT, _COLOURS = 128, 256


def keep_small(picture: Path) -> int:
    """Write the picture again with a palette; its size in bytes.

    Raises:
        SystemExit: it is larger than `MOST_BYTES` all the same.
    """
    with Image.open(picture) as opened:
        page = opened.convert("RGB")
    page.quantize(palette=_palette_of(page), dither=Image.Dither.NONE).save(picture, optimize=True)
    size = picture.stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(f"{picture.name} is larger than {MOST_BYTES:,} bytes: show less of the page.")
    return size


def _palette_of(page: Image.Image) -> Image.Image:
    counted: Any = page.getcolors(page.width * page.height)
    colours = Counter({colour: number for number, colour in counted})
    exact = [value for colour, _number in colours.most_common(_EXACT) for value in colour]
    covering = page.quantize(_COLOURS - _EXACT, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([*exact, *covering[: 3 * (_COLOURS - _EXACT)]])
    return palette

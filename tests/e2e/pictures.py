"""Keeps the pictures of the documentation small: a page has few colours, and 256 of them are hard to tell from all."""

from __future__ import annotations

from pathlib import Path

MOST_BYTES = 200_000
_COLOURS = 256


def keep_small(picture: Path) -> int:
    """Write the picture again with a palette; its size in bytes.

    Raises:
        SystemExit: it is larger than `MOST_BYTES` all the same.
    """
    from PIL import Image

    with Image.open(picture) as opened:
        # This way alone keeps the colours of small areas, such as those of a legend.
        few = opened.convert("RGB").quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(picture, optimize=True)
    size = picture.stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(f"{picture.name} is larger than {MOST_BYTES:,} bytes: show less of the page.")
    return size

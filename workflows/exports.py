"""What every export shares: a cell that a spreadsheet must not run as a formula, and how to read it back."""

from __future__ import annotations

import re

# What Excel, LibreOffice and Google Sheets take for the beginning of a formula, also in its full-width form, and the
# white space that they skip before it. A text that begins with the mark itself is marked once more, so that
# `undefused` gives every text back as it was.
_MARK = "'"
_BEGINS_FORMULA = re.compile(r"'*\s*[=+\-@\t\r\n＝＋－＠|%]")
_IS_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


def defused(value: str) -> str:
    """The text as a cell of a spreadsheet: one that could run as a formula begins with an apostrophe.

    A plain negative number is left alone.
    """
    if _BEGINS_FORMULA.match(value) and not _IS_NUMBER.fullmatch(value):
        return _MARK + value
    return value


def undefused(value: str) -> str:
    """The text that `defused` was given."""
    if value[:1] == _MARK and _BEGINS_FORMULA.match(value[1:]):
        return value[1:]
    return value

"""Write the generated parts of the documentation: `python -m docs.generate`, with settings but without servers.

A part stands between two comments in its file; everything around it is written by hand.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django

ROOT = Path(__file__).resolve().parents[1]


def states() -> str:
    from workflows.states import as_markdown

    return as_markdown()


def environment() -> str:
    from config.environment import table

    return table()


def operations() -> str:
    """Every operation with the statuses and codes that it can answer."""
    from drf_spectacular.generators import SchemaGenerator

    schema = SchemaGenerator().get_schema(public=True)
    rows = ["| operation | what it does | refusals: HTTP status and codes |", "|---|---|---|"]
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            refusals = "; ".join(f"{status}: {', '.join(codes)}" for status, codes in _codes(operation))
            rows.append(f"| `{method.upper()} {path}` | {operation['summary']} | {refusals} |")
    return "\n".join(rows)


def _codes(operation: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    for status, response in sorted(operation["responses"].items()):
        codes = re.findall(r"^\* `(\d+)`", response["description"], re.MULTILINE)
        if codes:
            yield status, list(dict.fromkeys(codes))


PARTS: dict[str, dict[str, Callable[[], str]]] = {
    "README.md": {"environment": environment},
    "docs/states.md": {"states": states},
    "docs/api.md": {"operations": operations},
}


def written(text: str, name: str, content: str) -> str:
    """The text with the part of this name replaced.

    Raises:
        ValueError: its two comments are not there exactly once.
    """
    opening, closing = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
    if text.count(opening) != 1 or text.count(closing) != 1:
        raise ValueError(f"{opening} and {closing} must stand in the file once each")
    before, rest = text.split(opening)
    after = rest.split(closing)[1]
    return f"{before}{opening}\n\n{content}\n\n{closing}{after}"


def expected(name: str) -> str:
    """What a file must hold, given what is written by hand in it."""
    text = (ROOT / name).read_text()
    for part, content in PARTS[name].items():
        text = written(text, part, content())
    return text


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    for name in PARTS:
        (ROOT / name).write_text(expected(name))


if __name__ == "__main__":
    main()

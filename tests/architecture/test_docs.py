"""The documentation is current, its links lead somewhere, and what it claims about codes and commands is so."""

from __future__ import annotations

import re
import shlex
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.db import connection

from config.environment import table
from docs import generate
from tests.architecture.described import read_description
from tests.architecture.house_rules import ROOT, modules
from tests.house import House

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


@pytest.mark.parametrize("name", generate.PARTS)
def test_the_generated_parts_are_current(name: str) -> None:
    assert (ROOT / name).read_text() == generate.expected(name), "run `make docs`"


def test_the_table_of_variables_stands_in_the_readme() -> None:
    assert table() in (ROOT / "README.md").read_text()


def test_a_file_without_its_marks_is_an_error_and_not_left_alone() -> None:
    with pytest.raises(ValueError, match="must stand in the file once"):
        generate.written("no marks here", "states", "content")
    marked = "before\n<!-- generated: states -->\nold\n<!-- end: states -->\nafter\n"
    assert generate.written(marked, "states", "new") == (
        "before\n<!-- generated: states -->\n\nnew\n\n<!-- end: states -->\nafter\n"
    )


def _links(text: str) -> list[str]:
    without_code = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", without_code) if "://" not in link]


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    page = ROOT / name
    broken = [link for link in _links(page.read_text()) if not (page.parent / link.partition("#")[0]).exists()]
    assert broken == []


def test_the_check_of_links_finds_them() -> None:
    assert _links("see [a](b.md) and ![c](d/e.svg), not [f](https://example.com)") == ["b.md", "d/e.svg"]


def test_every_page_can_be_reached_from_the_readme() -> None:
    found, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page.is_dir():
            waiting += page.glob("*.md")
        elif page.suffix == ".md" and page not in found:
            found.add(page)
            waiting += [(page.parent / link.partition("#")[0]).resolve() for link in _links(page.read_text())]
    assert found == set(PAGES)


def test_every_page_that_the_code_names_exists() -> None:
    named = {(path, name) for path, source in modules() for name in re.findall(r"docs/[\w./-]*\w", source)}
    assert len(named) > 5
    missing = [(path, name) for path, name in named if not (ROOT / name).exists() and not list(ROOT.glob(f"{name}-*"))]
    assert missing == []


def test_the_table_of_codes_has_every_code_that_can_appear() -> None:
    rows = re.findall(r"^\| (\d{4}) \| (\d{3}) \|", (ROOT / "docs/api.md").read_text(), re.MULTILINE)
    described = {
        (code, status)
        for operation in read_description().operations()
        for status, response in operation.content["responses"].items()
        for code in re.findall(r"^\* `(\d+)`", response["description"], re.MULTILINE)
    }
    assert len(rows) == len(set(rows))
    assert set(rows) == described


def _commands_of_the_docs() -> Iterator[tuple[str, list[str]]]:
    for page in PAGES:
        text = page.read_text()
        for line in re.findall(r"python manage\.py ([^`\n#]+)", text):
            name, *arguments = shlex.split(line)
            yield name, arguments


def test_every_management_command_of_the_docs_takes_its_arguments() -> None:
    commands = list(_commands_of_the_docs())
    assert len(commands) > 10
    apps = get_commands()
    for name, arguments in commands:
        app = apps[name]
        command = load_command_class(app, name) if isinstance(app, str) else app
        parser = command.create_parser("manage.py", name)
        known = [argument.replace("REQUEST_ID", "0198f0c2-6f5e-7b3a-9c41-2f1d7a6be0aa") for argument in arguments]
        parser.parse_args(known)


def test_the_queries_for_operators_run(house: House) -> None:
    house.submit()
    [block] = re.findall(r"```sql\n(.*?)```", (ROOT / "docs/operations.md").read_text(), re.DOTALL)
    queries = [query for query in re.sub(r"^--.*$", "", block, flags=re.MULTILINE).split(";") if query.strip()]
    assert len(queries) == 8
    found = []
    with connection.cursor() as cursor:
        for query in queries:
            cursor.execute(query)
            found.append(cursor.fetchall())
    assert found[0] == [(0, 0)]
    assert [row[:2] for row in found[2]] == [(house.organisation.pk, 1)]


def test_every_target_of_the_makefile_that_the_docs_name_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {target for page in PAGES for target in re.findall(r"\bmake ([a-z-]+)`", page.read_text())}
    named |= set(re.findall(r"^make ([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert {"run", "demo", "test"} <= named
    assert named <= targets


def test_the_decisions_are_numbered_without_a_gap_and_say_why() -> None:
    pages = sorted((ROOT / "docs/adr").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text()
        assert text.startswith(f"# {page.name[:4]}: "), page.name
        assert [part in text for part in ("**Context.**", "**Decision.**", "**Consequences.**")] == [True] * 3, (
            page.name
        )


def test_pictures_say_in_words_what_they_show() -> None:
    pictures = sorted((ROOT / "docs/images").glob("*.svg"))
    assert pictures
    for picture in pictures:
        names = {element.tag.rpartition("}")[2] for element in ElementTree.parse(picture).iter()}
        assert {"title", "desc"} <= names, picture.name
        assert "script" not in names, picture.name


def test_the_changelog_has_unreleased_on_top() -> None:
    headings = re.findall(r"^## (.+)$", Path(ROOT / "docs/changelog.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"

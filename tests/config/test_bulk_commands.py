"""What every bulk command has: help with an example that works, the organisation, and one way to end."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from django.core.management import CommandError, call_command, load_command_class

from accounts.management.bulk import BulkCommand

COMMANDS = {
    "backfill_goodwill": "goodwill", "export_goodwill": "goodwill", "export_requests": "workflows",
    "submit_requests": "workflows", "decide_requests": "workflows",
}  # fmt: skip


@pytest.mark.parametrize(("name", "app"), COMMANDS.items())
def test_the_help_shows_an_example_that_the_command_takes(name: str, app: str) -> None:
    command: Any = load_command_class(app, name)
    assert isinstance(command, BulkCommand)
    text = command.create_parser("manage.py", name).format_help()
    assert f"example:\n  {command.example}" in text
    _, _, given, *arguments = shlex.split(command.example)
    assert given == name
    options = command.create_parser("manage.py", name).parse_args(arguments)
    assert options.org == 51250


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("export_goodwill", []), ("export_requests", []), ("submit_requests", ["x.csv", "--as", "nobody"]),
        ("decide_requests", ["x.csv", "--as", "nobody"]),
    ],
)  # fmt: skip
def test_an_unknown_organisation_or_user_is_named(name: str, arguments: list[str]) -> None:
    with pytest.raises(CommandError, match=r"There is no (organisation 9|user 'nobody')"):
        call_command(name, "--org", "9", *arguments)

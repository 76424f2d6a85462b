"""`manage.py intouch_sandbox`: a stand-in for the Intouch API, for development and demonstrations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflows.sandbox.__main__ import CannotStart, add_options, run


class Command(BaseCommand):
    """Needs no database and no system checks, so it runs before either is in order."""

    help = "Run a stand-in for the Intouch API that remembers what it credited and can be told to fail."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add_options(parser)

    def handle(self, *args: Any, host: str, port: int, ledger: Path | None, **options: Any) -> None:
        """Serve until SIGTERM or SIGINT."""
        try:
            run(host=host, port=port, ledger=ledger)
        except CannotStart as error:
            raise CommandError(str(error)) from error

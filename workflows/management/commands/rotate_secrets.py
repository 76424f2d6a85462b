"""`rotate_secrets`: after a new first key was put into FIELD_ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wire.secrets import SecretUnreadable
from workflows import key_rotation


class Command(BaseCommand):
    help = (
        "Seal every stored credential under the first key of FIELD_ENCRYPTION_KEYS. It may be stopped and run again."
        " When it reports no other key in use, the old one can be taken out of the ring."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say which keys are in use, and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["dry_run"]:
            try:
                done = key_rotation.rotate(on_progress=lambda count: self.stdout.write(f"{count} so far"))
            except SecretUnreadable as error:
                raise CommandError(str(error)) from None
            self.stdout.write(f"{done} sealed anew")
        self.stdout.write(f"keys in use: {', '.join(sorted(key_rotation.stored_key_ids())) or 'none'}")

"""`resume --org 51250 --as olga --type GOODWILL-POINTS`"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.actors import Actor
from workflows import operations
from workflows.management.operating import OperatingCommand


class Command(OperatingCommand):
    help = "Lift a pause and close the circuit breakers; what is due is carried out within one sweep."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--type", default="", help="the type that was named when pausing")

    def operate(self, actor: Actor, options: dict[str, Any]) -> None:
        if options["dry_run"]:
            self.stdout.write(f"would resume {options['type'] or 'every type'} of {actor.organisation}")
            return
        resumed = operations.resume(actor=actor, request_type=options["type"])
        self.stdout.write("resumed" if resumed else "was not paused")

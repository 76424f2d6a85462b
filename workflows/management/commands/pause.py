"""`pause --org 51250 --as olga --type GOODWILL-POINTS --reason "Intouch maintenance"`"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.actors import Actor
from workflows import operations, registry
from workflows.management.operating import OperatingCommand


class Command(OperatingCommand):
    help = "Stop carrying out approved requests of an organisation, or of one type. Decisions are taken all the same."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--type", default="", help="only this request type")
        parser.add_argument("--reason", required=True)

    def operate(self, actor: Actor, options: dict[str, Any]) -> None:
        slug = registry.get(options["type"]).slug if options["type"] else ""
        if options["dry_run"]:
            self.stdout.write(f"would pause {slug or 'every type'} of {actor.organisation}")
            return
        paused = operations.pause(actor=actor, request_type=slug, reason=options["reason"])
        self.stdout.write("paused" if paused else "was paused already")

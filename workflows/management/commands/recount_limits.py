"""`recount_limits --org 51250 --as olga --type GOODWILL-POINTS`"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.actors import Actor
from workflows import registry
from workflows.management.operating import OperatingCommand
from workflows.rules import recount


class Command(OperatingCommand):
    help = "Count what limits count anew, from the requests themselves. Submissions wait meanwhile."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--type", required=True, help="the request type")

    def operate(self, actor: Actor, options: dict[str, Any]) -> None:
        slug = registry.get(options["type"]).slug
        if options["dry_run"]:
            self.stdout.write(f"would count the limits of {slug} of {actor.organisation} anew")
            return
        counted = recount.recount(actor=actor, request_type=slug)
        self.stdout.write(f"counted anew per {', '.join(counted)}" if counted else "there are no limits")

"""`create_organisation --id 51250 --name Demo --time-zone Asia/Kolkata`"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts import services
from accounts.management.printing import SetUpCommand


class Command(SetUpCommand):
    help = "Create an organisation with the incumbent's id, or rename it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--id", type=int, required=True)
        parser.add_argument("--name", required=True)
        parser.add_argument("--time-zone", default="UTC", help="IANA name; the API prints local times in it")

    def set_up(self, options: dict[str, Any]) -> dict[str, Any]:
        made, created = services.create_organisation(
            organisation_id=options["id"], name=options["name"], time_zone=options["time_zone"]
        )
        return {"id": made.pk, "name": made.name, "time_zone": made.time_zone, "created": created}

"""`create_ui_token --org 51250 --username maya`"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts import ui_tokens
from accounts.actors import actor_in
from accounts.management.printing import SetUpCommand, organisation, user


class Command(SetUpCommand):
    help = "Issue a UI token for a person who may make or check requests."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--org", type=int, required=True, help="organisation id")
        parser.add_argument("--username", required=True)

    def set_up(self, options: dict[str, Any]) -> dict[str, Any]:
        tenant = organisation(options["org"])
        actor = actor_in(user_id=user(options["username"]).pk, organisation_id=tenant.pk)
        token, lifetime = ui_tokens.issue(actor)
        return {"username": options["username"], "token": token, "ttl_seconds": lifetime}

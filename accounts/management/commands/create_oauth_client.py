"""`create_oauth_client --username crm --name "CRM production"`"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts import services
from accounts.management.printing import SetUpCommand, user


class Command(SetUpCommand):
    help = "Create an OAuth client that acts as a service account. Its secret is generated and shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--username", required=True, help="of the service account")
        parser.add_argument("--name", default="default", help="tells several clients of one account apart")
        parser.add_argument("--new-secret", action="store_true", help="replace the secret")

    def set_up(self, options: dict[str, Any]) -> dict[str, Any]:
        account = user(options["username"])
        if not account.is_service_account:
            raise CommandError("An OAuth client acts as a service account; this user is a person.")
        issued = services.ensure_oauth_client(account, name=options["name"], rotate=options["new_secret"])
        return {"username": account.username, "name": options["name"], "key": issued.key, "secret": issued.secret}

"""`create_service_account --org 51250 --username crm --role maker`"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from accounts import services
from accounts.management.printing import SetUpCommand, add_scope_and_roles, organisation, roles_of, scope_of
from accounts.models import UserKind


class Command(SetUpCommand):
    help = "Create a service account and its membership. Its secret is generated and shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--org", type=int, required=True, help="organisation id")
        parser.add_argument("--username", required=True)
        parser.add_argument("--id", type=int, help="the incumbent's id of the user")
        parser.add_argument("--new-secret", action="store_true", help="revoke the old secret and make a new one")
        add_scope_and_roles(parser)

    @transaction.atomic  # a refused command leaves nothing behind
    def set_up(self, options: dict[str, Any]) -> dict[str, Any]:
        tenant = organisation(options["org"])
        account, created = services.create_user(
            username=options["username"], kind=UserKind.SERVICE, user_id=options["id"], name=options["username"]
        )
        roles = roles_of(options)
        services.set_membership(user=account, organisation=tenant, roles=roles, scope=scope_of(options))
        issued = services.ensure_service_secret(account, rotate=options["new_secret"])
        return {
            "id": account.pk, "username": account.username, "organisation": tenant.pk, "roles": options["role"],
            "created": created, "secret": issued.secret,
        }  # fmt: skip

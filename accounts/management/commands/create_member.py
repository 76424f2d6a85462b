"""`create_member --org 51250 --username maya --email maya@example.com --role maker`"""

from __future__ import annotations

import os
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.management.base import CommandParser
from django.db import transaction

from accounts import services
from accounts.hashers import generate_secret
from accounts.management.printing import (
    SetUpCommand,
    add_scope_and_roles,
    decimal_number,
    organisation,
    roles_of,
    scope_of,
)
from accounts.models import User, UserKind


class Command(SetUpCommand):
    help = (
        "Create a person and their membership, or set the roles of an existing one. The password is read from the"
        " variable GOODWILL_PASSWORD, or generated and shown once; an existing one stays unless --new-password."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--org", type=int, required=True, help="organisation id")
        parser.add_argument("--username", required=True)
        parser.add_argument("--email", default="")
        parser.add_argument("--name", default="", help="shown in the history")
        parser.add_argument("--code", default="", help="the incumbent's code of the user")
        parser.add_argument("--id", type=int, help="the incumbent's id of the user")
        parser.add_argument("--no-admin", action="store_true", help="may not log in to the admin")
        parser.add_argument("--superuser", action="store_true", help="runs the platform: organisations, users, targets")
        parser.add_argument("--new-password", action="store_true")
        parser.add_argument(
            "--decides-up-to", type=decimal_number, help="largest amount that this checker may decide; default: any"
        )
        add_scope_and_roles(parser)

    @transaction.atomic  # a refused command leaves nothing behind
    def set_up(self, options: dict[str, Any]) -> dict[str, Any]:
        tenant = organisation(options["org"])
        person, created = services.create_user(
            username=options["username"], kind=UserKind.PERSON, user_id=options["id"], email=options["email"],
            name=options["name"], code=options["code"], is_staff=not options["no_admin"],
            is_superuser=options["superuser"],
        )  # fmt: skip
        password = self._password(person) if options["new_password"] or not person.has_usable_password() else None
        roles = roles_of(options)
        services.set_membership(
            user=person, organisation=tenant, roles=roles, scope=scope_of(options),
            decides_up_to=options["decides_up_to"],
        )  # fmt: skip
        return {
            "id": person.pk, "username": person.username, "organisation": tenant.pk, "roles": options["role"],
            "created": created, "password": password,
        }  # fmt: skip

    def _password(self, person: User) -> str:
        password = os.environ.get("GOODWILL_PASSWORD") or generate_secret().removeprefix("gws_")[:20]
        validate_password(password, person)
        services.set_password(person, password)
        return password

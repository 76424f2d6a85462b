"""What every set-up command shares: it may be run again, and it can answer in JSON."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Organisation, User
from accounts.services import Roles
from wire import strict_json
from wire.errors import ApiError

ROLES = ("maker", "checker", "supervisor", "auditor", "operator", "administrator")


class SetUpCommand(BaseCommand):
    """A command that makes something, or finds it made. Subclasses write `set_up` and return what to print."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = self.set_up(options)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from None
        except ApiError as error:
            raise CommandError(error.detail) from None
        if options["json"]:
            self.stdout.write(strict_json.dumps(result))
        else:
            self.stdout.write("\n".join(f"{name}: {value}" for name, value in result.items() if value is not None))

    def set_up(self, options: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError


def organisation(organisation_id: int) -> Organisation:
    """The organisation with this id, or an error that says how to make it."""
    found = Organisation.objects.filter(pk=organisation_id).first()
    if found is None:
        raise CommandError(f"There is no organisation {organisation_id}; make it with create_organisation.")
    return found


def user(username: str) -> User:
    """The user with this username, or an error that says how to make one."""
    found = User.objects.filter(username=username).first()
    if found is None:
        raise CommandError(f"There is no user {username!r}; make one with create_member or create_service_account.")
    return found


def decimal_number(text: str) -> Decimal:
    """A number of an option, for argparse: which knows ValueError only."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise ValueError
    return number


def add_scope_and_roles(parser: CommandParser) -> None:
    """The options of a membership."""
    parser.add_argument(
        "--role",
        action="append",
        choices=ROLES,
        default=[],
        help="may be given several times",
    )
    parser.add_argument("--one-step", action="store_true", help="may issue without a checker")
    for name in ("concept", "zone", "store", "till"):
        parser.add_argument(f"--{name}", action="append", default=[], help=f"only this {name}; may be repeated")


def roles_of(options: dict[str, Any]) -> Roles:
    return Roles(**{role: role in options["role"] for role in ROLES}, one_step=options["one_step"])


def scope_of(options: dict[str, Any]) -> dict[str, list[str]]:
    return {f"{name}s": options[name] for name in ("concept", "zone", "store", "till")}

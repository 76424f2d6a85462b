"""`create_program --org 51250 --id 2739 --name Rewards`"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.management.base import CommandParser

from accounts import set_up_phase
from accounts.management.printing import SetUpCommand, decimal_number, organisation
from goodwill.models import Program

# What every condition on money, and every amount, is measured by.
_MEASURES = ("points_to_currency_ratio", "points_decimals")


class Command(SetUpCommand):
    help = "Create a loyalty program with the incumbent's id, or change it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--org", type=int, required=True, help="organisation id")
        parser.add_argument("--id", type=int, required=True, help="the incumbent's program id")
        parser.add_argument("--name", required=True)
        parser.add_argument("--description", default="")
        parser.add_argument("--ratio", type=decimal_number, default=Decimal(1), help="what one point is worth in money")
        parser.add_argument("--decimals", type=int, default=0, help="decimal places of points, 0 to 6")
        parser.add_argument("--default", action="store_true")

    def set_up(self, options: dict[str, Any]) -> dict[str, Any]:
        tenant = organisation(options["org"])
        values = {
            "name": options["name"], "description": options["description"], "is_default": options["default"],
            "points_to_currency_ratio": options["ratio"], "points_decimals": options["decimals"],
        }  # fmt: skip
        program = Program.objects.filter(organisation=tenant, program_id=options["id"]).first()
        created = program is None
        if program is not None and any(getattr(program, name) != values[name] for name in _MEASURES):
            set_up_phase.check_open(tenant)
        program = program or Program(organisation=tenant, program_id=options["id"])
        for name, value in values.items():
            setattr(program, name, value)
        program.full_clean()
        program.save()
        return {"id": program.program_id, "organisation": tenant.pk, "name": program.name, "created": created}

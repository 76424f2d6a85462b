"""`create_demo --sandbox-url http://127.0.0.1:8900 --secrets var/demo-secrets.json --json`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts import services
from accounts.management.printing import SetUpCommand
from accounts.models import Organisation
from goodwill.demo import seeds, varied
from goodwill.demo.people import ensure_people
from goodwill.demo.policy import ensure_policy
from goodwill.demo.target import ensure_target
from goodwill.models import Program


class Command(SetUpCommand):
    help = (
        "Create the demo organisation, or find it created: people, programs, history and varied requests. Its"
        " credentials are generated, kept in a file and printed each time: never for production."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--sandbox-url", required=True, help="where the stand-in for Intouch is served")
        parser.add_argument("--secrets", type=Path, required=True, help="file that keeps the credentials")
        parser.add_argument(
            "--fresh", action="store_true", help="only where there is none yet, and without the varied requests"
        )

    def set_up(self, options: dict[str, Any]) -> dict[str, Any]:
        if options["fresh"] and Organisation.objects.filter(pk=seeds.ORGANISATION_ID).exists():
            raise CommandError(
                "This database has the demo organisation already: leave DATABASE_URL unset for a new one."
            )
        organisation, is_new = services.create_organisation(
            organisation_id=seeds.ORGANISATION_ID, name="DocDemo", time_zone="Asia/Kolkata"
        )
        _ensure_program(organisation, seeds.PROGRAM_ID, "DocDemoProgram", "Program of the documentation's request")
        default = _ensure_program(
            organisation, seeds.DEFAULT_PROGRAM_ID, "DocDemoDefaultProgram", "Default program for DocDemo", default=True
        )
        ensure_target(organisation, options["sandbox_url"])
        ensure_policy(organisation)
        people = ensure_people(organisation, options["secrets"])
        seeds.ensure_history(organisation, default)
        made = 0 if options["fresh"] else varied.ensure_requests(organisation)
        return {
            "is_new": is_new, "requests_made": made, "org_id": organisation.pk, "program_id": seeds.PROGRAM_ID,
            "intouch_hostname": seeds.INTOUCH_HOSTNAME, "history_customer_id": seeds.HISTORY_CUSTOMER_ID,
            "seed_request": seeds.seed_request(), **people,
        }  # fmt: skip


def _ensure_program(
    organisation: Organisation, program_id: int, name: str, description: str, *, default: bool = False
) -> Program:
    """The program, as it was left; made with a ratio of 1 and whole points."""
    program, _ = Program.objects.get_or_create(
        organisation=organisation, program_id=program_id,
        defaults={"name": name, "description": description, "is_default": default},
    )  # fmt: skip
    return program

"""`create_policy --org 51250 --type GOODWILL-POINTS --cap 10000`"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from accounts.management.printing import SetUpCommand, decimal_number, organisation
from workflows import set_up

# Nothing waits for ever, unless somebody says so.
_PATIENCE = (
    ("remind_after", 24, "hours after which a level's people are reminded"),
    ("expire_after", 720, "hours after which a request that nobody decided expires"),
    ("warn_before", 48, "hours before that in which it is said"),
)


class Command(SetUpCommand):
    help = "Switch the workflow of a request type on for an organisation, with its cap and automatic approval."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--org", type=int, required=True, help="organisation id")
        parser.add_argument("--type", default="GOODWILL-POINTS")
        parser.add_argument("--cap", type=decimal_number, help="largest amount of one request")
        parser.add_argument("--auto-up-to", type=decimal_number, help="approve by itself up to this amount")
        parser.add_argument("--reason", action="append", default=[], help="a reason of the catalogue; may be repeated")
        parser.add_argument(
            "--reasons", choices=("free", "listed"),
            help="free text, or only the reasons that are given with --reason; default: listed if there are any",
        )  # fmt: skip
        for name, hours, what in _PATIENCE:
            parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=hours, metavar="HOURS",
                                help=f"{what}; default {hours}, 0: never")  # fmt: skip
        parser.add_argument("--disabled", action="store_true")

    def set_up(self, options: dict[str, Any]) -> dict[str, Any]:
        version, created = set_up.set_policy(
            organisation=organisation(options["org"]), slug=options["type"], is_enabled=not options["disabled"],
            cap=options["cap"], auto_approval_up_to=options["auto_up_to"],
            reasons=_reasons(options["reasons"], options["reason"]),
            patience={name: options[name] for name, _hours, _what in _PATIENCE if options[name] != 0},
        )  # fmt: skip
        return {
            "request_type": options["type"], "enabled": version.terms.is_enabled, "cap": version.terms.cap,
            "auto_approval": version.terms.auto_approval, "version": version.number, "created": created,
        }  # fmt: skip


def _reasons(kind: str | None, given: list[str]) -> list[str] | None:
    """None: free text."""
    if kind == "free" and given:
        raise ValidationError(_("Reasons are given, and at the same time free text is asked for."))
    return given if kind == "listed" or given else None

"""`create_target --org 51250 --origin http://internal-intouch-api.default:1900 --base-url https://intouch.example.com`"""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import CommandParser

from accounts.management.printing import SetUpCommand, organisation
from workflows import set_up


class Command(SetUpCommand):
    help = (
        "Allow an origin that clients may name as hostname, and say where it really is. A credential for it is read"
        " from the variable INTOUCH_CREDENTIAL; with one, makers need send none."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--org", type=int, required=True, help="organisation id")
        parser.add_argument("--origin", required=True, help="http(s)://host[:port] as clients write it")
        parser.add_argument("--base-url", help="where it is; the origin itself if left out")
        parser.add_argument("--internal", action="store_true", help="it may resolve to a private address")

    def set_up(self, options: dict[str, Any]) -> dict[str, Any]:
        target, created = set_up.allow_target(
            organisation=organisation(options["org"]), origin=options["origin"],
            base_url=options["base_url"] or options["origin"], allows_internal=options["internal"],
            credential=os.environ.get("INTOUCH_CREDENTIAL"),
        )  # fmt: skip
        return {
            "origin": target.origin, "base_url": target.base_url, "internal": target.allows_internal,
            "own_credential": target.credential is not None, "created": created,
        }  # fmt: skip

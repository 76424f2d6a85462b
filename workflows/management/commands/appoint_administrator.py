"""`appoint_administrator --org 51250 --username ada --reason "Bob has left"`"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from accounts.management.printing import SetUpCommand, organisation, user
from workflows import set_up


class Command(SetUpCommand):
    help = (
        "Make a person an administrator of an organisation that is set up and has fewer than two left, so that nobody"
        " could approve a change of its settings. Audited; everything else is proposed in the admin."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--org", type=int, required=True, help="organisation id")
        parser.add_argument("--username", required=True)
        parser.add_argument("--reason", required=True, help="kept in the audit trail")

    def set_up(self, options: dict[str, Any]) -> dict[str, Any]:
        if not options["reason"].strip():
            raise ValidationError(_("Say why: it is kept in the audit trail."))
        membership = set_up.appoint_administrator(
            organisation=organisation(options["org"]), person=user(options["username"]),
            reason=options["reason"].strip()[:500],
        )  # fmt: skip
        return {"username": membership.user.username, "organisation": membership.organisation_id, "appointed": True}

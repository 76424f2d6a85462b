"""What the operators' commands share: a named operator, a dry run, and ids on the command line."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actors import Actor, actor_in
from accounts.management.printing import organisation, user
from wire.errors import ApiError
from workflows import operations, policies
from workflows.states import State


class OperatingCommand(BaseCommand):
    """A command of an operator; who it is stands in the audit trail."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--org", type=int, required=True, help="organisation id")
        parser.add_argument("--as", dest="username", required=True, help="the operator who acts")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            actor = actor_in(user_id=user(options["username"]).pk, organisation_id=organisation(options["org"]).pk)
            policies.check_may_operate(actor)
            self.operate(actor, options)
        except ApiError as error:
            raise CommandError(error.detail) from None

    def operate(self, actor: Actor, options: dict[str, Any]) -> None:
        raise NotImplementedError


class MakeDueCommand(OperatingCommand):
    """Makes requests due now. Subclasses say which states, and under which name the audit keeps it."""

    states: tuple[State, ...]
    action: str

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("request_id", nargs="*", type=UUID, help="only these; all of the organisation if none")

    def operate(self, actor: Actor, options: dict[str, Any]) -> None:
        found = operations.stuck(actor, states=self.states, ids=options["request_id"]).order_by("created_at")
        done = 0
        for request in found.iterator(chunk_size=500):
            self.stdout.write(f"{request.pk} {request.state} tries={request.tries} {request.last_error}")
            if not options["dry_run"]:
                done += operations.make_due(actor=actor, request_id=request.pk, action=self.action)
        self.stdout.write("nothing was done (dry run)" if options["dry_run"] else f"{done} made due")

"""`decide_requests ids.txt --org 51250 --as chen --decision approved --message "campaign of May"`"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.core.management.base import CommandParser

from accounts.actors import Actor
from accounts.management.bulk import BulkCommand, add_file, opened
from wire import correlation
from wire.errors import ApiError, MalformedBody
from wire.records import Format, Record, Records, Source, UnusableFile
from workflows import services
from workflows.errors import AlreadyDecided, PermissionDenied, RequestNotFound
from workflows.management.filing import Result, acting, carry_out, default_results, exit_code
from workflows.models import AdminTask, Decision

COLUMNS: Final = ("requestId", "actionDecision", "actionMessage")
DECISIONS: Final = (Decision.APPROVED.value, Decision.REJECTED.value)


class Command(BulkCommand):
    help = (
        "Approve or reject the requests of a list as a checker, by the rules of the API, each for itself. The list is"
        " one request id a line, or CSV or JSON Lines with requestId and, where rows differ, actionDecision and"
        " actionMessage. The same list again decides nothing twice."
    )
    example = "python manage.py decide_requests ids.txt --org 51250 --as chen --decision approved --message 'May'"

    def add_arguments(self, parser: CommandParser) -> None:
        add_file(parser)
        parser.add_argument("--as", dest="username", required=True, help="the checker")
        parser.add_argument("--decision", choices=DECISIONS, help="for rows that name none")
        parser.add_argument("--message", default="", help="for rows that have none; every decision needs one")
        parser.add_argument("--results", type=Path, help="results file; default: FILE.results.csv beside the file")

    def run(self, options: dict[str, Any]) -> int:
        correlation.begin(None)
        who = acting(options)
        who()
        with opened(options) as (source, form):
            path = options["results"] or default_results(options["file"])
            counts = carry_out(_listed(source, form), lambda record: self._decide(record, who, options), source, path)
        self.summarise({**counts, "results": path and str(path)}, as_json=options["json"])
        return exit_code(counts)

    def _decide(self, record: Record, who: Callable[[], Actor], options: dict[str, Any]) -> Result:
        request_id = ""
        try:
            if record.problem:
                raise MalformedBody(f"{record.problem}.")
            request_id, decision, message = record.values
            wanted = _decision(decision or options["decision"])
            chosen = _uuid(request_id)
            return _settle(record.line, chosen, wanted, _message(message or options["message"]), who())
        except ApiError as error:
            return Result.refused(record.line, error, request_id=request_id[:64])


def _settle(line: int, request_id: UUID, decision: Decision, message: str, actor: Actor) -> Result:
    try:
        done = services.decide(actor=actor, request_id=request_id, decision=decision, message=message)
    except (AlreadyDecided, PermissionDenied):
        # An earlier run of the same list, which may have been stopped, is no refusal: either the request has ended, or
        # it waits at a level that asks for somebody who decided none of the earlier ones.
        mine = AdminTask.objects.filter(request_id=request_id, checker=actor.user, decision=decision)
        if not mine.filter(organisation=actor.organisation).exists():
            raise
        return Result(line, "decided before", str(request_id))
    return Result(line, decision.value, str(request_id), done.reference_id, done.state)


def _listed(source: Source, form: Format) -> Iterator[Record]:
    """The rows; of a plain list without a header, the first line is the first row."""
    records = Records(source, form, COLUMNS)
    if form.kind != "csv" or "requestId" in records.columns:
        yield from records
        return
    first = records.columns[0] if len(records.columns) == 1 else ""
    if not _is_uuid(first):
        raise UnusableFile("The file lacks the column requestId, and is no plain list of request ids either.")
    yield Record(1, records.header, (first, "", ""), "")
    records.names = (first, "", "")
    yield from records


def _is_uuid(text: str) -> bool:
    try:
        return len(text) == 36 and bool(UUID(text))
    except ValueError:
        return False


def _uuid(text: str) -> UUID:
    if not _is_uuid(text.strip()):
        raise RequestNotFound(reference="requestId")
    return UUID(text.strip())


def _decision(text: str | None) -> Decision:
    if text not in DECISIONS:
        raise MalformedBody("actionDecision must be approved or rejected.", reference="actionDecision")
    return Decision(text)


def _message(text: str) -> str:
    if not text.strip() or len(text) > 1000 or not text.isprintable():
        raise MalformedBody("actionMessage must be one line of 1 to 1000 characters.", reference="actionMessage")
    return text

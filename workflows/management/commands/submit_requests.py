"""`submit_requests campaign.csv --org 51250 --as maya --set tillId=50682289`"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from accounts.actors import Actor
from accounts.management.bulk import BulkCommand, add_file, opened
from wire import correlation
from wire.errors import ApiError, MalformedBody
from wire.records import Record, UnusableFile
from wire.strict_json import InvalidJSON
from workflows import policies, submitting
from workflows.errors import InvalidPayload
from workflows.management.filing import (
    BodyMaker,
    Result,
    acting,
    all_columns,
    carry_out,
    default_results,
    exit_code,
    supported,
)
from workflows.models import RequestSource
from workflows.submission import Submission, as_sent, read_submission


class Command(BulkCommand):
    help = (
        "Submit the requests of a file as a maker: the validation, the policy and the audit of the API. JSON Lines"
        " holds the bodies of the API, or like CSV the cells of the request's body and tillId, storeId, zoneId,"
        " conceptId. The same file again creates nothing: referenceId says what is there already."
    )
    example = "python manage.py submit_requests campaign.csv --org 51250 --as maya --set tillId=50682289"

    def add_arguments(self, parser: CommandParser) -> None:
        add_file(parser)
        parser.add_argument("--as", dest="username", required=True, help="the maker")
        parser.add_argument("--type", default="GOODWILL-POINTS", help="request type; default: %(default)s")
        parser.add_argument(
            "--set", action="append", default=[], metavar="NAME=VALUE", help="a cell of every row; may be repeated"
        )
        parser.add_argument("--hostname", help="origin of the Intouch target; default: the only one there is")
        parser.add_argument(
            "--credential-file", type=Path, help="holds the Authorization for Intouch, where the target keeps none"
        )
        parser.add_argument("--results", type=Path, help="results file; default: FILE.results.csv beside the file")
        parser.add_argument("--dry-run", action="store_true", help="validate everything, submit nothing")

    def run(self, options: dict[str, Any]) -> int:
        correlation.begin(None)
        request_type, who = supported(options["type"]), acting(options)
        actor = who()
        policies.check_may_make(actor)
        with opened(options) as (source, form):
            records = all_columns(source, form)
            maker = BodyMaker(
                actor, request_type, form, records.names,
                constants=_constants(options["set"]), hostname=options["hostname"],
                credential=_credential(options["credential_file"]),
            )  # fmt: skip
            path = options["results"] or (None if options["dry_run"] else default_results(options["file"]))
            row = _Row(who, maker, request_type.slug, options["dry_run"])
            counts = carry_out(records, row.submit, source, path)
        self.summarise({**counts, "results": path and str(path)}, as_json=options["json"])
        return exit_code(counts)


@dataclass(frozen=True, slots=True)
class _Row:
    """What is done with every row."""

    who: Callable[[], Actor]
    maker: BodyMaker
    slug: str
    is_rehearsed: bool

    def submit(self, record: Record) -> Result:
        reference = ""
        try:
            if record.problem:
                raise MalformedBody(f"{record.problem}.")
            actor, body = self.who(), self.maker.body(record)
            read = self._read(actor, body)
            if isinstance(read, submitting.Submitted):
                return _told(record, read)
            reference = read.subject.reference_id
            if self.is_rehearsed:
                policies.check_may_submit(actor, read.entity, one_step=False)
                return Result(record.line, "valid", reference_id=reference)
            return _told(record, submitting.submit(actor=actor, submission=read, source=RequestSource.FILE))
        except InvalidJSON as error:
            return Result.refused(record.line, MalformedBody(f"{error}."))
        except ApiError as error:
            return Result.refused(record.line, error, reference_id=reference)

    def _read(self, actor: Actor, body: Any) -> Submission | submitting.Submitted:
        """The row's submission; where it is refused by now but was submitted before, the request of that time."""
        try:
            return read_submission(body, organisation=actor.organisation, slug=self.slug)
        except InvalidPayload:
            before = submitting.sent_before(actor=actor, slug=self.slug, sent=as_sent(body, actor.organisation))
            if before is None:
                raise
            return before


def _told(record: Record, done: submitting.Submitted) -> Result:
    outcome = "existed" if done.replayed else "created"
    return Result(record.line, outcome, str(done.request.pk), done.request.reference_id, done.request.state)


def _constants(pairs: list[str]) -> dict[str, str]:
    constants: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not value:
            raise UnusableFile(f"--set {pair}: write NAME=VALUE.")
        constants[name] = value
    return constants


def _credential(path: Path | None) -> str | None:
    return None if path is None else path.read_text().strip()

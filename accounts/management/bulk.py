"""What the bulk commands share: their options, how they end, and how a file is opened."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wire import strict_json
from wire.errors import ApiError
from wire.records import ENCODINGS, Format, Source, UnusableFile

# Documented in docs/bulk.md.
ALL_WELL, SOME_REJECTED, UNUSABLE, TOO_MANY_REJECTED, TAKEN_OVER, INTERRUPTED = 0, 1, 2, 3, 4, 130


class BulkCommand(BaseCommand):
    """Subclasses set `example` and write `run`, which returns the exit code."""

    example: str

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(
            prog_name, subcommand, formatter_class=_Formatter, epilog=f"example:\n  {self.example}", **kwargs
        )
        parser.add_argument("--org", type=int, required=True, help="organisation id")
        parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")
        return parser

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            code = self.run(options)
        except (UnusableFile, OSError) as error:
            raise CommandError(str(error), returncode=UNUSABLE) from None
        except ApiError as error:
            sentences = " ".join(problem.message for problem in error.problems)
            raise CommandError(sentences, returncode=UNUSABLE) from None
        except KeyboardInterrupt:
            raise CommandError("Interrupted. The same command goes on from here.", returncode=INTERRUPTED) from None
        if code != ALL_WELL:
            raise SystemExit(code)

    def run(self, options: dict[str, Any]) -> int:
        raise NotImplementedError

    def summarise(self, summary: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(strict_json.dumps(summary))
        else:
            told = {name.replace("_", " "): value for name, value in summary.items() if value not in (None, [])}
            self.stdout.write("\n".join(f"{name}: {value}" for name, value in told.items()))


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """The example as it was written."""


def account_of_machine() -> str:
    """Who is logged in on this machine, for the audit of a command that names nobody."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def add_file(parser: CommandParser) -> None:
    """The options that say how a file is read."""
    parser.add_argument("file", help="path of a CSV or JSON Lines file, plain or gzip; - for standard input")
    parser.add_argument("--format", choices=("csv", "jsonl"), help="default: by the first character")
    parser.add_argument(
        "--map", action="append", default=[], metavar="THEIRS=OURS", help="another name of a column; may be repeated"
    )
    parser.add_argument("--delimiter", default=",", help="between the cells of CSV; default: a comma")
    parser.add_argument("--encoding", choices=ENCODINGS, default="utf-8")


@contextmanager
def opened(options: dict[str, Any]) -> Iterator[tuple[Source, Format]]:
    """The file of the options, and how it is to be read."""
    source = Source(options["file"])
    try:
        kind = options["format"] or source.kind()
        delimiter = options["delimiter"].replace("\\t", "\t")
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise UnusableFile("--delimiter must be one character, and neither a quotation mark nor a line's end.")
        yield source, Format(kind, delimiter, options["encoding"], _columns(options["map"]))
    finally:
        source.close()


def _columns(pairs: list[str]) -> dict[str, str]:
    columns: dict[str, str] = {}
    for pair in pairs:
        theirs, equals, ours = pair.partition("=")
        if not (theirs and equals and ours):
            raise UnusableFile(f"--map {pair}: write THEIRS=OURS.")
        columns[theirs] = ours
    return columns


__all__: Final = [
    "ALL_WELL", "INTERRUPTED", "SOME_REJECTED", "TAKEN_OVER", "TOO_MANY_REJECTED", "UNUSABLE", "BulkCommand",
    "account_of_machine", "add_file", "opened",
]  # fmt: skip

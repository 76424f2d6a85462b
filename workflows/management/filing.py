"""Requests and decisions from files: what the two commands share, and how a row becomes the body of a submission."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

from accounts.actors import Actor, actor_in
from accounts.management.bulk import ALL_WELL, SOME_REJECTED
from accounts.management.printing import organisation, user
from accounts.management.progress import ProgressReport
from wire import strict_json
from wire.errors import ApiError
from wire.records import Format, Record, Records, Source, UnusableFile
from workflows import registry
from workflows.exports import defused
from workflows.registry import RequestType
from workflows.submission import TASK_PAYLOAD
from workflows.targets import enabled_targets

RESULT_COLUMNS: Final = ("line", "outcome", "requestId", "referenceId", "state", "code", "message")
REFUSED: Final = "refused"
ENTITY: Final = ("tillId", "storeId", "zoneId", "conceptId")
_BETWEEN_REPORTS = 20
_WHOLE = re.compile(r"-?[0-9]{1,40}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,20}\.[0-9]{1,20}", re.ASCII)


def acting(options: Mapping[str, Any]) -> Callable[[], Actor]:
    """Who acts, looked up once; with the rights of each moment, as they may be taken away while a long file is read."""
    return partial(actor_in, user_id=user(options["username"]).pk, organisation_id=organisation(options["org"]).pk)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a row."""

    line: int
    outcome: str
    request_id: str = ""
    reference_id: str = ""
    state: str = ""
    code: int | None = None
    message: str = ""

    @classmethod
    def refused(cls, line: int, error: ApiError, **known: str) -> Self:
        sentences = " ".join(problem.message for problem in error.problems)
        return cls(line, REFUSED, code=error.problems[0].code, message=sentences, **known)

    @property
    def cells(self) -> list[str]:
        code = "" if self.code is None else str(self.code)
        return [
            str(self.line), self.outcome, self.request_id, defused(self.reference_id), self.state, code,
            defused(self.message),
        ]  # fmt: skip


@contextmanager
def results_file(path: Path | None) -> Iterator[Callable[[Result], None]]:
    """A CSV file of results, which replaces an earlier one when it is complete.

    Until then it is called `.part` and written line by line, so that an interrupted run leaves what it did.
    """
    if path is None:
        yield lambda result: None
        return
    unfinished = path.with_name(f"{path.name}.part")
    with unfinished.open("w", encoding="utf-8", newline="", buffering=1) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(RESULT_COLUMNS)
        yield lambda result: writer.writerow(result.cells) and None
    unfinished.replace(path)


def default_results(name: str) -> Path | None:
    """`campaign.results.csv` beside `campaign.csv.gz`; none for standard input."""
    if name == "-":
        return None
    path = Path(name)
    stem = path.name.removesuffix(".gz").removesuffix(".csv").removesuffix(".jsonl")
    return path.with_name(f"{stem}.results.csv")


def carry_out(
    records: Iterable[Record], act: Callable[[Record], Result], source: Source, path: Path | None
) -> dict[str, int]:
    """Act on every record, one transaction each, and count the outcomes; see docs/bulk.md for why not many in one."""
    counts = {"records": 0, REFUSED: 0}
    with results_file(path) as write, ProgressReport(source.name, source.size) as report:
        report.update(0, 0)
        for record in records:
            result = act(record)
            write(result)
            counts["records"] += 1
            counts[result.outcome] = counts.get(result.outcome, 0) + 1
            if counts["records"] % _BETWEEN_REPORTS == 0:
                report.update(source.read_bytes, counts["records"], counts[REFUSED])
    return counts


def exit_code(counts: Mapping[str, int]) -> int:
    return SOME_REJECTED if counts[REFUSED] else ALL_WELL


class BodyMaker:
    """Makes the body of a submission of a row: of JSON the object as it is, of CSV one that is built around its cells.

    Args:
        constants: cells that every row has, such as the till; those of the row go before.
        hostname: an origin of the organisation; None: its only one.
        credential: for Intouch; None where the target keeps one of its own.
    """

    def __init__(
        self, actor: Actor, request_type: RequestType, form: Format, columns: Iterable[str],
        *, constants: Mapping[str, str], hostname: str | None, credential: str | None,
    ) -> None:  # fmt: skip
        self._type, self._form, self._columns = request_type, form, tuple(columns)
        self._hostname = hostname or _only_target(actor)
        self._headers = {"content-type": "application/json"}
        if credential is not None:
            self._headers["Authorization"] = credential
        self._constants = constants
        self._properties = request_type.body_model.model_json_schema(by_alias=True)["properties"]
        known = (*self._properties, *ENTITY)
        lost = [name for name in (*constants, *self._columns) if name and name not in known]
        if lost and form.kind == "csv":
            raise UnusableFile(f"{', '.join(lost)}: no column of {request_type.slug}; there are {', '.join(known)}.")

    def body(self, record: Record) -> Any:
        """What `read_submission` takes, read as strictly as a body of the API.

        Raises:
            InvalidJSON.
        """
        if self._form.kind != "csv":
            given = strict_json.parse(record.raw.strip())
            return given if isinstance(given, dict) and "payload" in given else self._around(_object(given))
        cells = {name: cell for name, cell in zip(self._columns, record.values, strict=True) if cell}
        typed = {name: self._typed(name, cell) for name, cell in cells.items()}
        return strict_json.parse(strict_json.dumps(self._around(typed)).encode("utf-8", "surrogatepass"))

    def _around(self, values: Mapping[str, Any]) -> dict[str, Any]:
        values = {**{name: self._typed(name, cell) for name, cell in self._constants.items()}, **values}
        always = {name: rule["const"] for name, rule in self._properties.items() if "const" in rule}
        task = {
            "hostname": self._hostname, "path": self._type.path, "method": self._type.method,
            "pathParams": {}, "queryParams": {},
            "body": always | {name: value for name, value in values.items() if name not in ENTITY},
            "headers": self._headers,
        }  # fmt: skip
        entity = {name: values[name] for name in ENTITY if name in values}
        return {"entityInfo": entity, "payload": {TASK_PAYLOAD: task}}

    def _typed(self, name: str, cell: str) -> Any:
        """A number where the type wants one; what is none stays a text, and validation says so."""
        kind = self._properties.get(name, {}).get("type")
        if kind in ("integer", "number") and _WHOLE.fullmatch(cell):
            return int(cell)
        if kind == "number" and _NUMBER.fullmatch(cell):
            return Decimal(cell)
        if kind == "boolean" and cell in ("true", "false"):
            return cell == "true"
        return cell


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise strict_json.InvalidJSON("the row must be one JSON object")
    return value


def _only_target(actor: Actor) -> str:
    targets = list(enabled_targets(actor.organisation).values())
    if len(targets) != 1:
        raise UnusableFile(f"The organisation has {len(targets)} Intouch targets: name one with --hostname ORIGIN.")
    return targets[0].origin


def all_columns(source: Source, form: Format) -> Records:
    """The records with every column that the file has."""
    records = Records(source, form, ())
    if form.kind == "csv":
        records.names = records.columns
    return records


def supported(slug: str) -> RequestType:
    return registry.get(slug.upper())

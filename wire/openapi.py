"""What the OpenAPI descriptions of all endpoints share: refusals with their codes, and parameters read off filters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django_filters.filters import Filter
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from wire import correlation
from wire.bodies import ErrorEnvelope
from wire.errors import ApiError, Problem, envelope
from wire.filters import LARGEST, BooleanFilter, DateFilter, IntegerFilter, StrictFilterSet
from wire.pages import DEFAULT_LIMIT, MOST


@dataclass(frozen=True, slots=True)
class Refusal:
    """One way in which an operation says no: status, code, an example of the sentence, and what it would point at."""

    http_status: int
    code: int
    message: str
    reference: str | None = None

    @classmethod
    def of(cls, error: type[ApiError], reference: str | None = None) -> Refusal:
        """The refusal that an error class stands for, with its default sentence."""
        return cls(error.http_status, error.code, str(error.message), reference)

    @property
    def body(self) -> dict[str, object]:
        return envelope([Problem(self.code, self.message, self.reference)])


ANYWHERE: Final = (
    Refusal(500, 5000, "Something unforeseen happened. Quote 0198f0c2-… to the operators."),
    Refusal(503, 5000, "The service cannot reach its database. Try again; quote 0198f0c2-… if it stays."),
)
WRONG_BODY: Final = (
    Refusal(400, 2008, "The body cannot be read: line 1, column 2: Expecting property name enclosed in double quotes."),
    Refusal(415, 2008, "The body must be application/json.", "Content-Type"),
)


def refusals(*found: Refusal) -> dict[int, OpenApiResponse]:
    """One response for each status, naming every code that can appear under it, with an example of each."""
    by_status: dict[int, list[Refusal]] = {}
    for refusal in sorted({*found, *ANYWHERE}, key=lambda item: (item.http_status, item.code, item.message)):
        by_status.setdefault(refusal.http_status, []).append(refusal)
    return {status: _response(items) for status, items in by_status.items()}


def _response(items: list[Refusal]) -> OpenApiResponse:
    seen: Counter[int] = Counter()
    examples = []
    for item in items:
        seen[item.code] += 1
        name = f"{item.code}" if seen[item.code] == 1 else f"{item.code}-{seen[item.code]}"
        examples.append(OpenApiExample(name, summary=f"{item.code}: {item.message}", value=item.body))
    description = "\n".join(f"* `{item.code}`: {item.message}" for item in items)
    return OpenApiResponse(ErrorEnvelope, description=description, examples=examples)


def header(name: str, description: str, *, required: bool = False, **schema: Any) -> OpenApiParameter:
    """A request header; `schema` goes on after `type: string`."""
    return OpenApiParameter(
        name, {"type": "string", **schema}, OpenApiParameter.HEADER, required=required, description=description
    )


def answer_header(name: str, description: str, *statuses: int) -> OpenApiParameter:
    """A header of the responses with these statuses; of all where none is named."""
    return OpenApiParameter(
        name, str, OpenApiParameter.HEADER, description=description, response=list(statuses) if statuses else True
    )


CORRELATION: Final = (
    header(
        correlation.HEADER,
        "Correlation id. Taken if well formed, else made; it stands in every log line, event and outgoing call.",
        pattern="^[A-Za-z0-9._:-]{8,64}$",
    ),
    answer_header(correlation.HEADER, "The correlation id of this request."),
    answer_header("Retry-After", "Seconds to wait before the next attempt.", 429, 503),
)
LIMIT: Final = OpenApiParameter(
    "limit", {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT},
    description="Items per page.",
)  # fmt: skip

_INTEGER: Final = {"type": "integer", "minimum": 0, "maximum": LARGEST}
_KINDS: Final[dict[type[Filter], dict[str, Any]]] = {
    IntegerFilter: _INTEGER,
    BooleanFilter: {"type": "boolean"},
    DateFilter: {"type": "string", "format": "date"},
}


def counted(name: str, description: str) -> OpenApiParameter:
    """A query parameter that counts from zero."""
    return OpenApiParameter(name, {**_INTEGER, "default": 0}, description=description)


def parameters_of(
    filters: type[StrictFilterSet], special: Mapping[str, dict[str, Any]] | None = None
) -> list[OpenApiParameter]:
    """The query parameters that a filter set reads, described by its labels.

    Args:
        special: the schemas of filters of a kind that is not known here.

    Raises:
        KeyError: a filter of an unknown kind without a schema: every parameter is documented.
    """
    given = special or {}
    return [
        OpenApiParameter(
            name, given[name] if name in given else _KINDS[type(item)], description=str(item.label or ""),
            **_style(given.get(name, {})),
        )
        for name, item in filters.base_filters.items()
    ]  # fmt: skip


def _style(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A list is one parameter with commas: a repeated parameter is refused."""
    return {"style": "form", "explode": False} if schema.get("type") == "array" else {}

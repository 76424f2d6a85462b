"""Request types: registered by their apps in `AppConfig.ready()`, frozen at the first look-up."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import BaseModel

from workflows.errors import TypeNotSupported

if TYPE_CHECKING:
    from accounts.models import Organisation
    from workflows.models import WorkflowPolicy, WorkflowRequest

_SLUG = re.compile(r"[A-Z]+(-[A-Z]+)*")


@dataclass(frozen=True, slots=True)
class Subject:
    """What the engine needs to know of a body: whom it concerns, how much it moves, and what identifies it.

    Attributes:
        money: what the amount is worth at this moment, where the type has a price for it.
    """

    reference_id: str
    customer_id: int
    amount: Decimal | None
    reason: str
    program_id: int | None = None
    program_name: str = ""
    money: Decimal | None = None


def _nothing(*_: Any) -> None:
    """The hook of a type that keeps no table of its own."""


def _none_known(*_: Any) -> tuple[()]:
    """The hook of a type that has no facts or numbers of its own."""
    return ()


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a checker should know; both texts are shown as text, whatever they hold.

    Attributes:
        note: how the text came about, in small print.
        is_lead: stands at the top of the page, beside the amount.
        is_long: a sentence or two, which wants a line to itself.
    """

    label: Any
    text: Any
    note: Any = ""
    is_lead: bool = False
    is_long: bool = False


@dataclass(frozen=True, slots=True)
class LookUp:
    """How to ask Intouch about a reference, where it offers that.

    Attributes:
        path: of a GET that changes nothing.
        parameter: the query parameter that takes the reference.
        read: True where a good answer's JSON body says credited, False where it says not, None where it says neither.
    """

    path: str
    parameter: str
    read: Callable[[Any], bool | None]


@dataclass(frozen=True, slots=True)
class RequestType:
    """All that the engine knows of a kind of request.

    Attributes:
        slug: upper case with hyphens, as in URLs: `GOODWILL-POINTS`.
        method, path: the Intouch call; `path` starts with a slash.
        body_model: pydantic model of `payload.IntouchAPITask-Payload.body`; its validators find the organisation's
            facts in the validation context under the key `facts`.
        facts: reads what `body_model` needs to judge a body, once per submission.
        subject: what the engine needs to know of a valid body, given what `facts` read.
        confirms: whether the JSON body of a good 2xx answer says that the effect happened.
        already_known: pattern of the error by which Intouch refuses a reference that it has seen. Because it has one,
            an unknown outcome is reconciled by asking again with the same reference.
        look_up: how to ask about a reference instead, for organisations whose policy says so.
        on_submitted: keeps the type's own row, given the body and the facts, in the transaction of the submission.
        on_changed: brings that row in step, in the transaction of the change.
        facts_for_checker: what the page of a request shows beyond what the engine knows; a fixed number of queries.
        find: ids of the requests that the type's own table knows under a number, within these organisations.
        error_codes: codes of the contract for fields of the body.
    """

    slug: str
    label: Any
    method: str
    path: str
    body_model: type[BaseModel]
    subject: Callable[[Any, Any], Subject]
    confirms: Callable[[Any], bool]
    already_known: re.Pattern[str]
    facts: Callable[[Organisation, WorkflowPolicy], Any] = _nothing
    on_submitted: Callable[[WorkflowRequest, Any, Any], None] = _nothing
    on_changed: Callable[[WorkflowRequest], None] = _nothing
    look_up: LookUp | None = None
    facts_for_checker: Callable[[WorkflowRequest], Iterable[Fact]] = _none_known
    find: Callable[[Collection[int], int], Iterable[UUID]] = _none_known
    error_codes: Mapping[str, int] = field(default_factory=dict)
    example: Mapping[str, Any] = field(default_factory=dict)

    @property
    def lower_slug(self) -> str:
        """As responses show it: `goodwill-points`."""
        return self.slug.lower()


_types: dict[str, RequestType] = {}
_frozen = False


def register(request_type: RequestType) -> None:
    """Make a type known. Only during start-up."""
    if _frozen:
        raise RuntimeError("request types are registered in AppConfig.ready(), before the first one is looked up")
    if not _SLUG.fullmatch(request_type.slug) or request_type.slug in _types:
        raise ValueError(f"{request_type.slug!r} is taken, or is not upper case with hyphens")
    _types[request_type.slug] = request_type


def get(slug: str) -> RequestType:
    """The type with this slug.

    Raises:
        TypeNotSupported: there is none.
    """
    global _frozen
    _frozen = True
    found = _types.get(slug)
    if found is None:
        raise TypeNotSupported(f"This request type is not supported. Supported: {', '.join(sorted(_types))}.")
    return found


def all_types() -> list[RequestType]:
    return [_types[slug] for slug in sorted(_types)]

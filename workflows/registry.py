"""Request types: registered by their apps in `AppConfig.ready()`, frozen at the first look-up."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils.translation import gettext as _
from pydantic import BaseModel

from wire.messages import Statement
from workflows.errors import TypeNotSupported

if TYPE_CHECKING:
    from django.db.models import Model

    from accounts.models import Organisation
    from workflows.models import WorkflowRequest
    from workflows.terms.document import Terms

_SLUG = re.compile(r"[A-Z]+(-[A-Z]+)*")
_NO_TEXT = re.compile(r"(?!)")


class RefusedHere(Exception):
    """An approved request of a local type cannot be carried out; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What the engine needs to know of a body: whom it concerns, how much it moves, and what identifies it.

    Attributes:
        money: what the amount is worth at this moment, where the type has a price for it.
        concerns: users whom it is about, and who therefore may not decide it.
    """

    reference_id: str
    customer_id: int | None
    amount: Decimal | None
    reason: str
    program_id: int | None = None
    program_name: str = ""
    money: Decimal | None = None
    concerns: tuple[int, ...] = ()


def _never(_: Any) -> bool:
    """No answer confirms a type that Intouch is not asked about."""
    return False


def _nothing(*_: Any) -> None:
    """The hook of a type that keeps no table of its own."""


def _none_known(*_: Any) -> tuple[()]:
    """The hook of a type that has no facts or numbers of its own."""
    return ()


def _no_facts(*_: Any) -> Statement[None]:
    """Reads nothing, for a type whose bodies are judged by themselves."""
    return Statement("SELECT 1", ())


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
class Credit:
    """Something that a customer was given."""

    at: datetime
    amount: Decimal
    reason: str


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
        facts: the statement that reads what `body_model` needs to judge a body, given what was sent for one.
        subject: what the engine needs to know of a valid body, given what `facts` brought.
        confirms: whether the JSON body of a good 2xx answer says that the effect happened.
        already_known: pattern of the error by which Intouch refuses a reference that it has seen. Because it has one,
            an unknown outcome is reconciled by asking again with the same reference.
        local: carries an approved request out here instead of by Intouch, in the transaction that records it; raising
            `RefusedHere` makes it failed, with that sentence. Such a type has no method, path, customer or target, is
            made by our own pages alone, and always decided by somebody.
        problems_of_terms: what a policy for this type must not say, one sentence each.
        problems_of_people: says instead of `rules.saving` whom a policy for this type lacks in an organisation, by its
            id; for a type whose makers decide as well.
        look_up: how to ask about a reference instead, for organisations whose policy says so.
        own_row: the type's own row of a new request, given the body and the facts; it is stored with the request.
        on_changed: the statements that bring that row in step, sent in the transaction of the change.
        facts_for_checker: what the page of a request shows beyond what the engine knows; a fixed number of queries.
        earlier_credits: what the customer of a request was given since a time without the engine, so many rows at most:
            the history from before it.
        find: ids of the requests that the type's own table knows under a number, within these organisations.
        programs: number and name of the programs of these organisations, for filters to choose from; one query.
        error_codes: codes of the contract for fields of the body.
    """

    slug: str
    label: Any
    method: str
    path: str
    body_model: type[BaseModel]
    subject: Callable[[Any, Any], Subject]
    confirms: Callable[[Any], bool] = _never
    already_known: re.Pattern[str] = _NO_TEXT
    local: Callable[[WorkflowRequest], None] | None = None
    problems_of_terms: Callable[[Terms], Iterable[str]] = _none_known
    problems_of_people: Callable[[Terms, int], Iterable[str]] | None = None
    facts: Callable[[Organisation, Any], Statement[Any]] = _no_facts
    own_row: Callable[[WorkflowRequest, Any, Any], Model | None] = _nothing
    on_changed: Callable[[WorkflowRequest], Iterable[Statement[None]]] = _none_known
    look_up: LookUp | None = None
    facts_for_checker: Callable[[WorkflowRequest], Iterable[Fact]] = _none_known
    earlier_credits: Callable[[WorkflowRequest, datetime, int], Iterable[Credit]] = _none_known
    find: Callable[[Collection[int], int], Iterable[UUID]] = _none_known
    programs: Callable[[Collection[int]], Iterable[tuple[int, str]]] = _none_known
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
        raise _not_supported()
    return found


def get_of_clients(slug: str) -> RequestType:
    """The type with this slug, if clients submit it.

    Raises:
        TypeNotSupported: there is none, or only our own pages make it.
    """
    found = get(slug)
    if found.local is not None:
        raise _not_supported()
    return found


def _not_supported() -> TypeNotSupported:
    known = {"types": ", ".join(found.slug for found in of_clients())}
    return TypeNotSupported(_("This request type is not supported. Supported: %(types)s.") % known)


def all_types() -> list[RequestType]:
    return [_types[slug] for slug in sorted(_types)]


def of_clients() -> list[RequestType]:
    """The types that clients submit: all but those that our own pages make."""
    return [found for found in all_types() if found.local is None]

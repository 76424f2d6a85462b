"""Who could decide, asked of the database before anybody does; `workflows.policies` says it of one person."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Protocol

from django.db.models import Q, QuerySet, Value

from accounts.actors import Actor
from accounts.models import Membership
from workflows.terms.document import Level, People, Role
from workflows.terms.matching import unfilled

_SCOPES = ("concepts", "zones", "stores", "tills")


class Place(Protocol):
    """Where a request comes from."""

    concept_id: str
    zone_id: str
    store_id: str
    till_id: str


def with_role(role: Role) -> Q:
    """Members who have the role."""
    match role:
        case Role.SUPERVISOR:
            return Q(is_checker=True, is_supervisor=True)
        case Role.ADMINISTRATOR:
            return Q(is_administrator=True)
    return Q(is_checker=True)


def able(people: People) -> Q:
    """Members that a level asks for, wherever a request comes from."""
    found = with_role(people.role)
    if people.users:
        found &= Q(user_id__in=people.users)
    for name in _SCOPES:
        ids = list(getattr(people, name))
        if ids:
            # Their own scope lies within it; an empty scope is everywhere, so it does not.
            found &= ~Q(**{name: []}) & Q(**{f"{name}__contained_by": ids})
    return found


def in_scope(place: Place) -> Q:
    """Members whose scope takes the place in."""
    found = Q()
    for name in _SCOPES:
        found &= Q(**{name: []}) | Q(**{f"{name}__contains": [getattr(place, f"{name[:-1]}_id")]})
    return found


def eligible(
    *, organisation_id: int, level: People, place: Place | None, amount: Decimal | None
) -> QuerySet[Membership]:
    """Members who could decide a request at this level; without a place, any request."""
    found = Membership.objects.active().filter(able(level), organisation_id=organisation_id, user__access_given_by=[])
    if place is not None:
        found = found.filter(in_scope(place))
    if amount is not None:
        found = found.filter(Q(decides_up_to=None) | Q(decides_up_to__gte=amount))
    return found


def deciders(organisation_id: int) -> list[Actor]:
    """Everybody in the organisation who has a role that decides; one query."""
    members = Membership.objects.active().filter(
        Q(is_checker=True) | Q(is_administrator=True), organisation_id=organisation_id
    )
    found = members.select_related("user", "organisation").order_by("user__username")
    return [Actor(user=member.user, organisation=member.organisation, membership=member) for member in found]


def unfillable(
    levels: Sequence[Level], *, organisation_id: int, place: Place | None = None, amount: Decimal | None = None,
    without: Sequence[int] = (),
) -> list[int]:  # fmt: skip
    """Numbers (from 1) of the levels for which no different people can be found; one query.

    Args:
        without: users who may not: the maker, and whoever has decided before.
    """
    places = [number for number, level in enumerate(levels) for _ in range(level.people)]
    if not places:
        return []
    # A level of more candidates than there are places can always be filled: no more of them are read.
    queries = [
        eligible(organisation_id=organisation_id, level=level, place=place, amount=amount)
        .exclude(user_id__in=without)
        .annotate(level=Value(number))
        .values_list("level", "user_id")
        .order_by("user_id")[: len(places)]
        for number, level in enumerate(levels)
    ]
    found = queries[0] if len(queries) == 1 else queries[0].union(*queries[1:], all=True)
    candidates: list[list[int]] = [[] for _ in levels]
    for number, user_id in found:
        candidates[number].append(user_id)
    return empty_levels(levels, candidates)


def empty_levels(levels: Sequence[Level], candidates: Sequence[Collection[int]]) -> list[int]:
    """Numbers (from 1) of the levels that stay empty, given who could fill each of them."""
    places = [number for number, level in enumerate(levels) for _ in range(level.people)]
    empty = unfilled([candidates[number] for number in places])
    return sorted({places[index] + 1 for index in empty})

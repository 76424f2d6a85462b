"""Who could decide, asked of the database before anybody does; `workflows.policies` says it of one person."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any, Protocol

from django.db.models import Q, QuerySet

from accounts.actors import Actor
from accounts.models import Membership
from wire.messages import Statement
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


# `eligible` for several levels at once, written out because every submission asks it; `tests/policy` compares the two.
# A level of more candidates than there are places can always be filled: no more of them are read.
_CANDIDATES = """
SELECT level.number, found.user_id
  FROM jsonb_to_recordset(%(levels)s::jsonb) AS level(
           number int, role text, users bigint[], concepts text[], zones text[], stores text[], tills text[])
 CROSS JOIN LATERAL (
    SELECT m.user_id
      FROM accounts_membership m
      JOIN accounts_user u ON u.id = m.user_id AND u.is_active AND u.access_given_by = '{}'
      JOIN accounts_organisation o ON o.id = m.organisation_id AND o.is_active
     WHERE m.organisation_id = %(organisation)s AND m.is_active AND m.user_id <> ALL (%(without)s::bigint[])
       AND CASE level.role WHEN 'supervisor' THEN m.is_checker AND m.is_supervisor
                           WHEN 'administrator' THEN m.is_administrator
                           ELSE m.is_checker END
       AND (m.decides_up_to IS NULL OR %(amount)s::numeric IS NULL OR m.decides_up_to >= %(amount)s)
       AND (level.users = '{}' OR m.user_id = ANY (level.users))
       AND (level.concepts = '{}' OR m.concepts <> '{}' AND m.concepts <@ level.concepts::varchar[])
       AND (level.zones = '{}' OR m.zones <> '{}' AND m.zones <@ level.zones::varchar[])
       AND (level.stores = '{}' OR m.stores <> '{}' AND m.stores <@ level.stores::varchar[])
       AND (level.tills = '{}' OR m.tills <> '{}' AND m.tills <@ level.tills::varchar[])
       AND (%(any_place)s
            OR (m.concepts = '{}' OR %(concepts)s = ANY (m.concepts)) AND (m.zones = '{}' OR %(zones)s = ANY (m.zones))
           AND (m.stores = '{}' OR %(stores)s = ANY (m.stores)) AND (m.tills = '{}' OR %(tills)s = ANY (m.tills)))
     ORDER BY m.user_id
     LIMIT %(most)s) AS found
"""


def unfillable(
    levels: Sequence[Level], *, organisation_id: int, place: Place | None = None, amount: Decimal | None = None,
    without: Sequence[int] = (),
) -> Statement[list[int]]:  # fmt: skip
    """Numbers (from 1) of the levels for which no different people can be found.

    Args:
        without: users who may not: the maker, and whoever has decided before.
    """
    values = {
        "levels": _as_json(levels), "organisation": organisation_id, "without": list(without), "amount": amount,
        "any_place": place is None, "most": sum(level.people for level in levels),
        **{name: getattr(place, f"{name[:-1]}_id", "") for name in _SCOPES},
    }  # fmt: skip

    def read(cursor: Any) -> list[int]:
        candidates: list[list[int]] = [[] for _ in levels]
        for number, user_id in cursor.fetchall():
            candidates[number].append(user_id)
        return empty_levels(levels, candidates)

    return Statement(_CANDIDATES, values, read)


def empty_levels(levels: Sequence[Level], candidates: Sequence[Collection[int]]) -> list[int]:
    """Numbers (from 1) of the levels that stay empty, given who could fill each of them."""
    places = [number for number, level in enumerate(levels) for _ in range(level.people)]
    empty = unfilled([candidates[number] for number in places])
    return sorted({places[index] + 1 for index in empty})


def _as_json(levels: Sequence[Level]) -> str:
    return json.dumps([
        {"number": number, "role": level.role, "users": level.users}
        | {name: getattr(level, name) for name in _SCOPES}
        for number, level in enumerate(levels)
    ])  # fmt: skip

"""The one who acts: a user in an organisation, with the rights that the database holds at this moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from accounts.errors import PermissionDenied
from accounts.models import ActiveMembershipQuerySet, Membership, Organisation, User
from wire.kept_queries import Given, KeptQuery
from wire.messages import Statement, send


@dataclass(frozen=True, slots=True)
class Actor:
    """Passed to every service; made by `actor_in`, never guessed from a request or a thread."""

    user: User
    organisation: Organisation
    membership: Membership

    @property
    def name(self) -> str:
        return self.user.display_name


def members(*related: str, **asked_for: Any) -> ActiveMembershipQuerySet:
    """For a kept query: the active memberships in the organisation that is given, of the users whom this applies to."""
    found = Membership.objects.active().filter(organisation=Given("organisation"), **asked_for)
    return found.select_related(*related).order_by()


_MEMBERSHIP = KeptQuery(lambda: members("user", "organisation", user=Given("user")))
_MEMBERSHIP_OF = KeptQuery(lambda: members("organisation", user=Given("user")))


def actor_in(*, user_id: int, organisation_id: int) -> Actor:
    """Read the membership that lets this user act in this organisation.

    Raises:
        PermissionDenied: no active membership; the same whether the organisation exists or not.
    """
    actor: Actor | None = send(asked(user_id=user_id, organisation_id=organisation_id))[0]
    if actor is None:
        raise PermissionDenied
    return actor


def asked(*, user_id: int, organisation_id: int) -> Statement[Actor | None]:
    """The statement of `actor_in`, to be sent with others; None where that raises."""
    return _MEMBERSHIP.asked_first(user=user_id, organisation=organisation_id).then(actor_of_member)


def actor_of_member(membership: Membership | None) -> Actor | None:
    """The actor of a membership that was read with its user and organisation."""
    return None if membership is None else Actor(membership.user, membership.organisation, membership)


def actor_of_user(user: User, organisation_id: int) -> Actor:
    """As `actor_in`, for a user who has only just been read; the rights, and whether they are still active, are read.

    Raises:
        PermissionDenied: no active membership; the same whether the organisation exists or not.
    """
    membership = _MEMBERSHIP_OF.first(user=user.pk, organisation=organisation_id)
    if membership is None:
        raise PermissionDenied
    membership.user = user
    return Actor(user=user, organisation=membership.organisation, membership=membership)


def actors_of(user_id: int) -> dict[int, Actor]:
    """The actor that this user is in each organisation, by the organisation's id; one query."""
    memberships = (
        Membership.objects.active()
        .select_related("user", "organisation")
        .filter(user_id=user_id)
        .order_by("organisation__name", "organisation_id")
    )
    return {found.organisation_id: Actor(found.user, found.organisation, found) for found in memberships}


def sole_organisation_id(user_id: int) -> int | None:
    """The organisation of somebody who belongs to exactly one, else None."""
    found = list(Membership.objects.active().filter(user_id=user_id).values_list("organisation_id", flat=True)[:2])
    return found[0] if len(found) == 1 else None

"""Who wants which mail, and when. What somebody has lost the right to see is never sent to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from accounts.actors import Actor
from accounts.models import Membership, User, UserKind
from workflows import policies
from workflows.models import AdminTask, MailChoice, MailTiming, Notice, NoticeKind, WorkflowRequest
from workflows.states import ENDED


def choices_of(actors: Mapping[int, Actor]) -> dict[int, MailChoice]:
    """What one person has chosen in each of their organisations; the defaults where they have not."""
    if not actors:
        return {}
    user = next(iter(actors.values())).user
    kept = {found.organisation_id: found for found in MailChoice.objects.filter(user=user)}
    return {key: kept.get(key) or MailChoice(organisation_id=key, user=user) for key in actors}


def choose(actor: Actor, *, waiting: str | None = None, outcome: str | None = None) -> None:
    """Keep when the actor wants mail in this organisation; None leaves a choice as it is."""
    given = {"waiting": waiting, "outcome": outcome}
    changes = {name: value for name, value in given.items() if value is not None}
    if changes:
        MailChoice.objects.update_or_create(organisation=actor.organisation, user=actor.user, defaults=changes)


def recipients_of(notice: Notice, only: User | None = None) -> Iterator[tuple[User, MailTiming]]:
    """Everybody who wants to be told, and when.

    Of a waiting request those who may decide it, of an ended one its maker.

    Args:
        only: look at this person alone.
    """
    request, organisation_id = notice.request, notice.organisation_id
    members = Membership.objects.active().select_related("user", "organisation").exclude(user__email="")
    members = members.filter(organisation=organisation_id, user__kind=UserKind.PERSON)
    if only is not None:
        members = members.filter(user=only)
    if notice.kind == NoticeKind.OUTCOME:
        members = members.filter(user=request.maker_id)
    found = [member for member in members if _concerns(notice, request, member)]
    chosen = MailChoice.objects.filter(organisation=organisation_id, user__in=[member.user_id for member in found])
    kept = {choice.user_id: choice for choice in chosen}
    for member in found:
        timing = MailTiming(getattr(kept.get(member.user_id) or MailChoice(), notice.kind))
        if timing != MailTiming.OFF:
            yield member.user, timing


def _concerns(notice: Notice, request: WorkflowRequest, member: Membership) -> bool:
    if notice.kind == NoticeKind.OUTCOME:
        return request.state in ENDED
    task = AdminTask.objects.filter(request=request, decision=None).first()
    actor = Actor(user=member.user, organisation=member.organisation, membership=member)
    return task is not None and policies.why_not_decide(actor, request, task) is None

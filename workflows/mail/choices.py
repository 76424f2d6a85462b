"""Who wants which mail, and when. What somebody has lost the right to see is never sent to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from accounts.actors import Actor
from accounts.models import Membership, User, UserKind
from workflows import policies
from workflows.models import AdminTask, MailChoice, MailTiming, Notice, NoticeKind, WorkflowPolicy, WorkflowRequest
from workflows.states import ENDED, State

ALERTS = frozenset({NoticeKind.REMINDER, NoticeKind.BACKUP, NoticeKind.EXPIRING, NoticeKind.STUCK})


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

    Of a waiting request those who may decide it, of one that will expire its maker too, of an ended one its maker
    alone. Of one that nobody can decide those who can mend that, whatever they have chosen.

    Args:
        only: look at this person alone.
    """
    request, organisation_id = notice.request, notice.organisation_id
    task = None if notice.kind == NoticeKind.OUTCOME else _open_task(request)
    members = Membership.objects.active().select_related("user", "organisation").exclude(user__email="")
    members = members.filter(organisation=organisation_id, user__kind=UserKind.PERSON)
    if only is not None:
        members = members.filter(user=only)
    if notice.kind == NoticeKind.OUTCOME:
        members = members.filter(user=request.maker_id)
    found = [member for member in members if _concerns(notice, request, task, member)]
    chosen = MailChoice.objects.filter(organisation=organisation_id, user__in=[member.user_id for member in found])
    kept = {choice.user_id: choice for choice in chosen}
    for member in found:
        timing = _timing(notice, request, member, kept.get(member.user_id) or MailChoice())
        if timing != MailTiming.OFF:
            yield member.user, timing


def addresses_of(notice: Notice) -> tuple[str, ...]:
    """The addresses that the policy in force names, which belong to nobody's account; alerts go there as well."""
    request = notice.request
    if notice.kind not in ALERTS or not _still_alerts(notice, request):
        return ()
    policy = WorkflowPolicy.objects.filter(organisation=notice.organisation_id, request_type=request.request_type)
    found = policy.select_related("active").first()
    return found.terms.notify if found is not None else ()


def _open_task(request: WorkflowRequest) -> AdminTask | None:
    return AdminTask.objects.filter(request=request, decision=None).first()


def _still_alerts(notice: Notice, request: WorkflowRequest) -> bool:
    """Whether there is still something to be alarmed at."""
    return request.state == State.WAITING and (notice.kind != NoticeKind.STUCK or request.stuck_at is not None)


def _concerns(notice: Notice, request: WorkflowRequest, task: AdminTask | None, member: Membership) -> bool:
    if notice.kind == NoticeKind.OUTCOME:
        return request.state in ENDED
    if notice.kind == NoticeKind.STUCK:
        return (member.is_operator or member.is_administrator) and _still_alerts(notice, request)
    if notice.kind == NoticeKind.EXPIRING and member.user_id == request.maker_id:
        return _still_alerts(notice, request)
    actor = Actor(user=member.user, organisation=member.organisation, membership=member)
    return task is not None and policies.why_not_decide(actor, request, task) is None


def _timing(notice: Notice, request: WorkflowRequest, member: Membership, choice: MailChoice) -> MailTiming:
    if notice.kind == NoticeKind.STUCK:
        return MailTiming.AT_ONCE
    is_own = member.user_id == request.maker_id
    return MailTiming(choice.outcome if is_own or notice.kind == NoticeKind.OUTCOME else choice.waiting)

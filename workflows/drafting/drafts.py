"""The draft of one administrator for one policy: read, changed, thrown away, put in force."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import set_up_phase
from accounts.actors import actor_in
from accounts.errors import PermissionDenied
from accounts.models import Membership, User
from wire.errors import ApiError
from workflows import registry, settings_change
from workflows.drafting.editing import NotThere
from workflows.models import PolicyDraft, PolicyVersion, WorkflowPolicy
from workflows.rules import versions
from workflows.terms.document import Terms
from workflows.terms.words import Names

Change = Callable[[Terms], Terms]


class DraftChanged(ApiError):
    """The page that was sent had shown another state of the draft, or of the policy."""

    code = 2002
    http_status = 409
    message = gettext_lazy("This has changed since you opened the page. Look at it again; nothing was done.")


def draft_of(policy: WorkflowPolicy, author: User) -> PolicyDraft:
    """The author's draft; one that is not stored yet, of what is in force, where they have none."""
    found = PolicyDraft.objects.filter(policy=policy, author=author).first()
    return found or PolicyDraft(policy=policy, author=author, document=_in_force(policy).as_json())


def _in_force(policy: WorkflowPolicy) -> Terms:
    return policy.terms if policy.active_id is not None else Terms()


def stamp_of(draft: PolicyDraft) -> str:
    """Says which state of the draft a page shows; comes back with its form."""
    return draft.updated_at.isoformat() if draft.pk is not None else "new"


@transaction.atomic
def edit(policy: WorkflowPolicy, author: User, stamp: str, change: Change) -> PolicyDraft:
    """Change the author's draft; the first change makes it.

    Raises:
        DraftChanged: `stamp` is not that of the draft as it stands, or what is to be changed is not there.
    """
    # The policy's row, so that two first changes at once do not make two drafts.
    WorkflowPolicy.objects.select_for_update().get(pk=policy.pk)
    draft = draft_of(policy, author)
    if stamp != stamp_of(draft):
        raise DraftChanged
    try:
        draft.document = change(draft.terms).as_json()
    except NotThere:
        raise DraftChanged from None
    draft.updated_at = timezone.now()
    draft.save()
    return draft


def discard(policy: WorkflowPolicy, author: User) -> None:
    PolicyDraft.objects.filter(policy=policy, author=author).delete()


def problems_of(draft: PolicyDraft) -> list[str]:
    """Everything that keeps the draft from being put in force, in words."""
    return versions.problems_with(draft.terms, draft.policy.organisation, draft.policy.request_type)


def put_in_force(policy: WorkflowPolicy, author: User, *, stamp: str, against: int | None, note: str) -> str:
    """Hand the author's draft over to be put in force; the draft is gone then.

    In an organisation that is set up or in use, another administrator approves it first.

    Args:
        against: the version in force that the difference was shown against.

    Returns:
        What became of it, for the author.

    Raises:
        DraftChanged: another draft, or another version in force, than the author looked at.
        ValidationError: the draft contradicts itself, or nobody could decide by it.
        ApiError: as `settings_change.propose_policy`.
    """
    if set_up_phase.is_closed(policy.organisation_id):
        return _propose(policy, author, stamp=stamp, against=against, note=note)
    with transaction.atomic():
        return _put_in_force(policy, author, stamp=stamp, against=against, note=note)


def _propose(policy: WorkflowPolicy, author: User, *, stamp: str, against: int | None, note: str) -> str:
    draft = draft_of(policy, author)
    if draft.pk is None or stamp != stamp_of(draft):
        raise DraftChanged
    try:
        actor = actor_in(user_id=author.pk, organisation_id=policy.organisation_id)
    except PermissionDenied:
        raise PermissionDenied(set_up_phase.closed_sentence(policy.organisation)) from None
    settings_change.propose_policy(
        actor=actor, slug=policy.request_type, terms=draft.terms, made_from=against, note=note
    )
    draft.delete()
    return _("It is proposed; it comes into force when another administrator has approved it.")


def _put_in_force(policy: WorkflowPolicy, author: User, *, stamp: str, against: int | None, note: str) -> str:
    locked = WorkflowPolicy.objects.select_for_update().get(pk=policy.pk)
    draft = draft_of(locked, author)
    if draft.pk is None or stamp != stamp_of(draft) or locked.active_id != against:
        raise DraftChanged
    version = versions.put_in_force(
        organisation=policy.organisation, slug=policy.request_type, terms=draft.terms, author=author, note=note
    )
    draft.delete()
    return _("Version %(number)s is in force now.") % {"number": version.number}


def versions_of(policy: WorkflowPolicy) -> list[PolicyVersion]:
    """The latest versions, the newest first."""
    return list(policy.versions.select_related("created_by").order_by("-number")[:101])


def names_of(policy: WorkflowPolicy, *documents: Terms) -> Names:
    """What the numbers in these documents stand for; two queries."""
    return Names(users=_usernames(policy, documents), programs=dict(programs_of(policy)))


def _usernames(policy: WorkflowPolicy, documents: tuple[Terms, ...]) -> dict[int, str]:
    ids = {number for terms in documents for number in _users_in(terms)}
    found = Membership.objects.filter(organisation=policy.organisation_id, user__in=ids)
    return dict(found.values_list("user_id", "user__username"))


def _users_in(terms: Terms) -> list[int]:
    results = [rule.then for rule in terms.rules] + [terms.default]
    levels = [level for result in results for level in result.levels]
    levels += [limit.at_limit for limit in terms.limits if not isinstance(limit.at_limit, str)]
    found = [number for rule in terms.rules for number in rule.when.makers]
    for level in levels:
        found += level.users
        found += level.backup.users if level.backup is not None else ()
    return found


def programs_of(policy: WorkflowPolicy) -> list[tuple[int, str]]:
    """Number and name of every program that a rule can ask about."""
    found = registry.get(policy.request_type).programs([policy.organisation_id])
    return [(number, f"{name} ({number})") for number, name in found]


def members_called(policy: WorkflowPolicy, usernames: list[str]) -> dict[str, int]:
    """The ids of the organisation's active members with these usernames."""
    found = Membership.objects.active().filter(organisation=policy.organisation_id, user__username__in=usernames)
    return dict(found.values_list("user__username", "user_id"))

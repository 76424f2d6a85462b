"""Which version of a policy is in force, and how the next one comes into force."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max

from accounts.models import Organisation, User
from workflows import audit, registry
from workflows.models import PolicyVersion, WorkflowPolicy
from workflows.rules import recount, saving
from workflows.terms.contradictions import problems_of
from workflows.terms.document import Per, Terms


def problems_with(terms: Terms, organisation: Organisation, slug: str) -> list[str]:
    """One sentence for everything that would let requests wait for ever, or never be judged as it seems.

    Raises:
        TypeNotSupported: unknown type.
    """
    kind = registry.get(slug)
    return [*problems_of(terms), *kind.problems_of_terms(terms), *saving.problems_of(terms, organisation, kind)]


@transaction.atomic
def put_in_force(
    *, organisation: Organisation, slug: str, terms: Terms, author: User | None, note: str = "",
    checked: bool = True,
) -> PolicyVersion:  # fmt: skip
    """Make the terms the next version of the organisation's policy for a type, and let it judge from now on.

    Args:
        checked: whether contradictions and missing people are looked for; the first set-up of an organisation has
            no people yet.

    Raises:
        TypeNotSupported: unknown type.
        ValidationError: the terms contradict themselves, or nobody could decide; every problem is named.
    """
    if checked:
        problems = problems_with(terms, organisation, slug)
    else:
        problems = [*problems_of(terms), *registry.get(slug).problems_of_terms(terms)]
    if problems:
        raise ValidationError(problems)
    WorkflowPolicy.objects.get_or_create(organisation=organisation, request_type=slug)
    policy = WorkflowPolicy.objects.select_for_update().get(organisation=organisation, request_type=slug)
    last = policy.versions.aggregate(last=Max("number"))["last"] or 0
    version = PolicyVersion.objects.create(
        policy=policy, number=last + 1, document=terms.as_json(), note=note, created_by=author
    )
    _count_for(policy, terms)
    policy.active = version
    policy.counted = sorted(terms.counted)
    policy.save(update_fields=["active", "counted"])
    audit.record(
        "policy.in_force", actor=author, organisation_id=organisation.pk, request_type=slug, version=version.number,
        note=note,
    )  # fmt: skip
    return version


def _count_for(policy: WorkflowPolicy, terms: Terms) -> None:
    """Bring the counters in step with what the new version counts.

    The lock waits for every submission that is under way, and lets none begin until the new version is in force; those
    judged by the old one are refused by the trigger then. Only one transaction holds it, so that two changes of policy
    that are themselves requests do not wait for each other. What is not counted any more is left as it stands: it is
    counted anew when a version wants it again.
    """
    before, after = {Per(name) for name in policy.counted}, set(terms.counted)
    if after - before:
        recount.beside_nobody()
        recount.rebuild(policy.organisation, policy.request_type, sorted(after - before))

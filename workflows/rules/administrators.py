"""How many administrators an organisation needs, so that changes of its settings can be approved at all."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import Membership
from workflows.rules import people
from workflows.terms.document import Level, Role, Terms


def of_whole_organisation(organisation_id: int) -> QuerySet[Membership]:
    """Those who may propose a change of settings, and approve what another of them has proposed."""
    found = people.eligible(
        organisation_id=organisation_id, level=Level(role=Role.ADMINISTRATOR), place=None, amount=None
    )
    return found.filter(concepts=[], zones=[], stores=[], tills=[])


def needed(terms: Terms) -> int:
    """Whom the largest of the results asks for, and one more: whoever proposes a change approves nothing of it."""
    results = [*(rule.then for rule in terms.rules), terms.default]
    return 1 + max(sum(level.people for level in result.levels) for result in results)

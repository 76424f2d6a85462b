"""What the policy for changes of settings must hold: never less than one other administrator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.utils.translation import gettext as _

from workflows.rules import administrators
from workflows.terms.document import Level, Result, Role, Terms

ONE_ADMINISTRATOR: Final = Terms(default=Result(kind="levels", levels=(Level(role=Role.ADMINISTRATOR),)))


def problems_of_terms(terms: Terms) -> Iterator[str]:
    """Weaker, or such that nobody could change anything any more."""
    if not terms.is_enabled:
        yield _("The workflow for changes of settings cannot be switched off.")
    if terms.auto_approval != "off":
        yield _("Changes of settings are never approved automatically.")
    if terms.limits:
        yield _("There are no limits for changes of settings.")
    if not all(_asks_administrators(result) for result in [*(rule.then for rule in terms.rules), terms.default]):
        yield _("Every change of settings asks administrators, and at each level any of them.")


def problems_of_people(terms: Terms, organisation_id: int) -> Iterator[str]:
    """With fewer administrators than this no change could be approved any more, nor could this one be taken back."""
    needed, there = administrators.needed(terms), administrators.of_whole_organisation(organisation_id).count()
    if there < needed:
        yield _(
            "This needs %(needed)s administrators of the whole organisation, for whoever proposes a change approves"
            " nothing of it; there are %(there)s."
        ) % {"needed": needed, "there": there}


def _asks_administrators(result: Result) -> bool:
    return result.kind == "levels" and all(
        level == Level(role=Role.ADMINISTRATOR, people=level.people) for level in result.levels
    )

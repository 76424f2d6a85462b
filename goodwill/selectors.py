"""Reading programs: within one organisation, a fixed number of queries."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import QuerySet

from accounts.actors import Actor
from goodwill.models import Program


def programs_of(actor: Actor) -> QuerySet[Program]:
    """The programs of the actor's organisation, the default one first."""
    return Program.objects.filter(organisation=actor.organisation).order_by("-is_default", "name")


def program_names(organisation_ids: Collection[int]) -> list[tuple[int, str]]:
    """Number and name of every program of these organisations."""
    found = Program.objects.filter(organisation__in=organisation_ids).order_by("name", "program_id")
    return list(found.values_list("program_id", "name"))

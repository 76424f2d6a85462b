"""The difference between two documents, field by field and in words; whoever approves it reads nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from workflows.terms import words
from workflows.terms.document import Terms
from workflows.terms.words import Names


@dataclass(frozen=True, slots=True)
class Difference:
    """One field; an empty text stands for what is not there."""

    place: str
    before: str
    after: str


def differences(before: Terms, after: Terms, names: Names | None = None) -> list[Difference]:
    """Everything that differs, in the order of the document; what is gone stands where it stood.

    Rules and limits are known by their names, so that one that only moved shows as a changed order and nothing else.
    """
    known = names or Names()
    old, new = fields_of(before, known), fields_of(after, known)
    found = [
        Difference(place, old.get(place, ""), new.get(place, ""))
        for place in _in_order(list(old), list(new))
        if old.get(place) != new.get(place)
    ]
    if not found and before.as_json() != after.as_json():
        # Two lists that read alike, such as “a, b” and “a”, “b” without their quotes: said, never passed over.
        return [Difference(_("Document"), str(before.as_json()), str(after.as_json()))]
    return found


def fields_of(terms: Terms, names: Names) -> dict[str, str]:
    """The document as one text per place."""
    found = dict(words.of_settings(terms))
    found[_("Rules, in order")] = _listed([rule.name for rule in terms.rules])
    for rule in terms.rules:
        where = _("Rule “%(name)s”") % {"name": rule.name}
        said = words.of_conditions(rule.when, names) + words.of_result(rule.then, names)
        found |= {f"{where}: {label}": text for label, text in said}
    for label, text in words.of_result(terms.default, names):
        found[f"{_('Everything else')}: {label}"] = text
    found[_("Limits, in order")] = _listed([limit.name for limit in terms.limits])
    for limit in terms.limits:
        where = _("Limit “%(name)s”") % {"name": limit.name}
        found |= {f"{where}: {label}": text for label, text in words.of_limit(limit, names)}
    return found


def _listed(names: list[str]) -> str:
    return "; ".join(f"{number}. {name}" for number, name in enumerate(names, start=1)) or _("none")


def _in_order(old: list[str], new: list[str]) -> list[str]:
    """The places of both: those of the new document in its order, each that is gone after its old neighbour."""
    merged, present = list(new), set(new)
    position = 0
    for place in old:
        if place in present:
            position = merged.index(place) + 1
        else:
            merged.insert(position, place)
            position += 1
    return merged

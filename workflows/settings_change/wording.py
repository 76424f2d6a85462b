"""The difference that a change makes, field by field and in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Membership, Organisation, User
from workflows import registry
from workflows.settings_change.changes import Difference, Rights, TargetState
from workflows.terms.differences import differences
from workflows.terms.document import Terms
from workflows.terms.words import Names


def of_policy(organisation: Organisation, before: Terms, after: Terms) -> list[Difference]:
    names = Names(
        users=dict(_members_of(organisation)),
        programs={number: name for kind in registry.all_types() for number, name in kind.programs([organisation.pk])},
    )
    found = differences(before, after, names)
    return [Difference(field=each.place, before=each.before, after=each.after) for each in found]


def _members_of(organisation: Organisation) -> Iterable[tuple[int, str]]:
    found = User.objects.filter(memberships__organisation=organisation).order_by("pk")
    return ((user.pk, user.display_name) for user in found)


def of_target(before: TargetState | None, after: TargetState, access: str) -> list[Difference]:
    labels = {
        "base_url": _("Base URL"), "allows_internal": _("Internal addresses allowed"), "is_enabled": _("Enabled"),
    }  # fmt: skip
    had = before is not None and before.has_own_access
    found = [
        Difference(field=label, before="" if before is None else _said(getattr(before, name)), after=_said(new))
        for name, label in labels.items()
        if (new := getattr(after, name)) != (None if before is None else getattr(before, name))
    ]
    if access != "kept":
        said = _("a new credential") if access == "new" else _("none")
        was = _("the credential stored until now") if had else _("none")
        found.append(Difference(field=_("Own Intouch credential"), before=was, after=said))
    return found


def of_rights(before: Rights | None, after: Rights) -> list[Difference]:
    return [
        Difference(
            field=str(_field(name).verbose_name), after=_said(new),
            before="" if before is None else _said(getattr(before, name)),
        )
        for name in Rights.model_fields
        if (new := getattr(after, name)) != (None if before is None else getattr(before, name))
    ]  # fmt: skip


def _field(name: str) -> Any:
    return Membership._meta.get_field(name)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(value) or _("everywhere")
    return _("any amount") if value is None else str(value)

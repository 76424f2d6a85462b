"""The request type of changes of settings: `SETTINGS-CHANGE`, which no client can submit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.models import SETTINGS_CHANGE, WorkflowRequest
from workflows.registry import Fact, RequestType, Subject
from workflows.settings_change import changes
from workflows.settings_change.applying import carry_out
from workflows.settings_change.changes import Change, MembershipChange, PolicyChange, SettingsChange
from workflows.settings_change.strength import problems_of_people, problems_of_terms


def _subject(*_: Any) -> Subject:
    raise NotImplementedError("changes of settings are proposed (workflows.settings_change), never read from a body")


def facts_for_checker(request: WorkflowRequest) -> Iterator[Fact]:
    """What would change, field by field."""
    change = changes.read(request)
    yield Fact(_("Change of"), _about(change), is_lead=True)
    for each in change.difference:
        before = _("until now: %(before)s") % {"before": each.before or "–"}
        yield Fact(each.field, each.after or "–", note=before, is_long=True)


def _about(change: Change) -> str:
    match change:
        case PolicyChange():
            return _("policy for %(type)s") % {"type": change.request_type}
        case MembershipChange():
            return _("rights of %(name)s") % {"name": change.user_name}
    return _("target %(origin)s") % {"origin": change.origin}


SETTINGS_CHANGE_TYPE: Final = RequestType(
    slug=SETTINGS_CHANGE,
    label=gettext_lazy("Change of settings"),
    method="",
    path="",
    body_model=SettingsChange,
    subject=_subject,
    local=carry_out,
    problems_of_terms=problems_of_terms,
    problems_of_people=problems_of_people,
    facts_for_checker=facts_for_checker,
)

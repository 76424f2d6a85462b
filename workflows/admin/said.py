"""What a checker is told of the decision that they have just taken."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows import registry
from workflows.amounts import readable
from workflows.models import AdminTask, Decision, WorkflowRequest
from workflows.states import State
from workflows.terms.document import Role
from workflows.terms.words import ROLES

_ANYBODY: Final = {
    Role.CHECKER: gettext_lazy("another checker"),
    Role.SUPERVISOR: gettext_lazy("a supervisor"),
    Role.ADMINISTRATOR: gettext_lazy("another administrator"),
}


def of_decision(request: WorkflowRequest, decision: Decision) -> str:
    """One sentence for whoever has taken it.

    Args:
        request: as the decision has left it.
    """
    said = {"what": _what(request)}
    if decision != Decision.APPROVED:
        return _("Rejected: %(what)s.") % said
    if request.state != State.WAITING:
        return _("Approved: %(what)s. It is being carried out.") % said
    following = request.tasks.filter(decision=None).first()
    if following is None:  # somebody was faster with the next level than this page
        return _("Approved: %(what)s.") % said
    return _("Approved: %(what)s. Nothing is carried out yet: the next level waits for %(whom)s.") % {
        **said, "whom": _whom(following),
    }  # fmt: skip


def _what(request: WorkflowRequest) -> str:
    if request.customer_id is None:
        return f"{registry.get(request.request_type).label} ({request.reason})"
    return _("%(amount)s for customer %(customer)s (%(reference)s)") % {
        "amount": readable(request.amount) if request.amount is not None else "",
        "customer": request.customer_id,
        "reference": request.reference_id,
    }


def _whom(task: AdminTask) -> str:
    role = Role(task.role)
    if task.users:
        return _("one of the named people (%(role)s)") % {"role": ROLES[role]}
    return str(_ANYBODY[role])

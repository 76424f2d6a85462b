"""Where the demo organisation calls: the sandbox, whose port may be another one each time."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts import set_up_phase
from accounts.actors import actor_in
from accounts.models import Organisation, User
from goodwill.demo import seeds
from workflows import execution, services, set_up, settings_change
from workflows.models import Decision, IntouchTarget
from workflows.set_up import canonical_origin
from workflows.states import State

PROPOSER, APPROVER = "admin", "admin2"


def ensure_target(organisation: Organisation, sandbox_url: str) -> None:
    """Let the seed's host name lead to the sandbox; where the organisation is set up, as its administrators do it."""
    target = IntouchTarget.objects.filter(organisation=organisation, origin=seeds.INTOUCH_HOSTNAME).first()
    has_moved = target is None or target.base_url != canonical_origin(sandbox_url)
    if not set_up_phase.is_set_up(organisation.pk):
        set_up.allow_target(
            organisation=organisation, origin=seeds.INTOUCH_HOSTNAME, base_url=sandbox_url, allows_internal=True,
            credential=seeds.FAKE_CREDENTIAL,
        )  # fmt: skip
    elif has_moved:
        _move(organisation, sandbox_url)


def _move(organisation: Organisation, sandbox_url: str) -> None:
    proposer, approver = (
        actor_in(user_id=User.objects.get(username=name).pk, organisation_id=organisation.pk)
        for name in (PROPOSER, APPROVER)
    )
    proposed = settings_change.propose_target(
        actor=proposer, origin=seeds.INTOUCH_HOSTNAME, base_url=sandbox_url, allows_internal=True, is_enabled=True,
        credential=seeds.FAKE_CREDENTIAL, note="The sandbox is served at another port.",
    )  # fmt: skip
    services.decide(
        actor=approver, request_id=proposed.pk, decision=Decision.APPROVED, message="That is where the sandbox is."
    )
    execution.execute(proposed.pk)
    proposed.refresh_from_db()
    if proposed.state != State.CREDITED:
        raise ValidationError(_("The target was not moved: %(error)s") % {"error": proposed.last_error})

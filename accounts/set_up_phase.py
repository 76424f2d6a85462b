"""An organisation is set up directly until it has two administrators; from then on one proposes and another approves.

Commands stop earlier: with the first request that was made in it, for from then on people rely on its rules.

The database itself notes the moment (`Organisation.set_up_at`, a trigger), and nothing takes it back: else whoever
switches an administrator off could change everything alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.core.exceptions import ValidationError
from django.dispatch import Signal
from django.utils.translation import gettext as _

from accounts.models import Organisation

# Sent in the transaction of a change that was made directly: `membership`, and `actor` (a User; None for a command).
membership_set = Signal()

# Each says of an organisation, by its id, whether it is in use; what that means is known further up.
signs_of_use: Final[list[Callable[[int], bool]]] = []


def is_set_up(organisation_id: int) -> bool:
    """Whether changes of the organisation's settings need two administrators; read anew each time."""
    return Organisation.objects.filter(pk=organisation_id, set_up_at__isnull=False).exists()


def check_open(organisation: Organisation) -> None:
    """Raises ValidationError where commands change nothing any more: the organisation is set up, or in use."""
    if is_set_up(organisation.pk):
        raise ValidationError(closed_sentence(organisation))
    if any(is_in_use(organisation.pk) for is_in_use in signs_of_use):
        raise ValidationError(
            _(
                "Requests have been made in %(organisation)s, so commands change its settings no more. Name two"
                " administrators with appoint_administrator: one proposes this change in the admin, another"
                " approves it."
            )
            % {"organisation": organisation.name}
        )


def closed_sentence(organisation: Organisation) -> str:
    """What to do instead."""
    return _(
        "%(organisation)s is set up: one of its administrators proposes this change in the admin, and another approves"
        " it."
    ) % {"organisation": organisation.name}

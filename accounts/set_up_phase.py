"""An organisation is set up directly until it has two administrators, or the first request was made in it; from then on
one proposes and another approves.

The database itself notes when it has two (`Organisation.set_up_at`, a trigger), and nothing takes it back: else whoever
switches an administrator off could change everything alone. Where requests came first, people rely on its rules
already: `appoint_administrator` names the two, and nothing else is changed by one person.
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
    """Whether the organisation has had two administrators; read anew each time."""
    return Organisation.objects.filter(pk=organisation_id, set_up_at__isnull=False).exists()


def is_closed(organisation_id: int) -> bool:
    """Whether changes of the organisation's settings need two administrators; read anew each time."""
    return is_set_up(organisation_id) or any(is_in_use(organisation_id) for is_in_use in signs_of_use)


def check_open(organisation: Organisation) -> None:
    """Raises ValidationError where nobody changes anything alone any more: the organisation is set up, or in use."""
    if is_closed(organisation.pk):
        raise ValidationError(closed_sentence(organisation))


def closed_sentence(organisation: Organisation) -> str:
    """What to do instead."""
    if not is_set_up(organisation.pk):
        return _(
            "Requests have been made in %(organisation)s, so nobody changes its settings alone any more. Name two"
            " administrators with appoint_administrator: one proposes this change in the admin, another approves it."
        ) % {"organisation": organisation.name}
    return _(
        "%(organisation)s is set up: one of its administrators proposes this change in the admin, and another approves"
        " it."
    ) % {"organisation": organisation.name}

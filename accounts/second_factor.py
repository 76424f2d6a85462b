"""The second factor of people: a time-based one-time password (RFC 6238), and recovery codes for a lost device.

Whoever has set one up needs it for the admin and for a UI token, and can no longer use the password alone (Basic). An
organisation can require it of its checkers; who has none yet is led to set it up before anything else.
"""

from __future__ import annotations

import base64
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django_otp.plugins.otp_static.models import StaticToken

from accounts.devices import Authenticator, RecoveryCodes, code_digest, generate_code
from accounts.models import Membership, User
from accounts.services import revoke_ui_tokens
from wire.kept_queries import Given, KeptQuery

RECOVERY_CODES: Final = 10
_TOTP, _RECOVERY = "authenticator", "recovery codes"


def is_required_of(user: User) -> bool:
    """Whether an organisation in which the person may check requests asks for it."""
    return (
        Membership.objects.active()
        .filter(user=user, is_checker=True, organisation__requires_second_factor=True)
        .exists()
    )


def is_needed_by(user: User) -> bool:
    """Whether the person has to show a second factor in the admin: they have one, or ought to; one query."""
    return _NEEDS_ONE.first(user=user.pk) is not None


def needed_by(user: str) -> Q:
    """That the user, whose id stands in this column of a query, has to show one."""
    device = Authenticator.objects.filter(user=OuterRef(user), confirmed=True)
    required = Membership.objects.active().filter(
        user=OuterRef(user), is_checker=True, organisation__requires_second_factor=True
    )
    return Q(Exists(device) | Exists(required))


_NEEDS_ONE = KeptQuery(lambda: User.objects.filter(needed_by("pk"), pk=Given("user")))


def is_set_up_by(user: User) -> bool:
    """Whether the person has confirmed a device."""
    return Authenticator.objects.filter(user=user, confirmed=True).exists()


def verify(user: User, code: str) -> Authenticator | RecoveryCodes | None:
    """The confirmed device that this code comes from, or None. Wrong codes make a device refuse for ever longer.

    A code is good once: the device remembers the last one.
    """
    kinds: tuple[type[Authenticator] | type[RecoveryCodes], ...] = (Authenticator, RecoveryCodes)
    with transaction.atomic():
        for kind in kinds:
            for device in kind.objects.select_for_update().filter(user=user, confirmed=True):
                if device.verify_is_allowed()[0] and device.verify_token(_typed(code)):
                    found: Authenticator | RecoveryCodes = device
                    return found
    return None


def _typed(code: str) -> str:
    """A code as it is meant, however it was copied: codes are shown in groups."""
    return "".join(code.split()).lower()


@transaction.atomic
def begin_set_up(user: User) -> Authenticator:
    """The unconfirmed device whose secret the person scans; the same one until it is confirmed."""
    found: tuple[Authenticator, bool] = Authenticator.objects.get_or_create(
        user=user, confirmed=False, defaults={"name": _TOTP, "key": ""}
    )
    device, is_new = found
    if is_new:
        device.new_seed()
    return device


def secret_text(device: Authenticator) -> str:
    """The secret for people who type it: base32 in groups of four."""
    return _in_groups(base64.b32encode(device.bin_key).decode().rstrip("="))


def _in_groups(text: str) -> str:
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


@transaction.atomic
def confirm_set_up(user: User, code: str) -> list[str] | None:
    """Confirm the device with its first code, in the place of any earlier one.

    Returns:
        Recovery codes, shown this once; None where the code is wrong.
    """
    device = Authenticator.objects.select_for_update().filter(user=user, confirmed=False).first()
    if device is None or not device.verify_is_allowed()[0] or not device.verify_token(_typed(code)):
        return None
    Authenticator.objects.filter(user=user, confirmed=True).delete()
    device.confirmed = True
    device.save()
    revoke_ui_tokens(user)
    return _new_recovery_codes(user)


def _new_recovery_codes(user: User) -> list[str]:
    RecoveryCodes.objects.filter(user=user).delete()
    device = RecoveryCodes.objects.create(user=user, name=_RECOVERY)
    codes = [generate_code() for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code_digest(code)) for code in codes)
    return [_in_groups(code) for code in codes]


@transaction.atomic
def remove(user: User) -> None:
    """Take the second factor away, for somebody who has lost device and codes; an administrator's act."""
    Authenticator.objects.filter(user=user).delete()
    RecoveryCodes.objects.filter(user=user).delete()
    revoke_ui_tokens(user)


def device_of(user: User) -> Authenticator:
    """The person's confirmed device; there is one."""
    device: Authenticator = Authenticator.objects.get(user=user, confirmed=True)
    return device

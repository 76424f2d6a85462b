"""The second factor of people: a time-based one-time password (RFC 6238), and recovery codes for a lost device.

Whoever has set one up needs it for the admin and for a UI token, and can no longer use the password alone (Basic). An
organisation can require it of its checkers; who has none yet is led to set it up before anything else.
"""

from __future__ import annotations

import base64
import secrets
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef
from django_otp import devices_for_user
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import Membership, User
from accounts.services import revoke_ui_tokens

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
    device = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
    required = Membership.objects.active().filter(
        user=OuterRef("pk"), is_checker=True, organisation__requires_second_factor=True
    )
    return User.objects.filter(Exists(device) | Exists(required), pk=user.pk).exists()


def is_set_up_by(user: User) -> bool:
    """Whether the person has confirmed a device."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).exists()


def verify(user: User, code: str) -> TOTPDevice | StaticDevice | None:
    """The confirmed device that this code comes from, or None. Wrong codes make a device refuse for ever longer.

    A code is good once: the device remembers the last one.
    """
    with transaction.atomic():
        for device in devices_for_user(user, confirmed=True, for_verify=True):
            if device.verify_is_allowed()[0] and device.verify_token(code.strip().replace(" ", "")):
                found: TOTPDevice | StaticDevice = device
                return found
    return None


def begin_set_up(user: User) -> TOTPDevice:
    """The unconfirmed device whose secret the person scans; the same one until it is confirmed."""
    found: tuple[TOTPDevice, bool] = TOTPDevice.objects.get_or_create(
        user=user, confirmed=False, defaults={"name": _TOTP}
    )
    return found[0]


def secret_text(device: TOTPDevice) -> str:
    """The secret for people who type it: base32 in groups of four."""
    text = base64.b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


@transaction.atomic
def confirm_set_up(user: User, code: str) -> list[str] | None:
    """Confirm the device with its first code, in the place of any earlier one.

    Returns:
        Recovery codes, shown this once; None where the code is wrong.
    """
    device = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=False).first()
    if device is None or not device.verify_is_allowed()[0] or not device.verify_token(code.strip().replace(" ", "")):
        return None
    TOTPDevice.objects.filter(user=user, confirmed=True).delete()
    device.confirmed = True
    device.save()
    revoke_ui_tokens(user)
    return _new_recovery_codes(user)


def _new_recovery_codes(user: User) -> list[str]:
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name=_RECOVERY)
    codes = [secrets.token_hex(5) for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return codes


@transaction.atomic
def remove(user: User) -> None:
    """Take the second factor away, for somebody who has lost device and codes; an administrator's act."""
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()
    revoke_ui_tokens(user)


def device_of(user: User) -> TOTPDevice:
    """The person's confirmed device; there is one."""
    device: TOTPDevice = TOTPDevice.objects.get(user=user, confirmed=True)
    return device

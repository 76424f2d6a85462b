"""The library's devices of a second factor, as they may be stored: the seed sealed, the recovery codes as digests."""

from __future__ import annotations

import base64
import hashlib
import secrets as random
from binascii import unhexlify
from typing import Final

from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice, default_key

from wire import secrets
from wire.secrets import Secret

_DIGEST_LENGTH: Final = 16  # of base64: 96 bits, and as much as the library's column holds
_CODE_BYTES: Final = 10


def seed_binding(device_id: int) -> bytes:
    """The associated data of a device's seed."""
    return secrets.binding("authenticator", device_id, "seed")


class Authenticator(TOTPDevice):
    """An app that shows one-time passwords. `key` holds the sealed seed; the library's own class cannot read it."""

    class Meta:
        proxy = True

    @property
    def bin_key(self) -> bytes:
        opened = secrets.decrypt(secrets.from_text(self.key), seed_binding(self.pk))
        return unhexlify(opened.value)

    def new_seed(self) -> None:
        """Give the stored device a seed."""
        self._seal(Secret(default_key()))

    def reseal(self) -> bool:
        """Seal the seed under the first key of the ring; whether it was not."""
        sealed = secrets.from_text(self.key)
        if secrets.is_current(sealed):
            return False
        self._seal(secrets.decrypt(sealed, seed_binding(self.pk)))
        return True

    def _seal(self, seed: Secret) -> None:
        self.key = secrets.as_text(secrets.encrypt(seed, seed_binding(self.pk)))
        self.save(update_fields=["key"])


class RecoveryCodes(StaticDevice):
    """Codes for when the app is not at hand; `StaticToken.token` holds a digest of each."""

    class Meta:
        proxy = True

    def verify_token(self, token: str) -> bool:
        return bool(super().verify_token(code_digest(token)))  # type: ignore[no-untyped-call]


def generate_code() -> str:
    """80 random bits, which no digest gives back, as sixteen letters and digits."""
    return base64.b32encode(random.token_bytes(_CODE_BYTES)).decode().lower()


def code_digest(code: str) -> str:
    """What is stored of a recovery code."""
    return base64.urlsafe_b64encode(hashlib.sha256(code.encode()).digest()).decode()[:_DIGEST_LENGTH]

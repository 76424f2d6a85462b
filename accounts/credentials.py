"""Basic credentials: service accounts by one look-up, people by Django's slow hash, once a minute at most."""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
import time
from collections import OrderedDict
from functools import cache

from django.contrib.auth.hashers import check_password, make_password

from accounts import attempts, second_factor
from accounts.hashers import digest
from accounts.models import ServiceAccountSecret, User, UserKind
from wire.kept_queries import Given, KeptQuery

SECRET_PREFIX = "gws_"  # noqa: S105 - what a generated secret begins with
REMEMBERED_SECONDS = 60.0
REMEMBERED_MOST = 10_000


class VerifiedPasswords:
    """Remembers for a minute, in this process's memory alone, whether a password matched a stored hash.

    A person's Basic credential comes with every request of a burst and one slow hash costs a fifth of a second of CPU.
    The key is an HMAC under a key that dies with the process, over the *stored hash* too: a changed password is never
    served from here. Checks of one credential are single-flight, so a burst of 32 costs one hash and not 32.
    """

    def __init__(self, seconds: float = REMEMBERED_SECONDS, most: int = REMEMBERED_MOST) -> None:
        self._key = os.urandom(32)
        self._seconds = seconds
        self._most = most
        self._known: OrderedDict[bytes, tuple[float, bool]] = OrderedDict()
        self._in_flight: dict[bytes, threading.Lock] = {}
        self._guard = threading.Lock()

    def matches(self, password: str, encoded: str) -> bool:
        """Whether `password` belongs to the stored hash `encoded`."""
        key = self._key_of(password, encoded)
        answer = self._look_up(key)
        if answer is not None:
            return answer
        with self._guard:
            lock = self._in_flight.setdefault(key, threading.Lock())
        with lock:
            answer = self._look_up(key)
            if answer is None:
                answer = check_password(password, encoded)
                self._remember(key, answer)
        return answer

    def remembers(self, password: str, encoded: str) -> bool:
        """Whether the password is known to match, without computing anything slow."""
        return self._look_up(self._key_of(password, encoded)) is True

    def _key_of(self, password: str, encoded: str) -> bytes:
        return hmac.digest(self._key, f"{encoded}\0{password}".encode("utf-8", "surrogatepass"), hashlib.sha256)

    def _look_up(self, key: bytes) -> bool | None:
        with self._guard:
            found = self._known.get(key)
        return found[1] if found is not None and found[0] > time.monotonic() else None

    def _remember(self, key: bytes, answer: bool) -> None:
        with self._guard:
            self._known[key] = (time.monotonic() + self._seconds, answer)
            self._known.move_to_end(key)
            self._in_flight.pop(key, None)
            while len(self._known) > self._most:
                self._known.popitem(last=False)


_verified = VerifiedPasswords()


def is_remembered(user: User, password: str) -> bool:
    """Whether the password is known to be the user's, without computing anything slow."""
    return _verified.remembers(password, user.password)


def user_by_basic(username: str, secret: str, address: str) -> User | None:
    """The active user whom these Basic credentials prove, or None.

    Raises:
        TooManyAttempts: see `accounts.attempts`.
    """
    if secret.startswith(SECRET_PREFIX):
        return _service_account(username, secret, address)
    person = person_by_password(username, secret, address)
    # A password alone must not be a way around the second factor, nor around having to set one up.
    return None if person is None or second_factor.is_needed_by(person) else person


_BY_SECRET = KeptQuery(
    lambda: ServiceAccountSecret.objects.select_related("user").filter(
        digest=Given("digest"), revoked_at=None, user__username=Given("username"), user__is_active=True
    )
)


def _service_account(username: str, secret: str, address: str) -> User | None:
    """The account of a generated secret. The right one is taken whatever was tried before: 256 bits are not guessed,
    and nobody must be able to lock a machine out."""
    found = _BY_SECRET.first(digest=digest(secret), username=username)
    if found is not None:
        return found.user
    attempts.check(username, address)
    attempts.note_failure(username, address)
    return None


_PERSON = KeptQuery(lambda: User.objects.filter(username=Given("username"), kind=UserKind.PERSON, is_active=True))


def person_by_password(username: str, password: str, address: str) -> User | None:
    """The active person with this password, or None; takes as long for an unknown name as for a wrong password.

    Args:
        address: where the attempt comes from; failures are counted by it.

    Raises:
        TooManyAttempts: see `accounts.attempts`.
    """
    user = _PERSON.first(username=username)
    encoded = user.password if user is not None else _dummy_hash()
    if user is not None and is_remembered(user, password):
        return user
    attempts.check(username, address)
    if _verified.matches(password, encoded) and user is not None:
        attempts.note_success(username, address)
        return user
    attempts.note_failure(username, address)
    return None


@cache
def _dummy_hash() -> str:
    """A hash that no password matches: checking it evens out the time that an unknown name takes."""
    return make_password(os.urandom(16).hex())

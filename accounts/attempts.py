"""Slowing down whoever guesses passwords, without letting a stranger lock somebody out.

Counted in the cache (Valkey), so that all processes see it, in windows of a quarter of an hour:

* one address on one account: after `PAIR_LIMIT` failures that address waits, and nobody else;
* one address on any account: after `ADDRESS_LIMIT` failures the address waits;
* one account from anywhere: after `ACCOUNT_LIMIT` failures it is closed to addresses it was never used from.

When the cache is away, guesses are slowed down by the slow hash alone: people can still work.
"""

from __future__ import annotations

import hashlib
import logging

from django.core.cache import cache

from accounts.errors import TooManyAttempts

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 15 * 60
KNOWN_SECONDS = 30 * 24 * 3600
PAIR_LIMIT = 10
ADDRESS_LIMIT = 100
ACCOUNT_LIMIT = 100


def _key(kind: str, *parts: str) -> str:
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:40]
    return f"attempts:{kind}:{digest}"


def check(account: str, address: str) -> None:
    """Refuse an attempt that comes after too many failures.

    Raises:
        TooManyAttempts: with the seconds to wait.
    """
    pair, alone, whole = _key("pair", account, address), _key("address", address), _key("account", account)
    known = _key("known", account, address)
    try:
        found = cache.get_many([pair, alone, whole, known])
    except Exception as error:
        logger.warning("attempts are not counted: the cache does not answer (%s)", type(error).__name__)
        return
    closed_to_strangers = found.get(whole, 0) >= ACCOUNT_LIMIT and known not in found
    if found.get(pair, 0) >= PAIR_LIMIT or found.get(alone, 0) >= ADDRESS_LIMIT or closed_to_strangers:
        raise TooManyAttempts(WINDOW_SECONDS)


def note_failure(account: str, address: str) -> None:
    """Count a wrong password or secret."""
    try:
        for key in (_key("pair", account, address), _key("address", address), _key("account", account)):
            cache.add(key, 0, WINDOW_SECONDS)
            cache.incr(key)
    except Exception as error:
        logger.warning("a failed attempt was not counted (%s)", type(error).__name__)


def note_success(account: str, address: str) -> None:
    """Forget the address's failures on this account, and remember that the account is used from there."""
    try:
        cache.delete(_key("pair", account, address))
        cache.set(_key("known", account, address), 1, KNOWN_SECONDS)
    except Exception as error:
        logger.warning("a log-in was not noted (%s)", type(error).__name__)

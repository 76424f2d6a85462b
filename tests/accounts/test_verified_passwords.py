"""The slow hash of a person's password is computed once in a burst, and never remembered for another password."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password

from accounts import credentials
from accounts.credentials import VerifiedPasswords

THREADS = 32
PASSWORD = "a-password-of-a-test"


@pytest.fixture(scope="module")
def encoded() -> str:
    """A hash of the kind that people have, with fewer rounds."""
    return PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=20_000)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each slow hash that was really computed."""
    found: list[str] = []

    def counted(password: str, stored: str) -> bool:
        found.append(stored)
        return check_password(password, stored)

    monkeypatch.setattr(credentials, "check_password", counted)
    return found


def _at_once(act: Callable[[], bool]) -> list[bool]:
    """Let all threads act at the same moment."""
    barrier = threading.Barrier(THREADS)

    def wait_and_act() -> bool:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(THREADS) as pool:
        return [future.result() for future in [pool.submit(wait_and_act) for _ in range(THREADS)]]


def test_a_burst_costs_one_slow_hash(encoded: str, checks: list[str]) -> None:
    passwords = VerifiedPasswords()

    assert _at_once(lambda: passwords.matches(PASSWORD, encoded)) == [True] * THREADS
    assert len(checks) == 1


def test_without_remembering_each_of_the_burst_costs_one(encoded: str, checks: list[str]) -> None:
    passwords = VerifiedPasswords(seconds=0)

    assert _at_once(lambda: passwords.matches(PASSWORD, encoded)) == [True] * THREADS
    assert len(checks) == THREADS


def test_a_burst_of_a_wrong_password_costs_one_slow_hash_too(encoded: str, checks: list[str]) -> None:
    passwords = VerifiedPasswords()

    assert _at_once(lambda: passwords.matches("wrong", encoded)) == [False] * THREADS
    assert len(checks) == 1
    assert passwords.matches(PASSWORD, encoded)


def test_a_changed_password_is_not_served_from_memory(encoded: str) -> None:
    passwords = VerifiedPasswords()
    assert passwords.matches(PASSWORD, encoded)
    changed = PBKDF2PasswordHasher().encode("another", "salt", iterations=1000)

    assert not passwords.matches(PASSWORD, changed)
    assert passwords.matches("another", changed)


def test_what_is_remembered_is_bounded(checks: list[str]) -> None:
    passwords = VerifiedPasswords(most=2)
    hashes = [PBKDF2PasswordHasher().encode(PASSWORD, f"salt{number}", iterations=1) for number in range(3)]
    for stored in hashes:
        passwords.matches(PASSWORD, stored)

    passwords.matches(PASSWORD, hashes[2])
    assert len(checks) == 3
    passwords.matches(PASSWORD, hashes[0])
    assert len(checks) == 4


def test_no_password_is_kept_in_clear(encoded: str) -> None:
    passwords = VerifiedPasswords()
    passwords.matches(PASSWORD, encoded)

    assert PASSWORD not in repr(vars(passwords))


def test_a_fault_while_checking_does_not_block_the_next_attempt(encoded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = VerifiedPasswords()
    with monkeypatch.context() as patch:
        patch.setattr(credentials, "check_password", _break)
        with pytest.raises(RuntimeError):
            passwords.matches(PASSWORD, encoded)

    assert passwords.matches(PASSWORD, encoded)


def _break(*_: str) -> bool:
    raise RuntimeError("the hasher broke")

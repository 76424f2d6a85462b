"""Credentials at rest: they open in their own row under a known key, and nowhere else."""

from __future__ import annotations

import os
import pickle
from typing import Any

import pytest

from wire import secrets
from wire.secrets import Secret, SecretUnreadable

SECRET = Secret("Basic ZmFrZTpmYWtl")
ROW = secrets.binding("request", 17, "authorization")
OLD, NEW = os.urandom(32), os.urandom(32)


@pytest.fixture(autouse=True)
def _key_ring(settings: Any) -> None:
    settings.FIELD_ENCRYPTION_KEYS = {"old": OLD}


def test_what_was_encrypted_opens_again() -> None:
    assert secrets.decrypt(secrets.encrypt(SECRET, ROW), ROW).value == SECRET.value


def test_a_memoryview_as_the_database_gives_it_opens_too() -> None:
    assert secrets.decrypt(memoryview(secrets.encrypt(SECRET, ROW)), ROW).value == SECRET.value  # type: ignore[arg-type]


def test_the_ciphertext_shows_neither_the_secret_nor_that_two_are_equal() -> None:
    first, second = secrets.encrypt(SECRET, ROW), secrets.encrypt(SECRET, ROW)
    assert first != second
    assert b"ZmFrZTpmYWtl" not in first + second


@pytest.mark.parametrize(
    "other",
    [("request", 18, "authorization"), ("target", 17, "authorization"), ("request", 17, "credential")],
    ids=["row", "table", "field"],
)
def test_a_ciphertext_moved_elsewhere_does_not_open(other: tuple[str, int, str]) -> None:
    with pytest.raises(SecretUnreadable):
        secrets.decrypt(secrets.encrypt(SECRET, ROW), secrets.binding(*other))


def test_the_first_key_encrypts_and_all_decrypt(settings: Any) -> None:
    before = secrets.encrypt(SECRET, ROW)
    settings.FIELD_ENCRYPTION_KEYS = {"new": NEW, "old": OLD}
    after = secrets.encrypt(SECRET, ROW)
    assert (before.split(b":")[1], after.split(b":")[1]) == (b"old", b"new")
    assert [secrets.decrypt(each, ROW).value for each in (before, after)] == [SECRET.value] * 2


def test_a_key_that_left_the_ring_is_missed(settings: Any) -> None:
    stored = secrets.encrypt(SECRET, ROW)
    settings.FIELD_ENCRYPTION_KEYS = {"new": NEW}
    with pytest.raises(SecretUnreadable, match="FIELD_ENCRYPTION_KEYS"):
        secrets.decrypt(stored, ROW)


def test_another_key_under_the_same_name_does_not_open(settings: Any) -> None:
    stored = secrets.encrypt(SECRET, ROW)
    settings.FIELD_ENCRYPTION_KEYS = {"old": NEW}
    with pytest.raises(SecretUnreadable, match="altered"):
        secrets.decrypt(stored, ROW)


def test_every_altered_byte_is_noticed() -> None:
    stored = secrets.encrypt(SECRET, ROW)
    for place in range(len(stored)):
        altered = stored[:place] + bytes([stored[place] ^ 1]) + stored[place + 1 :]
        with pytest.raises(SecretUnreadable):
            secrets.decrypt(altered, ROW)


@pytest.mark.parametrize("stored", [b"", b"v1", b"v1:", b"v1:old", b"v1:old:", b"v1:old:short", b"Basic ZmFrZTpmYWtl",
                                    b"v2:old:" + b"x" * 60, b"\xff\xfe:\xff:x"])  # fmt: skip
def test_what_is_no_ciphertext_is_never_taken_for_the_secret(stored: bytes) -> None:
    with pytest.raises(SecretUnreadable) as caught:
        secrets.decrypt(stored, ROW)
    assert "ZmFrZTpmYWtl" not in str(caught.value)


def test_a_secret_cannot_be_printed_by_mistake() -> None:
    printed = [
        str(SECRET),
        repr(SECRET),
        f"{SECRET}",
        f"{SECRET!r}",
        "{}".format(SECRET),  # noqa: UP032 - one of the ways
        repr([SECRET]),
        repr({"a": SECRET}),
    ]
    assert all("ZmFrZTpmYWtl" not in text for text in printed)


def test_the_failure_to_open_keeps_no_trace_of_the_ciphertext_s_key() -> None:
    with pytest.raises(SecretUnreadable) as caught:
        secrets.decrypt(secrets.encrypt(SECRET, ROW)[:-1], ROW)
    assert caught.value.__cause__ is None
    assert pickle.loads(pickle.dumps(caught.value)).args == caught.value.args

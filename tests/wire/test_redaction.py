"""Secrets are masked by name and by shape, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.redaction import MASK, redact, redact_text

SECRET_NAMES = ("Authorization", "authorization", "X-CAP-UI-AUTH-TOKEN", "X-CAP-API-OAUTH-TOKEN", "access_token",
                "password", "passwd", "client_secret", "Set-Cookie", "cookie", "credential", "api_key", "api-key",
                "apikey", "private_key", "HTTP_AUTHORIZATION", "refreshToken")  # fmt: skip
PLAIN_NAMES = (
    "points",
    "referenceId",
    "reason",
    "author",
    "keyboard",
    "tillId",
    "path",
    "status",
    "lease_token",
    "token_type",
)


@pytest.mark.parametrize("name", SECRET_NAMES)
@pytest.mark.parametrize("value", ["x", 1, ["x"], {"a": "b"}])
def test_whatever_stands_under_a_secret_name_is_masked(name: str, value: Any) -> None:
    assert redact({name: value}) == {name: MASK}
    assert redact({"deep": [{name: value}]}) == {"deep": [{name: MASK}]}


@pytest.mark.parametrize("value", [None, ""])
def test_what_was_not_there_is_not_masked(value: Any) -> None:
    assert redact({"Authorization": value}) == {"Authorization": value}


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_other_names_keep_their_values(name: str) -> None:
    assert redact({name: "value 20"}) == {name: "value 20"}


SHAPES = ("Basic ZmFrZTpmYWtl", "basic ZmFrZTpmYWtl", "BASIC  ZmFrZTpmYWtl", "Bearer abcdef123456",
          "bearer abc.def-ghi_j", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "gws_" + "a" * 43)  # fmt: skip


@pytest.mark.parametrize("secret", SHAPES)
@pytest.mark.parametrize("around", ["{}", "a {} b", '{{"x":"{}"}}', "Authorization: {}\r\nHost: x", "['{}']"])
def test_what_has_the_shape_of_a_secret_is_masked_wherever_it_stands(secret: str, around: str) -> None:
    cleaned = redact_text(around.format(secret))

    assert secret.split()[-1] not in cleaned
    assert MASK in cleaned


def test_the_password_of_an_address_is_masked_and_the_host_is_not() -> None:
    assert redact_text("postgresql://owner:word@db.example:5432/x") == f"postgresql://{MASK}@db.example:5432/x"


@pytest.mark.parametrize("text", ["a basic rule", "Basic", "bearer of news", "http://internal-intouch-api.default:1900",
                                  "eyJ", "ref_id_1299314173", "12:30", "tom@example.com"])  # fmt: skip
def test_other_texts_are_left_alone(text: str) -> None:
    assert redact_text(text) == text


@given(st.text(min_size=4, max_size=30), st.text(max_size=20), st.text(max_size=20))
def test_a_known_secret_is_masked_wherever_it_stands(secret: str, before: str, after: str) -> None:
    assert secret not in redact_text(f"{before}{secret}{after}", [secret]).replace(MASK, "\0") or secret in MASK * 9


def test_the_shape_of_the_structure_stays() -> None:
    value = {"a": [1, True, None, "x", {"token": "t", "b": ("y",)}]}

    assert redact(value) == {"a": [1, True, None, "x", {"token": MASK, "b": ["y"]}]}

"""JSON that has one reading only, and numbers that stay what they were."""

from __future__ import annotations

import contextlib
import json
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wire import strict_json
from wire.strict_json import InvalidJSON

texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**14), max_value=10**14)
integers = st.integers(-(2**70), 2**70)
values = st.recursive(
    st.none() | st.booleans() | integers | decimals | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=300))
@example(b"[" * 60_000)
@example(b'{"a":' * 10_000)
@example(b"\xef\xbb\xbf{}")
@example(b'"\\ud800"')
@example(b"9" * 5000)
@example(b"1e999999999")
@example(b"-")
@example(b'{"\\u0000":1}')
@example(b"\x00")
def test_whatever_the_bytes_only_invalid_json_is_raised(raw: bytes) -> None:
    with contextlib.suppress(InvalidJSON):
        strict_json.parse(raw)


@given(st.text('{}[]":,0123456789.eE+-\\u0daft rnl', max_size=60))
def test_whatever_looks_like_json_only_invalid_json_is_raised(text: str) -> None:
    try:
        value = strict_json.parse(text.encode())
    except InvalidJSON:
        return
    assert strict_json.loads(strict_json.dumps(value)) == value


@given(values)
def test_what_is_written_is_read_back_digit_by_digit(value: Any) -> None:
    text = strict_json.dumps(value)

    assert _repr(strict_json.loads(text)) == _repr(value)
    assert _repr(strict_json.parse(text.encode())) == _repr(value)


def _repr(value: Any) -> str:
    """Tells 20 from 20.0, 1 from True, and one order of keys from another."""
    return repr(value)


@given(st.dictionaries(texts, values, max_size=6), st.randoms(use_true_random=False))
def test_the_canonical_form_does_not_know_the_order_of_keys(value: dict[str, Any], random: Any) -> None:
    names = list(value)
    random.shuffle(names)

    assert strict_json.canonical({name: value[name] for name in names}) == strict_json.canonical(value)


@given(values)
def test_the_canonical_form_is_its_own_canonical_form(value: Any) -> None:
    canonical = strict_json.canonical(value)

    assert strict_json.canonical(strict_json.loads(canonical.decode())) == canonical


@given(values, values)
def test_different_values_have_different_canonical_forms(one: Any, other: Any) -> None:
    assert (strict_json.canonical(one) == strict_json.canonical(other)) == (_plain(one) == _plain(other))


def _plain(value: Any) -> Any:
    """Numbers by their value, everything else by its kind: True is not 1."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return ("number", Decimal(value))
    return (type(value).__name__, value)


@pytest.mark.parametrize("spelling", ["20", "20.0", "2e1", "2E+1", "200e-1", "20.000000"])
def test_every_spelling_of_a_number_has_one_canonical_form(spelling: str) -> None:
    assert strict_json.canonical(strict_json.parse(spelling.encode())) == b"20"


@pytest.mark.parametrize(
    ("spelling", "canonical"), [("0.50", b"0.5"), ("5e-1", b"0.5"), ("-0.0", b"0"), ("1e-7", b"1E-7")]
)
def test_fractions_have_one_canonical_form(spelling: str, canonical: bytes) -> None:
    assert strict_json.canonical(strict_json.parse(spelling.encode())) == canonical


@pytest.mark.parametrize("number", ["1.0", "0.1", "12.50", "1E-7", "99999999999999.999999", "9007199254740993.0"])
def test_a_fraction_is_never_a_binary_one(number: str) -> None:
    value = strict_json.parse(number.encode())

    assert type(value) is Decimal
    assert str(value) == number
    assert strict_json.dumps(value) == number


def test_a_whole_number_is_whole_however_long() -> None:
    assert strict_json.parse(str(2**100).encode()) == 2**100
    assert type(strict_json.parse(b"20")) is int


@pytest.mark.parametrize("depth", [1, 20])
def test_the_allowed_depth_is_read(depth: int) -> None:
    assert strict_json.parse(b"[" * depth + b"]" * depth) is not None
    assert strict_json.parse(b'{"a":' * depth + b"1" + b"}" * depth) is not None


@pytest.mark.parametrize("depth", [21, 1000, 30_000])
def test_a_greater_depth_is_refused(depth: int) -> None:
    with pytest.raises(InvalidJSON, match="nested more than 20 deep"):
        strict_json.parse(b"[" * depth + b"]" * depth)


def test_brackets_inside_texts_are_no_depth() -> None:
    assert strict_json.parse(json.dumps(["[" * 500, "{" * 500]).encode()) == ["[" * 500, "{" * 500]


def test_the_length_is_counted_in_bytes() -> None:
    assert strict_json.parse('"ä"'.encode(), max_bytes=4) == "ä"
    with pytest.raises(InvalidJSON, match="longer than 3 bytes"):
        strict_json.parse('"ä"'.encode(), max_bytes=3)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_not_read(value: float) -> None:
    with pytest.raises(InvalidJSON, match="is not a JSON number"):
        strict_json.parse(json.dumps(value).encode())


def test_a_duplicate_key_is_named_without_its_control_characters() -> None:
    with pytest.raises(InvalidJSON, match=r"'a\?b' appears twice"):
        strict_json.parse(rb'{"a\u0007b":1,"a\u0007b":2}')


@pytest.mark.parametrize("point", [*range(0x20), *range(0x7F, 0xA0), 0xD800, 0xDBFF, 0xDC00, 0xDFFF])
def test_no_control_character_and_no_lone_surrogate_gets_in(point: int) -> None:
    for text in (f'"a\\u{point:04x}"', f'{{"a\\u{point:04x}":1}}', f'[["\\u{point:04x}"]]'):
        with pytest.raises(InvalidJSON):
            strict_json.parse(text.encode())
    with pytest.raises(InvalidJSON):
        strict_json.parse(f'"a{chr(point)}"'.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("text", ['"\\ud83d\\ude00"', '"\\u00e4"', '"\\/\\""', '"\u2028"', '"\ufeff"'])
def test_every_other_escape_is_read(text: str) -> None:
    assert strict_json.parse(text.encode()) == json.loads(text)

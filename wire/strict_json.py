"""JSON as the money path needs it: one reading only, and numbers that stay what they were.

`parse` refuses whatever two parsers could read differently or PostgreSQL could not keep (duplicate keys, NaN, NUL, lone
surrogates, bad UTF-8, excessive depth or size); the measured list of what a lenient parser lets through is in
docs/adr/0004-strict-json.md. Numbers with a fraction or an exponent become `Decimal`, never `float`.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import simplejson

MAX_BYTES = 64 * 1024
MAX_DEPTH = 20
MAX_NUMBER_LENGTH = 40

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_HIGH_CONTROL = re.compile("[\x7f-\x9f]")


class InvalidJSON(ValueError):
    """The text is not JSON that this service reads; the message says why and is safe to show to the sender."""


def _integer(text: str) -> int:
    if len(text) > MAX_NUMBER_LENGTH:
        raise InvalidJSON(f"a number is longer than {MAX_NUMBER_LENGTH} characters")
    return int(text)


def _decimal(text: str) -> Decimal:
    """A bounded Decimal: `1e999999999` is legal JSON and would fill the memory once written out."""
    if len(text) > MAX_NUMBER_LENGTH:
        raise InvalidJSON(f"a number is longer than {MAX_NUMBER_LENGTH} characters")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise InvalidJSON("a number is out of range") from None
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > MAX_NUMBER_LENGTH:
        raise InvalidJSON("a number is out of range")
    return number


def _no_constant(name: str) -> NoReturn:
    raise InvalidJSON(f"{name} is not a JSON number")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in names if names.count(key) > 1)
        raise InvalidJSON(f"the key {_CONTROL.sub('?', twice)[:80]!r} appears twice in one object")
    return found


def _check_tree(root: Any) -> None:
    """Walk without recursion: depth, and what an escape sequence may have smuggled into a string."""
    stack: list[tuple[Any, int]] = [(root, 1)]
    while stack:
        node, depth = stack.pop()
        if isinstance(node, str):
            if _CONTROL.search(node):
                raise InvalidJSON("a text holds a control character or a lone surrogate")
        elif isinstance(node, dict):
            _check_depth(depth)
            stack.extend((key, depth) for key in node)
            stack.extend((value, depth + 1) for value in node.values())
        elif isinstance(node, list):
            _check_depth(depth)
            stack.extend((value, depth + 1) for value in node)


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InvalidJSON(f"the JSON is nested more than {MAX_DEPTH} deep")


_ENCODER = simplejson.JSONEncoder(use_decimal=True, ensure_ascii=False, separators=(",", ":"))
_CANONICAL = simplejson.JSONEncoder(use_decimal=True, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique_keys, parse_float=_decimal, parse_int=_integer, parse_constant=_no_constant
)


def parse(raw: bytes, *, max_bytes: int = MAX_BYTES) -> Any:
    """Read one JSON value.

    Args:
        raw: the body, UTF-8 without a byte order mark.
        max_bytes: its greatest length in bytes.

    Raises:
        InvalidJSON: with a sentence for the sender.
    """
    if len(raw) > max_bytes:
        raise InvalidJSON(f"the body is longer than {max_bytes} bytes")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidJSON("the body is not UTF-8") from None
    if _HIGH_CONTROL.search(text):
        raise InvalidJSON("a text holds a control character or a lone surrogate")
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise InvalidJSON(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise InvalidJSON(f"the JSON is nested more than {MAX_DEPTH} deep") from None
    # Only an escape can hide a control character, and only many brackets can be deep: most bodies need no walk.
    if "\\" in text or text.count("{") + text.count("[") > MAX_DEPTH:
        _check_tree(value)
    return value


def dumps(value: Any) -> str:
    """Compact JSON text in the order given; a `Decimal` is written digit for digit."""
    return _ENCODER.encode(value)


def loads(text: str) -> Any:
    """Read back what `dumps` wrote; fractions come back as `Decimal`."""
    return json.loads(text, parse_float=Decimal)


def _plain(value: Any) -> Any:
    """`20`, `20.0` and `2e1` are one number and must have one digest."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value.normalize()
    return value


def canonical(value: Any) -> bytes:
    """The one byte string of a JSON value: keys sorted, numbers in their shortest form, no white space."""
    return _CANONICAL.encode(_plain(value)).encode()

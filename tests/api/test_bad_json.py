"""Bodies that are no JSON, or none that two parsers would read alike."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.api.gateway import BODY, TASK, Gateway, assert_refused, put, put_raw, stored
from wire import strict_json

Body = dict[str, object]


def _text(body: Body) -> str:
    return strict_json.dumps(body)


def _padded(body: Body, size: int) -> bytes:
    raw = _text(body).encode()
    return raw + b" " * (size - len(raw))


def _nested(body: Body, depth: int, brackets: tuple[str, str]) -> bytes:
    """A body in which `reason` opens so many brackets below the four objects that it stands in."""
    opening, closing = brackets
    return put_raw(body, f"{BODY}.reason", opening * depth + closing * depth)


UNREADABLE: dict[str, Callable[[Body], bytes]] = {
    "nothing that is JSON": lambda _: b"points=20",
    "a cut text": lambda body: _text(body).encode()[:-1],
    "an open text": lambda _: b'{"entityInfo": "',
    "a second value": lambda body: _text(body).encode() * 2,
    "a trailing comma": lambda body: _text(body).encode()[:-1] + b",}",
    "single quotes": lambda body: _text(body).replace('"', "'").encode(),
    "a comment": lambda body: b"/* x */" + _text(body).encode(),
    "white space alone": lambda _: b"   ",
    "white space of another kind": lambda body: "\u00a0".encode() + _text(body).encode(),
    "one byte too many": lambda body: _padded(body, 64 * 1024 + 1),
    "three megabytes": lambda body: _padded(body, 3 * 1024 * 1024),
    "objects 21 deep": lambda body: _nested(body, 17, ('{"a":', "}")).replace(b":}", b":1}"),
    "lists 21 deep": lambda body: _nested(body, 17, ("[", "]")),
    "sixty thousand brackets": lambda _: b"[" * 60_000,
    "a hundred thousand brackets": lambda _: b"[" * 100_000,
    "sixty thousand closed brackets": lambda _: b"[" * 30_000 + b"]" * 30_000,
    "ten thousand objects": lambda _: b'{"a":' * 10_000,
    "a key twice": lambda body: put_raw(body, f"{BODY}.points", '20,"points":9999'),
    "a key twice by an escape": lambda body: put_raw(body, f"{BODY}.points", r'20,"p\u006fints":9999'),
    "a key twice on top": lambda body: b'{"entityInfo":1,' + _text(body).encode()[1:],
    "NaN": lambda body: put_raw(body, f"{BODY}.points", "NaN"),
    "Infinity": lambda body: put_raw(body, f"{BODY}.points", "Infinity"),
    "-Infinity": lambda body: put_raw(body, f"{BODY}.points", "-Infinity"),
    "nan": lambda body: put_raw(body, f"{BODY}.points", "nan"),
    "a plus": lambda body: put_raw(body, f"{BODY}.points", "+20"),
    "a leading zero": lambda body: put_raw(body, f"{BODY}.points", "020"),
    "a point in front": lambda body: put_raw(body, f"{BODY}.points", ".5"),
    "a point behind": lambda body: put_raw(body, f"{BODY}.points", "20."),
    "hexadecimal": lambda body: put_raw(body, f"{BODY}.points", "0x14"),
    "an underscore": lambda body: put_raw(body, f"{BODY}.points", "2_0"),
    "Arabic digits": lambda body: put_raw(body, f"{BODY}.points", "٢٠"),
    "full-width digits": lambda body: put_raw(body, f"{BODY}.points", "２０"),
    "1e400": lambda body: put_raw(body, f"{BODY}.points", "1e400"),
    "1e-400": lambda body: put_raw(body, f"{BODY}.points", "1e-400"),
    "1e999999999": lambda body: put_raw(body, f"{BODY}.points", "1e999999999"),
    "an endless number": lambda body: put_raw(body, f"{BODY}.points", "9" * 5000),
    "an endless fraction": lambda body: put_raw(body, f"{BODY}.points", "0." + "3" * 5000),
    "an escaped NUL": lambda body: put_raw(body, f"{BODY}.reason", r'"a\u0000b"'),
    "a raw NUL": lambda body: put_raw(body, f"{BODY}.reason", '"a\x00b"'),
    "a NUL in a key": lambda body: put_raw(body, f"{BODY}.reason", r'"a","x\u0000":1'),
    "an escaped bell": lambda body: put_raw(body, f"{BODY}.reason", r'"a\u0007b"'),
    "a raw bell": lambda body: put_raw(body, f"{BODY}.reason", '"a\x07b"'),
    "an escaped line break": lambda body: put_raw(body, f"{BODY}.reason", r'"a\nb"'),
    "a raw line break": lambda body: put_raw(body, f"{BODY}.reason", '"a\nb"'),
    "a tab": lambda body: put_raw(body, f"{BODY}.reason", r'"a\tb"'),
    "DEL": lambda body: put_raw(body, f"{BODY}.reason", '"a\x7fb"'),
    "a C1 control": lambda body: put_raw(body, f"{BODY}.reason", '"a\x85b"'),
    "an escaped C1 control": lambda body: put_raw(body, f"{BODY}.reason", r'"a\u009bb"'),
    "a high surrogate": lambda body: put_raw(body, f"{BODY}.reason", r'"\ud83d"'),
    "a low surrogate": lambda body: put_raw(body, f"{BODY}.reason", r'"\ude00"'),
    "surrogates the wrong way round": lambda body: put_raw(body, f"{BODY}.reason", r'"\ude00\ud83d"'),
    "a surrogate in a key": lambda body: put_raw(body, f"{BODY}.reason", r'"a","\ud800":1'),
    "surrogates in bytes": lambda body: put_raw(body, f"{BODY}.reason", '"\ud83d"'),
    "overlong UTF-8": lambda body: _text(body).encode().replace(b"reason", b"\xc0\xaf", 1),
    "cut UTF-8": lambda body: put_raw(body, f"{BODY}.reason", '"ä"').replace(b"\xc3\xa4", b"\xc3"),
    "latin-1": lambda body: put_raw(body, f"{BODY}.reason", '"ä"').replace(b"\xc3\xa4", b"\xe4"),
    "UTF-16": lambda body: _text(body).encode("utf-16"),
    "UTF-16 without a mark": lambda body: _text(body).encode("utf-16-le"),
    "UTF-32": lambda body: _text(body).encode("utf-32"),
    "UTF-7": lambda body: _text(body).encode("utf-7").replace(b"{", b"+AHs-"),
    "a byte order mark": lambda body: b"\xef\xbb\xbf" + _text(body).encode(),
    "gzip": lambda _: b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
}  # fmt: skip


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_cannot_be_read_one_way_only_is_refused(gateway: Gateway, kind: str) -> None:
    before = stored()

    answer = gateway.submit(UNREADABLE[kind](gateway.house.body()))

    assert_refused(answer, 400, (2008, None))
    assert "cannot be read" in answer.json["errors"][0]["message"]
    assert stored() == before


@pytest.mark.parametrize("raw", [b"null", b"true", b"20", b'"x"', b"[]", b'[{"entityInfo":1}]', b"1.5"])
def test_a_body_that_is_no_object_is_refused(gateway: Gateway, raw: bytes) -> None:
    assert_refused(gateway.submit(raw), 400, (2008, None))


@pytest.mark.parametrize("raw", [b"", b"{}"])
def test_an_empty_body_lacks_its_two_parts(gateway: Gateway, raw: bytes) -> None:
    assert_refused(gateway.submit(raw), 400, (2008, "entityInfo"), (2008, "payload"))


def test_a_body_of_just_the_allowed_size_and_depth_is_read(gateway: Gateway) -> None:
    assert gateway.submit(_padded(gateway.house.body(), 64 * 1024)).status == 200
    deepest = gateway.submit(_nested(gateway.house.body(), 16, ("[", "]")))
    assert_refused(deepest, 400, (2008, f"{BODY}.reason"))


@pytest.mark.parametrize(
    "text", ["😀", "été", "日本語", "a\u202eb", "'; DROP TABLE x;--", "<script>alert(1)</script>", "%00"]
)
def test_any_other_text_is_kept_as_it_is(gateway: Gateway, text: str) -> None:
    request_id = gateway.submit(gateway.house.body(reason=text)).data["requestId"]

    assert gateway.show(request_id).data["details"]["IntouchAPITask-Payload"]["body"]["reason"] == text
    assert gateway.history().data[0]["reason"] == text


def test_a_secret_under_a_wrong_name_is_not_sent_back(gateway: Gateway) -> None:
    body = put(gateway.house.body(), f"{TASK}.headers", "Basic ZmFrZTpmYWtl")

    assert_refused(gateway.submit(body), 400, (2023, f"{TASK}.headers"))
    assert_refused(gateway.submit(b'"Basic ZmFrZTpmYWtl"'), 400, (2008, None))
    assert_refused(gateway.submit(b'{"a": Basic ZmFrZTpmYWtl}'), 400, (2008, None))
